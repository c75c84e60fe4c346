//! The decoded header of a request or an answer (protocol 1.2 to 1.4).

mod binary;
mod json;
mod json_general;
mod reader;

use std::borrow::Cow;

use crate::DecodeError;
pub use crate::fields::Fields;
use crate::frame::HeaderEncoding;
pub use reader::HeaderReader;

/// Bits of the header's flag.
pub mod flag {
    /// Set: an answer. Clear: a request.
    pub const RESPONSE: i32 = 1;
    /// The peer must not answer this request.
    pub const ONEWAY: i32 = 2;
}

/// The `language` of a header that names none, or one this crate does not know.
pub const UNKNOWN_LANGUAGE: u8 = 255;

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

impl<'a> Header<'a> {
    /// Reads the header of a frame by the frame's own encoding.
    ///
    /// Text that is not UTF-8 is read with replacement characters, as Java does; a zero length in the
    /// binary encoding means absent.
    pub fn decode(encoding: HeaderEncoding, bytes: &'a [u8]) -> Result<Header<'a>, DecodeError> {
        match encoding {
            HeaderEncoding::Json => {
                let mut header = Header::default();
                match json::decode(bytes, &mut header) {
                    Some(_) => Ok(header),
                    None => json_general::decode(bytes),
                }
            }
            HeaderEncoding::Rocketmq => binary::decode(bytes),
        }
    }

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
