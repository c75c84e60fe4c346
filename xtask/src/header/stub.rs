//! The stub of the Python package's native module: a text with one place for what the sources have in a table.

use std::fmt::Write;

/// The stub as it is printed.
pub(crate) const STUB: &str = "bindings/python/rmq/_rmq.pyi";

/// All of it but the keywords of messages.
const TEXT: &str = include_str!("../../../bindings/python/stub.pyi.in");

/// The line of the text in whose place they stand.
const PLACE: &str = "        ${keywords of a message}\n";

/// A keyword with its type and its default, as Python writes them.
struct Keyword {
    name: &'static str,
    python_type: &'static str,
    default: &'static str,
}

include!("../../../bindings/python/src/keywords/table.rs");

macro_rules! list_keywords {
    ({} $($name:ident: $type:ty = $default:tt, $python:literal;)*) => {
        const KEYWORDS: &[Keyword] =
            &[$(Keyword { name: stringify!($name), python_type: $python, default: stringify!($default) },)*];
    };
}

message_keywords! { list_keywords! {} }

pub(crate) fn stub() -> String {
    let mut keywords = String::new();
    for Keyword { name, python_type, default } in KEYWORDS {
        let default = match *default {
            "true" => "True",
            "false" => "False",
            other => other,
        };
        let _ = writeln!(keywords, "        {name}: {python_type} = {default},");
    }
    TEXT.replace(PLACE, &keywords)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_all_keywords() {
        let (places, stub) = (TEXT.matches(PLACE).count(), stub());
        assert!(places > 0 && KEYWORDS.len() > 1, "{places} places for {} keywords", KEYWORDS.len());
        assert!(!stub.contains("${"), "a place is not filled");
        for Keyword { name, .. } in KEYWORDS {
            assert!(stub.matches(&format!("\n        {name}: ")).count() >= places, "{name}");
        }
        assert!(stub.contains("\n        wait_store_ok: bool = True,\n"), "a default is as Python writes it");
    }
}
