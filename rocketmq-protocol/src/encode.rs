//! Writing frames: a request lists its ext fields once, both header encodings are written from that.

mod binary;
mod error;
mod ext_fields;
mod json;
mod preamble;

use crate::frame::{HeaderEncoding, MAX_FRAME, PREFIX};
pub use error::EncodeError;
pub use ext_fields::{ExtFields, FieldVisitor, NoFields, With};
pub use preamble::Preamble;

/// Appends one whole frame to `out`; the body is the pieces of `body`, one after another.
/// On an error `out` is as it was.
pub fn encode_frame(
    out: &mut Vec<u8>,
    encoding: HeaderEncoding,
    preamble: &Preamble<'_>,
    fields: &impl ExtFields,
    body: &[&[u8]],
) -> Result<(), EncodeError> {
    let body_length = body.iter().fold(0_usize, |sum, piece| sum.saturating_add(piece.len()));
    encode_head(out, encoding, preamble, fields, body_length)?;
    out.reserve(body_length);
    for piece in body {
        out.extend_from_slice(piece);
    }
    Ok(())
}

/// Appends a frame without its body, whose bytes must follow. On an error `out` is as it was.
pub fn encode_head(
    out: &mut Vec<u8>,
    encoding: HeaderEncoding,
    preamble: &Preamble<'_>,
    fields: &impl ExtFields,
    body_length: usize,
) -> Result<(), EncodeError> {
    let start = out.len();
    let written = write_head(out, start, encoding, preamble, fields, body_length);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn write_head(
    out: &mut Vec<u8>,
    start: usize,
    encoding: HeaderEncoding,
    preamble: &Preamble<'_>,
    fields: &impl ExtFields,
    body_length: usize,
) -> Result<(), EncodeError> {
    out.extend_from_slice(&[0; PREFIX]);
    match encoding {
        HeaderEncoding::Json => json::write_header(out, preamble, fields),
        HeaderEncoding::Rocketmq => binary::write_header(out, preamble, fields)?,
    }
    let header_length = out.len() - start - PREFIX;
    let total = (PREFIX + header_length).saturating_add(body_length);
    if total > MAX_FRAME {
        return Err(EncodeError::FrameTooLong { len: total, max: MAX_FRAME });
    }
    // Both fit: a frame is at most 2^24 bytes long, its header less.
    let frame_length = (total - 4) as u32;
    let header_word = (encoding as u32) << 24 | header_length as u32;
    out[start..start + 4].copy_from_slice(&frame_length.to_be_bytes());
    out[start + 4..start + PREFIX].copy_from_slice(&header_word.to_be_bytes());
    Ok(())
}
