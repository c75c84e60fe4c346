//! Ext field values as Rust types, and the macro that makes a header struct of them.

use std::borrow::Cow;

use crate::DecodeError;
use crate::encode::FieldVisitor;
use crate::header::Fields;

/// A type that stands for one ext field. `Option` types are optional fields, the others required.
pub(crate) trait WireValue<'a>: Sized {
    fn read(fields: &'a Fields<'_>, name: &str) -> Result<Self, DecodeError>;
    fn write<V: FieldVisitor + ?Sized>(&self, name: &str, visitor: &mut V);
}

impl<'a> WireValue<'a> for Cow<'a, str> {
    fn read(fields: &'a Fields<'_>, name: &str) -> Result<Self, DecodeError> {
        fields.require(name).map(Cow::Borrowed)
    }

    fn write<V: FieldVisitor + ?Sized>(&self, name: &str, visitor: &mut V) {
        visitor.text(name, self);
    }
}

impl<'a> WireValue<'a> for Option<Cow<'a, str>> {
    fn read(fields: &'a Fields<'_>, name: &str) -> Result<Self, DecodeError> {
        Ok(fields.get(name).map(Cow::Borrowed))
    }

    fn write<V: FieldVisitor + ?Sized>(&self, name: &str, visitor: &mut V) {
        if let Some(value) = self {
            visitor.text(name, value);
        }
    }
}

macro_rules! numbers {
    ($($number:ty: $require:ident $get:ident $visit:ident,)+) => {$(
        impl<'a> WireValue<'a> for $number {
            fn read(fields: &'a Fields<'_>, name: &str) -> Result<Self, DecodeError> {
                fields.$require(name)
            }

            fn write<V: FieldVisitor + ?Sized>(&self, name: &str, visitor: &mut V) {
                visitor.$visit(name, (*self).into());
            }
        }

        impl<'a> WireValue<'a> for Option<$number> {
            fn read(fields: &'a Fields<'_>, name: &str) -> Result<Self, DecodeError> {
                fields.$get(name)
            }

            fn write<V: FieldVisitor + ?Sized>(&self, name: &str, visitor: &mut V) {
                if let Some(value) = self {
                    visitor.$visit(name, (*value).into());
                }
            }
        }
    )+};
}

numbers! {
    i32: require_i32 get_i32 int,
    i64: require_i64 get_i64 int,
    bool: require_bool get_bool boolean,
}

/// A header whose fields have the same names on the wire in every version: the struct, how it is
/// written, how it is read.
macro_rules! wire_header {
    (
        $(#[$doc:meta])*
        pub struct $name:ident<'a> {
            $($(#[$field_doc:meta])* pub $field:ident: $kind:ty = $wire:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name<'a> {
            $($(#[$field_doc])* pub $field: $kind,)+
        }

        impl $crate::encode::ExtFields for $name<'_> {
            fn visit<V: $crate::encode::FieldVisitor + ?Sized>(&self, visitor: &mut V) {
                $($crate::wire_value::WireValue::write(&self.$field, $wire, visitor);)+
            }
        }

        impl<'a> $name<'a> {
            /// Reads the ext fields; text stays borrowed from `fields`.
            pub fn decode(
                fields: &'a $crate::header::Fields<'_>,
            ) -> Result<$name<'a>, $crate::DecodeError> {
                Ok($name {
                    $($field: $crate::wire_value::WireValue::read(fields, $wire)?,)+
                })
            }
        }
    };
}

pub(crate) use wire_header;
