//! Reading the headers of one peer, which differ in little but their values.

use std::ops::Range;

use super::json::{self, Scan};
use super::{Fields, Header, json_general};
use crate::DecodeError;
use crate::frame::HeaderEncoding;

/// A form with more literal bytes than this is not remembered. (Java's answer to a send has about 250, and ten fields at most.)
const MAX_LITERALS: usize = 2048;

/// Nor one with more values.
const MAX_VALUES: usize = 64;

/// Reads the headers that one peer writes, one after the other.
///
/// It remembers what stood between the values of the last JSON header. In the next one that is compared as a whole,
/// and only the values are read; a header of another form is read in full, and its form remembered instead if it is not
/// larger than those that servers write.
#[derive(Debug, Default)]
pub struct HeaderReader {
    form: Form,
}

impl HeaderReader {
    /// Reads as [`Header::decode`] does.
    ///
    /// # Errors
    /// As [`Header::decode`].
    #[inline]
    pub fn decode<'a>(
        &mut self,
        encoding: HeaderEncoding,
        bytes: &'a [u8],
    ) -> Result<Header<'a>, DecodeError> {
        if encoding == HeaderEncoding::Json
            && let Some(header) = self.form.read(bytes)
        {
            return Ok(header);
        }
        self.decode_anew(encoding, bytes)
    }

    #[cold]
    fn decode_anew<'a>(
        &mut self,
        encoding: HeaderEncoding,
        bytes: &'a [u8],
    ) -> Result<Header<'a>, DecodeError> {
        if encoding != HeaderEncoding::Json {
            return Header::decode(encoding, bytes);
        }
        let mut header = Header::default();
        let Some(opaque) = json::decode(bytes, &mut header) else { return json_general::decode(bytes) };
        if header.remark.is_none() && !opaque.is_empty() && is_usual(bytes, &header) {
            self.form.learn(bytes, &header, opaque);
        }
        Ok(header)
    }
}

/// Whether its form is as small as those of real servers. The values may be long: the answer to a batch has many ids.
fn is_usual(bytes: &[u8], header: &Header<'_>) -> bool {
    let values = || header.fields.iter().map(|(_, value)| value.len());
    values().count() <= MAX_VALUES && bytes.len() <= MAX_LITERALS + values().sum::<usize>()
}

/// A JSON header cut at its values, with the values that stay.
#[derive(Debug, Default)]
struct Form {
    code: i32,
    language: u8,
    version: i32,
    flag: i32,
    /// What stands before, between and behind the values, joined. Empty: no form is known.
    literals: Vec<u8>,
    values: Vec<Value>,
}

/// A value, and how many bytes of the literals stand before it.
#[derive(Debug)]
struct Value {
    literal_len: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Opaque,
    /// Of an ext field whose name stands here in the literal before.
    Field {
        name_start: usize,
        name_end: usize,
    },
}

impl Form {
    /// `None`: this header has another form.
    #[inline]
    fn read<'a>(&self, bytes: &'a [u8]) -> Option<Header<'a>> {
        if self.literals.is_empty() {
            return None;
        }
        let mut scan = Scan::new(bytes)?;
        let mut literals = &self.literals[..];
        let mut opaque = 0;
        let mut fields = Fields::new();
        for value in &self.values {
            let (literal, behind) = literals.split_at_checked(value.literal_len)?;
            literals = behind;
            let literal = scan.literal(literal)?;
            match value.kind {
                Kind::Opaque => opaque = scan.integer()?,
                // The next literal begins with the closing quote.
                Kind::Field { name_start, name_end } => {
                    fields.push(literal.get(name_start..name_end)?, scan.plain()?);
                }
            }
        }
        scan.literal(literals)?;
        let Form { code, language, version, flag, .. } = *self;
        scan.is_over().then_some(Header { code, language, version, opaque, flag, remark: None, fields })
    }

    /// `header` was read from `bytes` without a copy, and the digits of its opaque stand at this place.
    fn learn(&mut self, bytes: &[u8], header: &Header<'_>, opaque: Range<usize>) {
        self.literals.clear();
        self.values.clear();
        (self.code, self.language) = (header.code, header.language);
        (self.version, self.flag) = (header.version, header.flag);
        let place = |part: &str| {
            let start = part.as_ptr().addr() - bytes.as_ptr().addr();
            (start, start + part.len())
        };
        // Where each value stands, and its name.
        let mut places = vec![((opaque.start, opaque.end), None)];
        places.extend(header.fields.iter().map(|(name, value)| (place(value), Some(place(name)))));
        places.sort_unstable();
        let mut at = 0;
        for ((start, end), name) in places {
            let kind = match name {
                None => Kind::Opaque,
                Some((from, to)) => Kind::Field { name_start: from - at, name_end: to - at },
            };
            self.literals.extend_from_slice(&bytes[at..start]);
            self.values.push(Value { literal_len: start - at, kind });
            at = end;
        }
        self.literals.extend_from_slice(&bytes[at..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with so many ext fields whose names have so many bytes, and one long value.
    fn header(fields: usize, name: usize) -> String {
        let fields: Vec<String> = (0..fields).map(|number| format!(r#""{number:0name$}":"v""#)).collect();
        let fields = fields.join(",");
        format!(r#"{{"code":0,"extFields":{{"msgId":"{}",{fields}}},"opaque":7}}"#, "A".repeat(100_000))
    }

    #[test]
    fn only_forms_as_small_as_those_of_servers_are_remembered() {
        for (fields, name, is_remembered) in
            [(20, 20, true), (MAX_VALUES, 10, false), (1, MAX_LITERALS, false)]
        {
            let (mut reader, text) = (HeaderReader::default(), header(fields, name));
            for _ in 0..2 {
                let header = reader.decode(HeaderEncoding::Json, text.as_bytes()).expect("a header");
                assert_eq!((header.opaque, header.fields.iter().count()), (7, fields + 1));
            }
            assert_eq!(!reader.form.literals.is_empty(), is_remembered, "{fields} names of {name} bytes");
            assert!(reader.form.literals.capacity() <= 2 * MAX_LITERALS);
        }
    }
}
