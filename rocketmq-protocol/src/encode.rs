//! Writing frames: a request lists its ext fields once, both header encodings are written from that.

mod binary;
mod json;

use std::fmt;

use crate::frame::{HeaderEncoding, MAX_FRAME, PREFIX};
use crate::language::Language;

/// Something with ext fields: a request header, an answer, [`Fields`](crate::header::Fields).
pub trait ExtFields {
    /// Hands every present field to `visitor`, in Java's order; absent ones are not visited.
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V);
}

/// Receives ext fields; the wire has texts only, numbers in decimal and `true`/`false`.
pub trait FieldVisitor {
    /// A text field.
    fn text(&mut self, name: &str, value: &str);
    /// A number field.
    fn int(&mut self, name: &str, value: i64);
    /// A truth field.
    fn boolean(&mut self, name: &str, value: bool) {
        self.text(name, if value { "true" } else { "false" });
    }
}

impl<F: ExtFields> ExtFields for &F {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        (**self).visit(visitor);
    }
}

/// No ext fields at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoFields;

impl ExtFields for NoFields {
    fn visit<V: FieldVisitor + ?Sized>(&self, _visitor: &mut V) {}
}

/// The fields of something, followed by more: signature, namespace.
#[derive(Debug, Clone, Copy)]
pub struct With<'a, F> {
    /// The fields that come first.
    pub fields: &'a F,
    /// Names and values that follow.
    pub extra: &'a [(&'a str, &'a str)],
}

impl<F: ExtFields> ExtFields for With<'_, F> {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        self.fields.visit(visitor);
        for (name, value) in self.extra {
            visitor.text(name, value);
        }
    }
}

/// What a header holds beside the ext fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble<'a> {
    /// Request code, or response code in an answer.
    pub code: i32,
    /// The sender's language.
    pub language: Language,
    /// The sender's protocol version ordinal.
    pub version: i32,
    /// Correlation id.
    pub opaque: i32,
    /// Bits of [`flag`](crate::header::flag).
    pub flag: i32,
    /// Human text.
    pub remark: Option<&'a str>,
}

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
