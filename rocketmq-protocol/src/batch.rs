//! The body of a batch: items one after another, without a count (protocol 5.8).

use std::borrow::Cow;

use crate::DecodeError;
use crate::encode::EncodeError;
use crate::properties;
use crate::reader::Reader;

/// Bytes of an item beside body and properties.
pub const ITEM_OVERHEAD: usize = 22;

/// One message of a batch. Topic, queue and times come from the header of the send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchItem<'a> {
    /// The user's flag.
    pub flag: i32,
    /// The body, never compressed.
    pub body: &'a [u8],
    /// Property string of this message, its own unique id included.
    pub properties: Cow<'a, str>,
}

/// Appends one item to `out`, with the property string in pieces that follow one another; on an error `out` is as it was.
pub fn push(out: &mut Vec<u8>, flag: i32, properties: &[&str], body: &[u8]) -> Result<(), EncodeError> {
    let len = properties.iter().map(|piece| piece.len()).sum();
    let properties_length = i16::try_from(len).map_err(|_| EncodeError::FieldTooLong {
        what: "property string",
        len,
        max: properties::MAX_LEN,
    })?;
    let too_long = || EncodeError::FieldTooLong {
        what: "body of a batch item",
        len: body.len(),
        max: i32::MAX as usize - ITEM_OVERHEAD - properties::MAX_LEN,
    };
    let size = i32::try_from(ITEM_OVERHEAD + len).ok();
    let body_length = i32::try_from(body.len()).map_err(|_| too_long())?;
    let size = size.and_then(|size| size.checked_add(body_length)).ok_or_else(too_long)?;
    out.reserve(size as usize);
    out.extend_from_slice(&size.to_be_bytes());
    // Magic and checksum: brokers look at neither.
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&flag.to_be_bytes());
    out.extend_from_slice(&body_length.to_be_bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(&properties_length.to_be_bytes());
    for piece in properties {
        out.extend_from_slice(piece.as_bytes());
    }
    Ok(())
}

/// The items of a batch body, up to the first that is broken.
pub fn iter(body: &[u8]) -> Items<'_> {
    Items { rest: body }
}

/// Iterator of [`iter`].
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<BatchItem<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let decoded = decode_item(self.rest);
        let (item, rest) = match decoded {
            Ok((item, rest)) => (Ok(item), rest),
            Err(error) => (Err(error), &[][..]),
        };
        self.rest = rest;
        Some(item)
    }
}

fn decode_item(bytes: &[u8]) -> Result<(BatchItem<'_>, &[u8]), DecodeError> {
    const WHAT: &str = "batch item";
    let mut outer = Reader::new(bytes, WHAT);
    let size = outer.i32()?;
    let inner = outer.take_announced(size.saturating_sub(4))?;
    let mut reader = Reader::new(inner, WHAT);
    reader.take(8)?;
    let flag = reader.i32()?;
    let body_length = reader.i32()?;
    let body = reader.take_announced(body_length)?;
    let properties_length = reader.i16()?;
    let properties = String::from_utf8_lossy(reader.take_announced(properties_length.into())?);
    if reader.remaining() > 0 {
        let detail = format!("size {size} leaves {} bytes after the properties", reader.remaining());
        return Err(DecodeError::malformed(WHAT, detail));
    }
    Ok((BatchItem { flag, body, properties }, &bytes[4 + inner.len()..]))
}
