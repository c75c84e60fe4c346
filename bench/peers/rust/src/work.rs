//! The words that every driver of the benchmark gets.

use std::collections::HashMap;

/// What to send, and to whom.
#[derive(Clone, Debug)]
pub struct Work {
    pub name_server: String,
    pub topic: String,
    pub mode: String,
    pub count: usize,
    pub warm_up: usize,
    pub window: usize,
    pub body: usize,
    pub batch: usize,
    pub threads: usize,
}

impl Work {
    pub fn from_words(words: impl Iterator<Item = String>) -> Result<Work, String> {
        let words: Vec<String> = words.collect();
        let values: HashMap<&str, &str> =
            words.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str())).collect();
        let text = |name: &str, otherwise: &str| (*values.get(name).unwrap_or(&otherwise)).to_owned();
        let number = |name: &str, otherwise: usize| match values.get(name) {
            None => Ok(otherwise),
            Some(digits) => digits.parse().map_err(|error| format!("{name} {digits:?}: {error}")),
        };
        let count = number("--count", 20_000)?;
        Ok(Work {
            name_server: text("--name-server", ""),
            topic: text("--topic", "bench"),
            mode: text("--mode", "lone"),
            count,
            warm_up: number("--warm-up", count / 10)?,
            window: number("--window", 1_024)?,
            body: number("--body", 256)?,
            batch: number("--batch", 32)?.max(1),
            threads: number("--threads", 64)?,
        })
    }
}
