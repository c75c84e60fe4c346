//! The ext fields of a decoded header.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::DecodeError;
use crate::encode::{ExtFields, FieldVisitor};

/// Ext fields in wire order, borrowed from the header's bytes where they stand there as they are.
/// Room for those of an answer is in place, more go to the heap.
/// A name may occur more than once: the last one counts (protocol 1.3).
#[derive(Debug, Clone, Default)]
pub struct Fields<'a>(SmallVec<[(Cow<'a, str>, Cow<'a, str>); 8]>);

impl<'a> Fields<'a> {
    /// No fields.
    pub fn new() -> Self {
        Fields::default()
    }

    /// The value of `name`, the last one if there are several.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// The value of `name` as a decimal i32; `None` when absent.
    pub fn get_i32(&self, name: &str) -> Result<Option<i32>, DecodeError> {
        self.get(name).map(|value| parse_i32(name, value)).transpose()
    }

    /// The value of `name` as a decimal i64; `None` when absent.
    pub fn get_i64(&self, name: &str) -> Result<Option<i64>, DecodeError> {
        self.get(name).map(|value| parse_i64(name, value)).transpose()
    }

    /// The value of `name` as `true` or `false`; `None` when absent.
    pub fn get_bool(&self, name: &str) -> Result<Option<bool>, DecodeError> {
        self.get(name).map(|value| parse_bool(name, value)).transpose()
    }

    /// The value of `name`; an error when absent.
    pub fn require(&self, name: &str) -> Result<&str, DecodeError> {
        self.get(name).ok_or_else(|| DecodeError::missing(name))
    }

    /// The value of `name` as a decimal i32; an error when absent.
    pub fn require_i32(&self, name: &str) -> Result<i32, DecodeError> {
        self.require(name).and_then(|value| parse_i32(name, value))
    }

    /// The value of `name` as a decimal i64; an error when absent.
    pub fn require_i64(&self, name: &str) -> Result<i64, DecodeError> {
        self.require(name).and_then(|value| parse_i64(name, value))
    }

    /// The value of `name` as `true` or `false`; an error when absent.
    pub fn require_bool(&self, name: &str) -> Result<bool, DecodeError> {
        self.require(name).and_then(|value| parse_bool(name, value))
    }

    /// All fields in wire order, repeated names included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Adds a field at the end.
    #[inline]
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.0.push((name.into(), value.into()));
    }

    /// Number of fields, repeated names included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same fields, owning their text.
    pub fn into_owned(self) -> Fields<'static> {
        Fields(
            self.0
                .into_iter()
                .map(|(name, value)| (Cow::Owned(name.into_owned()), Cow::Owned(value.into_owned())))
                .collect(),
        )
    }
}

/// Equal names and values in equal order, whatever they are borrowed from.
impl<'b> PartialEq<Fields<'b>> for Fields<'_> {
    fn eq(&self, other: &Fields<'b>) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields<'_> {}

impl ExtFields for Fields<'_> {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        for (name, value) in self.iter() {
            visitor.text(name, value);
        }
    }
}

pub(crate) fn parse_i32(name: &str, value: &str) -> Result<i32, DecodeError> {
    value.parse().map_err(|_| DecodeError::bad_field(name, value, "a 32-bit decimal number"))
}

pub(crate) fn parse_i64(name: &str, value: &str) -> Result<i64, DecodeError> {
    value.parse().map_err(|_| DecodeError::bad_field(name, value, "a 64-bit decimal number"))
}

pub(crate) fn parse_bool(name: &str, value: &str) -> Result<bool, DecodeError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(DecodeError::bad_field(name, value, "true or false")),
    }
}
