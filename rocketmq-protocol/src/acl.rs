//! The signature of a request (protocol 10.1).

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

use crate::encode::{ExtFields, FieldVisitor};

/// Ext field with the name of the key.
pub const ACCESS_KEY: &str = "AccessKey";
/// Ext field with a temporary credential's token.
pub const SECURITY_TOKEN: &str = "SecurityToken";
/// Ext field with the signature itself; never part of what is signed.
pub const SIGNATURE: &str = "Signature";

/// The value of [`SIGNATURE`] for a request: call it last, with every ext field the request will carry
/// but this one. `extra` holds the fields added to the header's own, [`ACCESS_KEY`] among them; `body` is
/// the body as sent, in pieces.
pub fn sign(fields: &impl ExtFields, extra: &[(&str, &str)], body: &[&[u8]], secret_key: &str) -> String {
    let mut collected = Collected::default();
    fields.visit(&mut collected);
    for (name, value) in extra {
        collected.text(name, value);
    }
    let mut mac = Hmac::<Sha1>::new(&hmac_key(secret_key.as_bytes()).into());
    for value in collected.values_in_name_order() {
        mac.update(value.as_bytes());
    }
    for piece in body {
        mac.update(piece);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The key in the form HMAC works with: 64 bytes, a longer key replaced by its digest (RFC 2104).
fn hmac_key(secret: &[u8]) -> [u8; 64] {
    let digest;
    let secret = if secret.len() > 64 {
        digest = Sha1::digest(secret);
        digest.as_slice()
    } else {
        secret
    };
    let mut key = [0; 64];
    key[..secret.len()].copy_from_slice(secret);
    key
}

/// Names and values in one buffer; the last of equal names counts, as for every reader.
#[derive(Default)]
struct Collected {
    text: String,
    fields: Vec<(Range<usize>, Range<usize>)>,
}

impl Collected {
    fn values_in_name_order(&mut self) -> impl Iterator<Item = &str> {
        let Collected { text, fields } = self;
        let text = text.as_str();
        let name = |field: &(Range<usize>, Range<usize>)| &text[field.0.clone()];
        // Java sorts by UTF-16 unit. The sort is stable: of equal names the last stays last.
        fields.sort_by(|a, b| name(a).encode_utf16().cmp(name(b).encode_utf16()));
        let fields = &*fields;
        fields.iter().enumerate().filter_map(move |(at, field)| {
            let is_last = fields.get(at + 1).is_none_or(|next| name(next) != name(field));
            is_last.then(|| &text[field.1.clone()])
        })
    }
}

impl FieldVisitor for Collected {
    fn text(&mut self, name: &str, value: &str) {
        if name == SIGNATURE {
            return;
        }
        let start = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        self.text.push_str(value);
        self.fields.push((start..middle, middle..self.text.len()));
    }

    fn int(&mut self, name: &str, value: i64) {
        self.text(name, itoa::Buffer::new().format(value));
    }
}
