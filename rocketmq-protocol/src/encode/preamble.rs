//! A header without its ext fields.

use crate::language::Language;

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
