//! What can be wrong with bytes that came from a peer.

use std::fmt;
use std::sync::Arc;

/// Longest piece of foreign text that an error repeats, in bytes.
const QUOTED_BYTES: usize = 120;

/// Bytes from a peer that are not what the protocol says.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DecodeError {
    /// A frame announces more bytes than a frame may have (protocol 1.1).
    FrameTooLong {
        /// Bytes of the whole frame as announced, its length field included.
        announced: u64,
        /// The limit in bytes.
        max: usize,
    },
    /// A frame's length field is negative or leaves no room for the header length.
    FrameTooShort {
        /// The length field as sent.
        announced: i32,
    },
    /// The header length is greater than what the frame holds.
    HeaderTooLong {
        /// Announced header bytes.
        header: usize,
        /// Bytes of the frame left for the header.
        frame: usize,
    },
    /// The header encoding is neither JSON (0) nor ROCKETMQ (1).
    UnknownHeaderEncoding(u8),
    /// The bytes end before the item does.
    Truncated {
        /// The item.
        what: &'static str,
        /// Bytes it needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// The item breaks a rule of its layout.
    Malformed {
        /// The item.
        what: &'static str,
        /// The rule and the value that breaks it.
        detail: String,
    },
    /// Text that should be JSON is not, or not of the expected shape.
    Json {
        /// The item.
        what: &'static str,
        /// What the JSON reader said.
        source: Arc<serde_json::Error>,
    },
    /// A required ext field is absent.
    MissingField {
        /// Its wire name.
        name: String,
    },
    /// An ext field has a value of the wrong form.
    BadField {
        /// Its wire name.
        name: String,
        /// Its value, cut when long.
        value: String,
        /// The form that was expected.
        expected: &'static str,
    },
}

impl DecodeError {
    pub(crate) fn malformed(what: &'static str, detail: impl Into<String>) -> Self {
        DecodeError::Malformed { what, detail: detail.into() }
    }

    pub(crate) fn json(what: &'static str, source: serde_json::Error) -> Self {
        DecodeError::Json { what, source: Arc::new(source) }
    }

    pub(crate) fn bad_field(name: &str, value: &str, expected: &'static str) -> Self {
        DecodeError::BadField { name: quote(name), value: quote(value), expected }
    }

    pub(crate) fn missing(name: &str) -> Self {
        DecodeError::MissingField { name: quote(name) }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::FrameTooLong { announced, max } => {
                write!(f, "frame of {announced} bytes announced, the limit is {max}")
            }
            DecodeError::FrameTooShort { announced } => {
                write!(f, "frame length field is {announced}, the least is 4")
            }
            DecodeError::HeaderTooLong { header, frame } => {
                write!(f, "header of {header} bytes announced in a frame with {frame} bytes left")
            }
            DecodeError::UnknownHeaderEncoding(encoding) => {
                write!(f, "unknown header encoding {encoding}, expected 0 (JSON) or 1 (ROCKETMQ)")
            }
            DecodeError::Truncated { what, needed, available } => {
                write!(f, "{what} needs {needed} bytes, {available} are there")
            }
            DecodeError::Malformed { what, detail } => write!(f, "malformed {what}: {detail}"),
            DecodeError::Json { what, source } => write!(f, "malformed {what}: {source}"),
            DecodeError::MissingField { name } => write!(f, "ext field {name} is missing"),
            DecodeError::BadField { name, value, expected } => {
                write!(f, "ext field {name} is {value:?}, expected {expected}")
            }
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DecodeError::Json { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

/// Foreign text, cut at a character boundary so that an error stays small.
pub(crate) fn quote(text: &str) -> String {
    if text.len() <= QUOTED_BYTES {
        return text.to_owned();
    }
    let end = (0..=QUOTED_BYTES).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}…", &text[..end])
}
