//! Command-line words: `--name`, `--name value`.

use crate::Failure;

/// What may follow an option's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// A value must follow.
    Value,
    /// No value follows.
    Nothing,
    /// A value may follow.
    MaybeValue,
}

/// The options given, in no particular order.
#[derive(Debug)]
pub(crate) struct Options {
    given: Vec<(&'static str, Option<String>)>,
}

impl Options {
    /// Reads the words; each must belong to a `known` option, given once.
    pub(crate) fn parse(words: Vec<String>, known: &[(&'static str, Takes)]) -> Result<Options, Failure> {
        let mut given: Vec<(&'static str, Option<String>)> = Vec::new();
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next() {
            let Some(&(name, takes)) = known.iter().find(|(name, _)| *name == word) else {
                let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
                return Err(format!("unknown option {word:?}; known are: {}", names.join(" ")).into());
            };
            if given.iter().any(|(other, _)| *other == name) {
                return Err(format!("{name} is given twice").into());
            }
            let value = match takes {
                Takes::Nothing => None,
                Takes::Value | Takes::MaybeValue => words.next_if(|next| !next.starts_with("--")),
            };
            if value.is_none() && takes == Takes::Value {
                return Err(format!("{name} needs a value").into());
            }
            given.push((name, value));
        }
        Ok(Options { given })
    }

    /// Whether the option is there, with or without a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(other, _)| *other == name)
    }

    /// The option's value, if there is one.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(other, _)| *other == name).and_then(|(_, value)| value.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [(&str, Takes); 3] =
        [("--count", Takes::Value), ("--real", Takes::MaybeValue), ("--hot", Takes::Nothing)];

    fn parse(text: &str) -> Result<Options, String> {
        let words = text.split_whitespace().map(str::to_owned).collect();
        Options::parse(words, &KNOWN).map_err(|failure| failure.to_string())
    }

    #[test]
    fn values_are_found_by_name() {
        let options = parse("--real --count 5").unwrap();
        assert_eq!(options.value("--count"), Some("5"));
        assert!(options.has("--real"));
        assert_eq!(options.value("--real"), None);
        assert_eq!(parse("--real 5.5.0").unwrap().value("--real"), Some("5.5.0"));
        assert!(parse("--hot").unwrap().has("--hot"));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_named() {
        assert_eq!(parse("--count").unwrap_err(), "--count needs a value");
        assert_eq!(parse("--count 1 --count 2").unwrap_err(), "--count is given twice");
        assert!(parse("--cuont 1").unwrap_err().contains("known are: --count --real --hot"));
        assert_eq!(parse("--hot 1").unwrap_err(), "unknown option \"1\"; known are: --count --real --hot");
        assert!(parse("1").unwrap_err().starts_with("unknown option \"1\""));
    }
}
