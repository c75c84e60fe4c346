//! The decoded header of a request or an answer (protocol 1.2 to 1.4).

mod binary;
mod decoded;
mod json;
mod json_general;
mod reader;

use crate::DecodeError;
pub use crate::fields::Fields;
use crate::frame::HeaderEncoding;
pub use crate::language::UNKNOWN_LANGUAGE;
pub use decoded::{Header, flag};
pub use reader::HeaderReader;

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
}
