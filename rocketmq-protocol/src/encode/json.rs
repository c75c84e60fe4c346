//! The JSON header encoding (protocol 1.2), members in alphabetical order as Java writes them.

use super::{ExtFields, FieldVisitor, Preamble};

pub(super) fn write_header(out: &mut Vec<u8>, preamble: &Preamble<'_>, fields: &impl ExtFields) {
    out.extend_from_slice(b"{\"code\":");
    write_number(out, i64::from(preamble.code));
    let mut writer = Writer { out, any: false };
    fields.visit(&mut writer);
    if writer.any {
        out.push(b'}');
    }
    out.extend_from_slice(b",\"flag\":");
    write_number(out, i64::from(preamble.flag));
    out.extend_from_slice(b",\"language\":\"");
    out.extend_from_slice(preamble.language.name().as_bytes());
    out.extend_from_slice(b"\",\"opaque\":");
    write_number(out, i64::from(preamble.opaque));
    if let Some(remark) = preamble.remark {
        out.extend_from_slice(b",\"remark\":");
        write_string(out, remark);
    }
    out.extend_from_slice(b",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":");
    write_number(out, i64::from(preamble.version));
    out.push(b'}');
}

fn write_number(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, from_escaped) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = from_escaped.split_first() else { break };
        rest = behind;
        if byte < 0x20 {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', byte]);
        }
    }
    out.push(b'"');
}

/// How many bytes there are before the first one that must be escaped: a control character, a quote or a backslash. Eight are
/// looked at together.
fn plain_len(bytes: &[u8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The highest bit of the first byte below the limit is set, and of none before it: those behind may have borrowed.
    let below = |limit: u8, word: u64| word.wrapping_sub(EACH * u64::from(limit)) & !word;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let is = |byte: u8| below(1, word ^ (EACH * u64::from(byte)));
        let escaped = (below(0x20, word) | is(b'"') | is(b'\\')) & (EACH << 7);
        if escaped != 0 {
            return 8 * at + escaped.trailing_zeros() as usize / 8;
        }
    }
    let is_escaped = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    bytes.len() - rest.len() + rest.iter().position(is_escaped).unwrap_or(rest.len())
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    any: bool,
}

impl Writer<'_> {
    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(if self.any { b"," } else { b",\"extFields\":{" });
        self.any = true;
        write_string(self.out, name);
        self.out.push(b':');
    }
}

impl FieldVisitor for Writer<'_> {
    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(self.out, value);
    }

    fn int(&mut self, name: &str, value: i64) {
        self.name(name);
        self.out.push(b'"');
        write_number(self.out, value);
        self.out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each character at each place of a word, before each of those at the limits of what is escaped.
    #[test]
    fn strings_are_read_as_they_were_written() {
        for first in '\0'..='\u{ff}' {
            for second in "\0\u{1f} !\"#[\\]\u{7f}\u{80}\u{ff}a".chars() {
                for before in 0..=8 {
                    let text = format!("{}{first}{second} and more", &"in front"[..before]);
                    let mut out = Vec::new();
                    write_string(&mut out, &text);
                    assert_eq!(serde_json::from_slice::<String>(&out).ok().as_ref(), Some(&text));
                }
            }
        }
    }
}
