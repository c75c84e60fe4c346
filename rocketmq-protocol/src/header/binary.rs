//! The ROCKETMQ header encoding (protocol 1.3).

use std::borrow::Cow;

use super::{Fields, Header};
use crate::DecodeError;
use crate::reader::Reader;

pub(super) fn decode(bytes: &[u8]) -> Result<Header<'_>, DecodeError> {
    let mut reader = Reader::new(bytes, "binary header");
    let mut header = Header {
        code: i32::from(reader.i16()?),
        language: reader.u8()?,
        version: i32::from(reader.i16()?),
        opaque: reader.i32()?,
        flag: reader.i32()?,
        ..Header::default()
    };
    let remark_length = reader.i32()?;
    if remark_length != 0 {
        header.remark = Some(text(reader.take_announced(remark_length)?));
    }
    let map_length = reader.i32()?;
    read_fields(reader.take_announced(map_length)?, &mut header.fields)?;
    Ok(header)
}

fn read_fields<'a>(map: &'a [u8], fields: &mut Fields<'a>) -> Result<(), DecodeError> {
    // Lengths below 128 are ASCII bytes too, so mostly one check covers the texts of all entries.
    let checked = std::str::from_utf8(map).ok();
    let text_at = |end: usize, bytes: &'a [u8]| match checked.and_then(|map| map.get(end - bytes.len()..end))
    {
        Some(text) => Cow::Borrowed(text),
        None => text(bytes),
    };
    let mut entries = Reader::new(map, "ext field");
    while entries.remaining() > 0 {
        let name_length = entries.i16()?;
        let name = entries.take_announced(i32::from(name_length))?;
        let name = text_at(map.len() - entries.remaining(), name);
        let value_length = entries.i32()?;
        let value = entries.take_announced(value_length)?;
        let value = text_at(map.len() - entries.remaining(), value);
        // Java reads a zero length as null: such a field is absent for every peer.
        if !name.is_empty() && !value.is_empty() {
            fields.push(name, value);
        }
    }
    Ok(())
}

/// The text of `bytes`, with replacement characters where it is not UTF-8.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}
