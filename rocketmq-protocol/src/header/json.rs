//! The JSON header, ordinary form: one pass over the bytes, nothing copied.
//!
//! Brokers from 5.0 answer in JSON whatever the request used, so this runs once per message. It reads
//! what servers write (a flat object, integers, strings without escapes) and gives up on anything
//! else by returning `None`, leaving half a header; `json_general` then reads the same bytes with a full JSON reader, which
//! also is the one that reports errors.

use std::borrow::Cow;
use std::ops::Range;

use super::{Fields, Header};
use crate::language::Language;

/// Reads the header and says where the digits of its opaque stand: nowhere if it has none.
pub(super) fn decode<'a>(bytes: &'a [u8], header: &mut Header<'a>) -> Option<Range<usize>> {
    let mut scan = Scan::new(bytes)?;
    let mut opaque = 0..0;
    scan.expect(b'{')?;
    if scan.next_token()? != b'}' {
        loop {
            let name = scan.string()?;
            scan.expect(b':')?;
            match name {
                "code" => header.code = scan.integer()?,
                "flag" => header.flag = scan.integer()?,
                "opaque" => {
                    scan.next_token()?;
                    let start = scan.at;
                    header.opaque = scan.integer()?;
                    opaque = start..scan.at;
                }
                "version" => header.version = scan.integer()?,
                "language" => header.language = Language::code_of_name(scan.string()?),
                "remark" => header.remark = Some(Cow::Borrowed(scan.string()?)),
                "extFields" => scan.fields(&mut header.fields)?,
                "serializeTypeCurrentRPC" => {
                    scan.string()?;
                }
                _ => return None,
            }
            match scan.next_token()? {
                b',' => scan.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
    }
    scan.at += 1;
    scan.at_end().then_some(opaque)
}

pub(super) struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// `None`: not UTF-8.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Scan<'a>> {
        Some(Scan { text: std::str::from_utf8(bytes).ok()?, bytes, at: 0 })
    }

    /// These bytes and no others.
    #[inline]
    pub(super) fn literal(&mut self, bytes: &[u8]) -> Option<&'a str> {
        let start = self.at;
        let end = start + bytes.len();
        if self.bytes.get(start..end)? != bytes {
            return None;
        }
        self.at = end;
        self.text.get(start..end)
    }

    /// What stands before the next quote, backslash or control character.
    #[inline]
    pub(super) fn plain(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.at += plain_prefix(self.bytes.get(start..)?);
        self.text.get(start..self.at)
    }

    /// Whether all was read.
    pub(super) fn is_over(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Skips white space; the byte that stands there, not consumed.
    #[inline]
    fn next_token(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn at_end(&mut self) -> bool {
        self.next_token().is_none()
    }

    #[inline(always)]
    fn expect(&mut self, byte: u8) -> Option<()> {
        // Servers write no white space: try without.
        if self.bytes.get(self.at) != Some(&byte) && self.next_token()? != byte {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// A string without escapes.
    #[inline(always)]
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let text = self.plain()?;
        if *self.bytes.get(self.at)? != b'"' {
            return None;
        }
        self.at += 1;
        Some(text)
    }

    /// An integer of 32 bits; what breaks the JSON rule on leading zeros, and longer numbers, are left to the
    /// full reader.
    #[inline]
    pub(super) fn integer(&mut self) -> Option<i32> {
        let negative = self.next_token()? == b'-';
        let start = self.at + usize::from(negative);
        let mut end = start;
        let mut value = 0_i64;
        while let Some(&digit @ b'0'..=b'9') = self.bytes.get(end) {
            if end - start == 10 {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            end += 1;
        }
        if end == start || (self.bytes.get(start) == Some(&b'0') && end - start > 1) {
            return None;
        }
        if matches!(self.bytes.get(end), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at = end;
        i32::try_from(if negative { -value } else { value }).ok()
    }

    /// An object of strings.
    #[inline]
    fn fields(&mut self, fields: &mut Fields<'a>) -> Option<()> {
        self.expect(b'{')?;
        if self.next_token()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            let value = self.string()?;
            fields.push(name, value);
            match self.next_token()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Length of the part before the first quote, backslash or control character, eight bytes at a time.
#[inline(always)]
fn plain_prefix(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // Each term has the high bit of a byte set where that byte matches; a borrow can only raise
        // false bits above a true one, so the lowest set bit is right.
        let found = (quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}
