//! What is counted.

use crate::null_broker::Encoding;
use crate::workload::{Mode, TOPIC, USUAL_BODY, Workload};

/// A driver's mode with its settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// In tables.
    pub(crate) name: &'static str,
    pub(crate) mode: Mode,
    /// How the broker answers.
    pub(crate) answers: Encoding,
    window: usize,
    batching: &'static str,
    /// Messages of a wire batch, or of a call with a list.
    batch: usize,
    /// Two numbers of messages; the figure is in their difference.
    pub(crate) counts: [u64; 2],
}

const ASYNC: Subject = Subject {
    name: "c async 1024",
    mode: Mode::Async,
    answers: Encoding::Json,
    window: 1_024,
    batching: "off",
    batch: 32,
    counts: [10_000, 30_000],
};
const BATCHED: Subject =
    Subject { name: "c async 1024 batched", batching: "pressure", counts: [20_000, 60_000], ..ASYNC };

/// Of the driver in C.
pub(crate) const OF_C: [Subject; 7] = [
    ASYNC,
    Subject { name: "c async 1024, binary answers", answers: Encoding::Binary, ..ASYNC },
    BATCHED,
    Subject { name: "c async 1024 batched, binary answers", answers: Encoding::Binary, ..BATCHED },
    Subject { name: "c oneway", mode: Mode::Oneway, ..ASYNC },
    Subject { name: "c batch 32", mode: Mode::Batch, counts: [32_000, 96_000], ..ASYNC },
    Subject { name: "c lone", mode: Mode::Lone, window: 1, counts: [2_000, 6_000], ..ASYNC },
];

/// Of the blocking driver in Python; the interpreter is counted as well.
pub(crate) const OF_PYTHON: [Subject; 1] = [Subject {
    name: "python many 1000",
    mode: Mode::Many,
    window: 1_000,
    batch: 1_000,
    counts: [5_000, 15_000],
    ..BATCHED
}];

impl Subject {
    pub(super) fn work(&self, name_server: &str, count: u64, warm_up: u64) -> Workload {
        Workload {
            name_server: name_server.to_owned(),
            topic: TOPIC.to_owned(),
            mode: self.mode,
            count,
            warm_up,
            window: self.window,
            body: USUAL_BODY,
            batching: self.batching.to_owned(),
            batch: self.batch,
            threads: 1,
        }
    }

    /// A file name for what belongs to it.
    pub(crate) fn file_name(&self, ending: &str) -> String {
        format!("{}.{ending}", self.name.replace(", ", "-").replace(' ', "-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_are_unique_and_counts_are_whole_batches() {
        let all: Vec<_> = OF_C.iter().chain(&OF_PYTHON).collect();
        for (at, subject) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other.name != subject.name), "{}", subject.name);
            assert!(all[..at].iter().all(|other| other.file_name("x") != subject.file_name("x")));
            if matches!(subject.mode, Mode::Batch | Mode::Many) {
                for count in subject.counts {
                    assert_eq!(count % subject.batch as u64, 0, "{}", subject.name);
                }
            }
        }
    }
}
