//! The ROCKETMQ header encoding (protocol 1.3).

use super::{EncodeError, ExtFields, FieldVisitor, Preamble};

pub(super) fn write_header(
    out: &mut Vec<u8>,
    preamble: &Preamble<'_>,
    fields: &impl ExtFields,
) -> Result<(), EncodeError> {
    let code = i16::try_from(preamble.code).map_err(|_| EncodeError::CodeTooLarge(preamble.code))?;
    let version =
        i16::try_from(preamble.version).map_err(|_| EncodeError::VersionTooLarge(preamble.version))?;
    let remark = preamble.remark.unwrap_or_default();

    let [code_high, code_low] = code.to_be_bytes();
    let [version_high, version_low] = version.to_be_bytes();
    out.extend_from_slice(&[code_high, code_low, preamble.language.code(), version_high, version_low]);
    out.extend_from_slice(&preamble.opaque.to_be_bytes());
    out.extend_from_slice(&preamble.flag.to_be_bytes());
    out.extend_from_slice(&length_field(remark.len()));
    out.extend_from_slice(remark.as_bytes());

    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    let mut writer = Writer { out, error: None };
    fields.visit(&mut writer);
    if let Some(error) = writer.error {
        return Err(error);
    }
    let map_length = out.len() - length_at - 4;
    out[length_at..length_at + 4].copy_from_slice(&length_field(map_length));
    Ok(())
}

/// Four bytes of length. One that does not fit belongs to a frame that is refused for its size.
fn length_field(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    error: Option<EncodeError>,
}

impl FieldVisitor for Writer<'_> {
    // With the name known it is a few stores.
    #[inline(always)]
    fn text(&mut self, name: &str, value: &str) {
        const MAX_NAME: usize = i16::MAX as usize;
        if name.len() > MAX_NAME {
            self.error = Some(EncodeError::FieldTooLong {
                what: "name of an ext field",
                len: name.len(),
                max: MAX_NAME,
            });
            return;
        }
        let [a, b, c, d] = length_field(value.len());
        if let &[letter] = name.as_bytes() {
            // All names of a send: one piece instead of three.
            self.out.extend_from_slice(&[0, 1, letter, a, b, c, d]);
        } else {
            self.out.extend_from_slice(&(name.len() as u16).to_be_bytes());
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(&[a, b, c, d]);
        }
        self.out.extend_from_slice(value.as_bytes());
    }

    #[inline(always)]
    fn int(&mut self, name: &str, value: i64) {
        self.text(name, itoa::Buffer::new().format(value));
    }
}
