//! Command-line words of the form `--name value` and `--flag`.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::Failure;

/// Options that stand alone; every other one takes a value.
const FLAGS: [&str; 3] = ["quick", "help", "hold"];

/// Named values that have not been asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    values: BTreeMap<String, String>,
}

impl Arguments {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Arguments, Failure> {
        let mut values = BTreeMap::new();
        let mut words = words;
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Err(format!("unexpected word {word:?}").into());
            };
            let value = match name {
                flag if FLAGS.contains(&flag) => String::new(),
                _ => words.next().ok_or_else(|| format!("--{name} needs a value"))?,
            };
            values.insert(name.to_owned(), value);
        }
        Ok(Arguments { values })
    }

    pub(crate) fn flag(&mut self, name: &str) -> bool {
        self.values.remove(name).is_some()
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// A number, in which `_` may stand between digits.
    pub(crate) fn number<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Failure>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        Ok(Some(parsed(name, &text.replace('_', ""))?))
    }

    /// Any other value.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Failure>
    where
        T::Err: std::fmt::Display,
    {
        self.text(name).map(|text| parsed(name, &text)).transpose()
    }

    /// Values with commas between.
    pub(crate) fn list<T: FromStr>(&mut self, name: &str) -> Result<Option<Vec<T>>, Failure>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.split(',').map(|word| parsed(name, word.trim())).collect::<Result<_, _>>().map(Some)
    }

    /// What has not been asked for yet, as on a command line, but for some names.
    pub(crate) fn words_without(&self, names: &[&str]) -> String {
        let mut text = String::new();
        for (name, value) in self.values.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            text.push_str(" --");
            text.push_str(name);
            if value.contains(' ') {
                text.push_str(&format!(" \"{value}\""));
            } else if !value.is_empty() {
                text.push_str(&format!(" {value}"));
            }
        }
        text
    }

    /// Refuses what nobody asked for: a misspelt option must not go unnoticed in a measurement.
    pub(crate) fn end(&self) -> Result<(), Failure> {
        match self.values.keys().next() {
            Some(name) => Err(format!("unknown option --{name}").into()),
            None => Ok(()),
        }
    }
}

fn parsed<T: FromStr>(name: &str, text: &str) -> Result<T, Failure>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| format!("--{name} {text:?}: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, Failure> {
        Arguments::parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn values_flags_and_grouped_digits() {
        let mut arguments = parse(&["--quick", "--count", "1_000_000", "--topic", "t"]).unwrap();
        assert!(arguments.flag("quick"));
        assert!(!arguments.flag("quick"));
        assert_eq!(arguments.number::<u64>("count").unwrap(), Some(1_000_000));
        assert_eq!(arguments.text("topic").as_deref(), Some("t"));
        assert!(arguments.end().is_ok());
        let mut arguments = parse(&["--bodies", "64, 256", "--quick", "--python", "p"]).unwrap();
        assert_eq!(arguments.words_without(&["python"]), " --bodies \"64, 256\" --quick");
        assert_eq!(arguments.list("bodies").unwrap(), Some(vec![64, 256]));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parse(&["word"]).unwrap_err().to_string().contains("word"));
        assert!(parse(&["--count"]).unwrap_err().to_string().contains("--count"));
        let mut arguments = parse(&["--count", "many", "--colour", "red"]).unwrap();
        assert!(arguments.number::<u64>("count").unwrap_err().to_string().contains("many"));
        assert!(arguments.end().unwrap_err().to_string().contains("--colour"));
    }
}
