//! Values of the command line.

use std::fmt::Display;
use std::str::FromStr;

/// How often programs run, how much they send, and where.
#[derive(clap::Args, Debug)]
pub(crate) struct Rounds {
    /// How often each runs
    #[arg(long, value_name = "N", value_parser = positive::<u32>)]
    pub(crate) runs: Option<u32>,
    /// Multiplies the numbers of messages
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    pub(crate) scale: f64,
    /// Where broker and clients run: apart or free
    #[arg(long, default_value = "apart")]
    pub(crate) placement: String,
}

/// A number, in which `_` may stand between digits.
pub(crate) fn number<T: FromStr>(text: &str) -> Result<T, T::Err> {
    text.trim().replace('_', "").parse()
}

/// A number above 0.
pub(crate) fn positive<T: FromStr<Err: Display> + Default + PartialEq>(text: &str) -> Result<T, String> {
    let value = number(text).map_err(|error: T::Err| error.to_string())?;
    if value == T::default() { Err("it must be above 0".to_owned()) } else { Ok(value) }
}

/// One of several values with commas between.
pub(crate) fn item<T: FromStr>(text: &str) -> Result<T, T::Err> {
    text.trim().parse()
}

/// The command as it was typed, but for options that take one value and are left out.
pub(crate) fn command(words: impl IntoIterator<Item = String>, left_out: &[&str]) -> String {
    let mut text = "cargo xtask bench".to_owned();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if left_out.contains(&word.as_str()) {
            words.next();
        } else if word.contains(' ') {
            text.push_str(&format!(" \"{word}\""));
        } else {
            text.push_str(&format!(" {word}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_grouped() {
        assert_eq!(number(" 1_000_000"), Ok(1_000_000));
        assert!(number::<u64>("many").is_err());
        assert!(positive::<u64>("0").unwrap_err().contains("above 0"));
    }

    #[test]
    fn a_command_can_be_typed_again_elsewhere() {
        let words = ["--python", "p", "--bodies", "64, 256", "--quick"].map(str::to_owned);
        assert_eq!(command(words, &["--python"]), "cargo xtask bench --bodies \"64, 256\" --quick");
    }
}
