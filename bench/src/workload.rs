//! What one program sends, how, and to whom.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::arguments::number;

/// Producer group of every driver; the raw frames carry it too, so that all frames have one size.
pub(crate) const GROUP: &str = "rmq-bench";

/// Bytes of a body where nothing else is said.
pub(crate) const USUAL_BODY: usize = 256;

/// Topic of a benchmark.
pub(crate) const TOPIC: &str = "bench";

/// How messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// One blocking send at a time.
    Lone,
    /// Several threads, each with one blocking send at a time.
    Threads,
    /// A full window in flight.
    Async,
    /// Without answers; the last message alone has one, which proves that those before it arrived.
    Oneway,
    /// Wire batches.
    Batch,
    /// Calls with a list of messages.
    Many,
}

impl Mode {
    const ALL: [Mode; 6] = [Mode::Lone, Mode::Threads, Mode::Async, Mode::Oneway, Mode::Batch, Mode::Many];

    /// The word of the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Mode::Lone => "lone",
            Mode::Threads => "threads",
            Mode::Async => "async",
            Mode::Oneway => "oneway",
            Mode::Batch => "batch",
            Mode::Many => "many",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Mode, String> {
        let known = Mode::ALL.into_iter().find(|mode| mode.name() == text);
        known.ok_or_else(|| format!("one of {}", Mode::ALL.map(Mode::name).join(", ")))
    }
}

/// What a program sends, and to whom.
#[derive(clap::Args, Debug)]
pub(crate) struct Wanted {
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) name_server: Option<String>,
    #[arg(long, default_value = TOPIC)]
    topic: String,
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    count: Option<u64>,
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    warm_up: Option<u64>,
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    window: Option<usize>,
    #[arg(long, value_name = "BYTES", default_value_t = USUAL_BODY, value_parser = number::<usize>)]
    body: usize,
    /// off or pressure
    #[arg(long, value_name = "HOW", default_value = "off")]
    batch_auto: String,
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = number::<usize>)]
    batch: usize,
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    threads: Option<usize>,
}

/// Everything a sending program needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name_server: String,
    pub(crate) topic: String,
    pub(crate) mode: Mode,
    /// Messages of the measured section.
    pub(crate) count: u64,
    /// Messages sent before it, until caches, route and connection are warm.
    pub(crate) warm_up: u64,
    /// The most messages in flight.
    pub(crate) window: usize,
    /// Bytes of a body.
    pub(crate) body: usize,
    /// `batch.auto` of producers that make batches by themselves.
    pub(crate) batching: String,
    /// Messages of a wire batch, or of one call with a list.
    pub(crate) batch: usize,
    /// Threads that send; a raw client has as many connections.
    pub(crate) threads: usize,
}

impl Workload {
    /// What is not said is taken for a short run of the mode.
    pub(crate) fn new(wanted: &Wanted, name_server: String, mode: Mode) -> Workload {
        let (count, window, threads) = match mode {
            Mode::Lone => (50_000, 1, 1),
            Mode::Threads => (300_000, 64, 64),
            Mode::Async | Mode::Oneway | Mode::Batch | Mode::Many => (2_200_000, 1_024, 1),
        };
        let count = wanted.count.unwrap_or(count);
        Workload {
            name_server,
            topic: wanted.topic.clone(),
            mode,
            count,
            warm_up: wanted.warm_up.unwrap_or(count / 10),
            window: wanted.window.unwrap_or(window).max(1),
            body: wanted.body,
            batching: wanted.batch_auto.clone(),
            batch: wanted.batch.max(1),
            threads: wanted.threads.unwrap_or(threads).max(1),
        }
    }

    /// The words with which another process gets the same work, but for the mode.
    pub(crate) fn to_words(&self) -> Vec<String> {
        let pairs = [
            ("--name-server", self.name_server.clone()),
            ("--topic", self.topic.clone()),
            ("--count", self.count.to_string()),
            ("--warm-up", self.warm_up.to_string()),
            ("--window", self.window.to_string()),
            ("--body", self.body.to_string()),
            ("--batch-auto", self.batching.clone()),
            ("--batch", self.batch.to_string()),
            ("--threads", self.threads.to_string()),
        ];
        pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    #[test]
    fn words_carry_the_whole_workload() {
        let work = Workload {
            name_server: "127.0.0.1:9876".to_owned(),
            topic: "t".to_owned(),
            mode: Mode::Batch,
            count: 10,
            warm_up: 3,
            window: 4,
            body: 5,
            batching: "pressure".to_owned(),
            batch: 6,
            threads: 7,
        };
        let matches = Wanted::augment_args(clap::Command::new("x").no_binary_name(true))
            .get_matches_from(work.to_words());
        let mut wanted = Wanted::from_arg_matches(&matches).unwrap();
        let name_server = wanted.name_server.take().unwrap();
        let read = Workload::new(&wanted, name_server, Mode::Batch);
        assert_eq!(format!("{read:?}"), format!("{work:?}"));
    }

    #[test]
    fn an_unknown_mode_names_the_known_ones() {
        assert_eq!("many".parse(), Ok(Mode::Many));
        assert!("fast".parse::<Mode>().unwrap_err().contains("lone, threads"));
    }
}
