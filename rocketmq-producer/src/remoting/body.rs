//! The body of a frame, which is copied only if it is small.

use std::ops::Deref;

use bytes::Bytes;

/// A body from this size on stays where it is: it is written from there, or kept there by who was answered. Smaller ones are
/// copied behind their headers, so that many frames go in one write.
pub(crate) const SHARED_BODY: usize = 32 * 1024;

/// The bytes of a body.
pub(crate) enum Body<'a> {
    Copied(&'a [u8]),
    /// Shared with the request until it is written, or with the buffer that it was read into.
    Shared(Bytes),
}

impl Body<'_> {
    /// The bytes to keep.
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Copied(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Deref for Body<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}
