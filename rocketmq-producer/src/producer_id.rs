//! Which producer of this process.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells the producers of a process apart: whoever ends takes back what is its own, where several share connections and
/// routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProducerId(pub(crate) usize);

impl ProducerId {
    /// Of what belongs to the client instance, and ends with it.
    pub(crate) const NONE: Self = Self(0);

    /// Another one.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
