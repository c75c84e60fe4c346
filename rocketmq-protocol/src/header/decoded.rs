//! What a header holds, whatever its encoding.

use std::borrow::Cow;

use crate::fields::Fields;
use crate::language::UNKNOWN_LANGUAGE;

/// Bits of the header's flag.
pub mod flag {
    /// Set: an answer. Clear: a request.
    pub const RESPONSE: i32 = 1;
    /// The peer must not answer this request.
    pub const ONEWAY: i32 = 2;
}

/// A decoded header, borrowed from the frame's bytes where possible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// Request code, or response code in an answer.
    pub code: i32,
    /// Language code of the sender, [`UNKNOWN_LANGUAGE`] when not known.
    pub language: u8,
    /// Protocol version ordinal of the sender, 0 when absent.
    pub version: i32,
    /// Correlation id; an answer repeats that of its request.
    pub opaque: i32,
    /// Bits of [`flag`].
    pub flag: i32,
    /// Human text; no sign of an error by itself.
    pub remark: Option<Cow<'a, str>>,
    /// The ext fields.
    pub fields: Fields<'a>,
}

impl Header<'_> {
    /// Whether this is an answer.
    pub fn is_response(&self) -> bool {
        self.flag & flag::RESPONSE != 0
    }

    /// Whether this is a request that must not be answered.
    pub fn is_oneway(&self) -> bool {
        self.flag & flag::ONEWAY != 0
    }
}

impl Default for Header<'_> {
    fn default() -> Self {
        Header {
            code: 0,
            language: UNKNOWN_LANGUAGE,
            version: 0,
            opaque: 0,
            flag: 0,
            remark: None,
            fields: Fields::new(),
        }
    }
}
