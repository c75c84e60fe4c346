//! What is wrong, each thing once with all the messages it is true of.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(crate) struct Complaints(BTreeMap<String, BTreeSet<usize>>);

impl Complaints {
    /// `serial` is the message, if it is about one.
    pub(crate) fn add(&mut self, text: String, serial: impl Into<Option<usize>>) {
        self.0.entry(text).or_default().extend(serial.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |(text, serials): (&String, &BTreeSet<usize>)| match serials.first() {
            Some(first) => format!("{text} ({} messages, first is {first})", serials.len()),
            None => text.clone(),
        };
        self.0.iter().map(line).collect()
    }
}
