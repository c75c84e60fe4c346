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
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        if byte < 0x20 {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', byte]);
        }
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
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
