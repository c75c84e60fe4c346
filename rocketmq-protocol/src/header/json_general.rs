//! The JSON header, any form a JSON writer may give it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Fields, Header};
use crate::DecodeError;
use crate::language::Language;

pub(super) fn decode(bytes: &[u8]) -> Result<Header<'_>, DecodeError> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = serde_json::Deserializer::from_str(&text);
    reader
        .deserialize_map(HeaderVisitor(PhantomData))
        .and_then(|header| reader.end().map(|()| header))
        .map_err(|source| DecodeError::json("JSON header", source))
}

/// Makes a header of any life time: everything in it is owned.
struct HeaderVisitor<'h>(PhantomData<Header<'h>>);

impl<'de, 'h> Visitor<'de> for HeaderVisitor<'h> {
    type Value = Header<'h>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut header = Header::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "code" => header.code = number(&mut map)?,
                "flag" => header.flag = number(&mut map)?,
                "opaque" => header.opaque = number(&mut map)?,
                "version" => header.version = number(&mut map)?,
                "language" => {
                    let language: Option<String> = map.next_value()?;
                    header.language = Language::code_of_name(language.as_deref().unwrap_or_default());
                }
                "remark" => header.remark = map.next_value::<Option<String>>()?.map(Cow::Owned),
                "extFields" => {
                    header.fields = map.next_value::<Option<OwnedFields<'h>>>()?.unwrap_or_default().0;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(header)
    }
}

/// A number of the header itself; null counts as 0, as it does in Java.
fn number<'de, A: MapAccess<'de>>(map: &mut A) -> Result<i32, A::Error> {
    map.next_value::<Option<i32>>().map(Option::unwrap_or_default)
}

#[derive(Default)]
struct OwnedFields<'h>(Fields<'h>);

impl<'de, 'h> serde::Deserialize<'de> for OwnedFields<'h> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

struct FieldsVisitor<'h>(PhantomData<Fields<'h>>);

impl<'de, 'h> Visitor<'de> for FieldsVisitor<'h> {
    type Value = OwnedFields<'h>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::new();
        while let Some((name, FieldText(value))) = map.next_entry::<String, FieldText>()? {
            if let Some(value) = value {
                fields.push(name, value);
            }
        }
        Ok(OwnedFields(fields))
    }
}

/// A field's value; numbers and truth values are taken as their text, null as absent.
struct FieldText(Option<String>);

impl<'de> serde::Deserialize<'de> for FieldText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldTextVisitor)
    }
}

struct FieldTextVisitor;

impl Visitor<'_> for FieldTextVisitor {
    type Value = FieldText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_str<E>(self, value: &str) -> Result<FieldText, E> {
        Ok(FieldText(Some(value.to_owned())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<FieldText, E> {
        Ok(FieldText(Some(value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<FieldText, E> {
        Ok(FieldText(Some(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<FieldText, E> {
        Ok(FieldText(Some(value.to_string())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<FieldText, E> {
        Ok(FieldText(Some(value.to_string())))
    }

    fn visit_unit<E>(self) -> Result<FieldText, E> {
        Ok(FieldText(None))
    }
}
