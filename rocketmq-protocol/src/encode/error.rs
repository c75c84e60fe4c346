//! What no frame can hold.

use std::fmt;

/// Why something cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The frame would be longer than peers accept.
    FrameTooLong {
        /// Bytes of the frame.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// One piece is longer than its length field can say.
    FieldTooLong {
        /// The piece.
        what: &'static str,
        /// Its bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The code does not fit the 16 bits it has in the binary header.
    CodeTooLarge(i32),
    /// The version does not fit the 16 bits it has in the binary header.
    VersionTooLarge(i32),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::FrameTooLong { len, max } => write!(f, "frame of {len} bytes, the limit is {max}"),
            EncodeError::FieldTooLong { what, len, max } => {
                write!(f, "{what} of {len} bytes, the limit is {max}")
            }
            EncodeError::CodeTooLarge(code) => write!(f, "code {code} does not fit a binary header"),
            EncodeError::VersionTooLarge(version) => {
                write!(f, "version {version} does not fit a binary header")
            }
        }
    }
}

impl std::error::Error for EncodeError {}
