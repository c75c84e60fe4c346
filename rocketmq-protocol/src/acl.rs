//! The signature of a request (protocol 10.1).

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use smallvec::SmallVec;
use zeroize::Zeroize;

use crate::encode::{ExtFields, FieldVisitor};

/// Ext field with the name of the key.
pub const ACCESS_KEY: &str = "AccessKey";
/// Ext field with a temporary credential's token.
pub const SECURITY_TOKEN: &str = "SecurityToken";
/// Ext field with the signature itself; never part of what is signed.
pub const SIGNATURE: &str = "Signature";

/// A secret key in the form that signatures are made with: the two blocks that each of them begins with are hashed already. They
/// are wiped when it ends.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha1>);

/// The value of [`SIGNATURE`]: Base64 of twenty bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; Signature::LEN]);

impl SigningKey {
    /// The key of this secret.
    pub fn new(secret_key: &str) -> Self {
        let mut key = hmac_key(secret_key.as_bytes());
        let signing = Self(Hmac::<Sha1>::new(&key.into()));
        key.zeroize();
        signing
    }

    /// The signature of a request: `fields` are all ext fields that it will carry but the signature itself, [`ACCESS_KEY`] among
    /// them; `body` is the body as sent, in pieces.
    pub fn sign(&self, fields: &impl ExtFields, body: &[&[u8]]) -> Signature {
        let mut collected = Collected::new();
        fields.visit(&mut collected);
        let mut mac = self.0.clone();
        collected.each_value_in_name_order(|value| mac.update(value.as_bytes()));
        for piece in body {
            mac.update(piece);
        }
        Signature::of(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl Signature {
    const LEN: usize = 28;

    fn of(digest: &[u8]) -> Self {
        let mut text = [0; Self::LEN];
        // Twenty bytes are 28 letters; there is no other digest.
        let written = STANDARD.encode_slice(digest, &mut text);
        debug_assert_eq!(written, Ok(Self::LEN));
        Self(text)
    }

    /// The text on the wire.
    pub fn as_str(&self) -> &str {
        // Base64 has ASCII only.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The key in the form HMAC works with: 64 bytes, a longer key replaced by its digest (RFC 2104).
fn hmac_key(secret: &[u8]) -> [u8; 64] {
    let mut key = [0; 64];
    if secret.len() > key.len() {
        let mut digest = Sha1::digest(secret);
        key[..digest.len()].copy_from_slice(&digest);
        digest.zeroize();
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    key
}

/// So much text, and so many fields, does a usual request have.
const USUAL_VALUES: usize = 512;
const USUAL_NAMES: usize = 96;
const USUAL_FIELDS: usize = 24;

/// Names and values; the last of equal names counts, as for every reader.
struct Collected {
    names: String,
    values: String,
    fields: SmallVec<[Field; USUAL_FIELDS]>,
    /// Each name comes behind the one before it, and none twice: the values are what is signed, as they stand.
    in_order: bool,
}

struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

impl Collected {
    fn new() -> Self {
        let (names, values) = (String::with_capacity(USUAL_NAMES), String::with_capacity(USUAL_VALUES));
        Self { names, values, fields: SmallVec::new(), in_order: true }
    }

    fn each_value_in_name_order(&mut self, mut see: impl FnMut(&str)) {
        let Self { names, values, fields, in_order } = self;
        if *in_order {
            return see(values);
        }
        let name = |field: &Field| &names[field.name.clone()];
        // The sort is stable: of equal names the last stays last.
        fields.sort_by(|a, b| in_java_order(name(a), name(b)));
        for (at, field) in fields.iter().enumerate() {
            if fields.get(at + 1).is_none_or(|next| name(next) != name(field)) {
                see(&values[field.value.clone()]);
            }
        }
    }
}

/// As Java sorts texts: by UTF-16 unit. Letters beyond U+FFFF come before some below it there, and nowhere else the order differs
/// from that of the bytes.
fn in_java_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

impl FieldVisitor for Collected {
    fn text(&mut self, name: &str, value: &str) {
        if name == SIGNATURE {
            return;
        }
        let last = self.fields.last().map(|last| &self.names[last.name.clone()]);
        self.in_order &= last.is_none_or(|last| in_java_order(last, name).is_lt());
        let (name_start, value_start) = (self.names.len(), self.values.len());
        self.names.push_str(name);
        self.values.push_str(value);
        let (name, value) = (name_start..self.names.len(), value_start..self.values.len());
        self.fields.push(Field { name, value });
    }

    fn int(&mut self, name: &str, value: i64) {
        self.text(name, itoa::Buffer::new().format(value));
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::encode::{NoFields, With};

    proptest! {
        /// However the fields come, they are signed in the order of their names, each once, with its last value.
        #[test]
        fn the_order_of_fields_does_not_count(fields in vec(("[A-Za-z_\u{e9}\u{ff01}\u{10000}]{1,3}", "[ -~]{0,9}"), 0..9)) {
            let key = SigningKey::new("secret");
            let as_given: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            let signed = key.sign(&With { fields: &NoFields, extra: &as_given }, &[b"body"]);
            let mut last: std::collections::BTreeMap<Vec<u16>, &str> = Default::default();
            for (name, value) in &as_given {
                last.insert(name.encode_utf16().collect(), value);
            }
            let text: String = last.into_values().collect();
            let plain = key.sign(&NoFields, &[text.as_bytes(), b"body"]);
            prop_assert_eq!(signed, plain);
        }
    }
}
