//! An answer's frame, ready but for the opaque.

/// How answers write their header.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As brokers 5.x answer, whatever the request's encoding.
    #[default]
    Json,
    /// As 4.9.7 answers a binary request.
    Binary,
}

/// What servers write into `version`: the ordinals of 5.5.0 and 4.9.7.
const VERSION_OF_JSON: i32 = 513;
const VERSION_OF_BINARY: i16 = 407;
const RESPONSE: i32 = 1;

/// A frame, cut where the opaque stands.
#[derive(Clone)]
pub(super) struct Template {
    encoding: Encoding,
    before_opaque: Vec<u8>,
    after_opaque: Vec<u8>,
    body: Vec<u8>,
}

impl Template {
    /// A success with these ext fields.
    pub(super) fn new(encoding: Encoding, ext_fields: &[(&str, &str)], body: Vec<u8>) -> Template {
        let (before_opaque, after_opaque) = match encoding {
            Encoding::Json => json(ext_fields),
            Encoding::Binary => binary(ext_fields),
        };
        Template { encoding, before_opaque, after_opaque, body }
    }

    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>, opaque: i32) {
        match self.encoding {
            Encoding::Json => self.write_around(out, itoa::Buffer::new().format(opaque).as_bytes()),
            Encoding::Binary => self.write_around(out, &opaque.to_be_bytes()),
        }
    }

    #[inline]
    fn write_around(&self, out: &mut Vec<u8>, opaque: &[u8]) {
        let header_len = self.before_opaque.len() + opaque.len() + self.after_opaque.len();
        let serialize_type = u32::from(self.encoding == Encoding::Binary) << 24;
        out.extend_from_slice(&((4 + header_len + self.body.len()) as u32).to_be_bytes());
        out.extend_from_slice(&(header_len as u32 | serialize_type).to_be_bytes());
        out.extend_from_slice(&self.before_opaque);
        out.extend_from_slice(opaque);
        out.extend_from_slice(&self.after_opaque);
        out.extend_from_slice(&self.body);
    }
}

/// Members in the alphabetical order of the server's JSON writer. No value needs an escape.
fn json(ext_fields: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
    let mut before = "{\"code\":0,".to_owned();
    if !ext_fields.is_empty() {
        let members: Vec<_> =
            ext_fields.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        before.push_str(&format!("\"extFields\":{{{}}},", members.join(",")));
    }
    before.push_str(&format!("\"flag\":{RESPONSE},\"language\":\"JAVA\",\"opaque\":"));
    let after = format!(",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":{VERSION_OF_JSON}}}");
    (before.into_bytes(), after.into_bytes())
}

/// Code, language, version; flag, no remark, ext fields (protocol 1.3).
fn binary(ext_fields: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
    let mut before = vec![0, 0, 0];
    before.extend(VERSION_OF_BINARY.to_be_bytes());
    let mut map = Vec::new();
    for (name, value) in ext_fields {
        map.extend((name.len() as u16).to_be_bytes());
        map.extend(name.as_bytes());
        map.extend((value.len() as u32).to_be_bytes());
        map.extend(value.as_bytes());
    }
    let mut after = RESPONSE.to_be_bytes().to_vec();
    after.extend([0; 4]);
    after.extend((map.len() as u32).to_be_bytes());
    after.extend(map);
    (before, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_the_opaque_in_digits() {
        let mut out = Vec::new();
        Template::new(Encoding::Json, &[("a", "b")], b"body".to_vec()).write(&mut out, -17);
        let header_len = u32::from_be_bytes(out[4..8].try_into().unwrap()) as usize;
        let expected = r#"{"code":0,"extFields":{"a":"b"},"flag":1,"language":"JAVA","opaque":-17,"serializeTypeCurrentRPC":"JSON","version":513}"#;
        assert_eq!(std::str::from_utf8(&out[8..8 + header_len]), Ok(expected));
        assert_eq!(&out[8 + header_len..], b"body");
        assert_eq!(out[..4], (out.len() as u32 - 4).to_be_bytes());
    }

    #[test]
    fn binary_has_it_in_four_bytes() {
        let mut out = Vec::new();
        Template::new(Encoding::Binary, &[("a", "bc")], b"!".to_vec()).write(&mut out, 7);
        let expected =
            b"\0\0\0\x23\x01\0\0\x1e\0\0\0\x01\x97\0\0\0\x07\0\0\0\x01\0\0\0\0\0\0\0\x09\0\x01a\0\0\0\x02bc!";
        assert_eq!(out, expected);
    }
}
