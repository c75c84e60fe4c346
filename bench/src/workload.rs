//! What one program sends, and to whom.

use crate::Failure;
use crate::arguments::Arguments;

/// Producer group of every driver; the raw frames carry it too, so that all frames have one size.
pub(crate) const GROUP: &str = "rmq-bench";

/// Everything a sending program needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name_server: String,
    pub(crate) topic: String,
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
}

impl Workload {
    pub(crate) fn from_arguments(
        arguments: &mut Arguments,
        name_server: String,
        default_count: u64,
        default_window: usize,
    ) -> Result<Workload, Failure> {
        let count = arguments.number("count")?.unwrap_or(default_count);
        Ok(Workload {
            name_server,
            topic: arguments.text("topic").unwrap_or_else(|| "bench".to_owned()),
            count,
            warm_up: arguments.number("warm-up")?.unwrap_or(count / 10),
            window: arguments.number("window")?.unwrap_or(default_window).max(1),
            body: arguments.number("body")?.unwrap_or(256),
            batching: arguments.text("batch-auto").unwrap_or_else(|| "off".to_owned()),
        })
    }

    /// The words with which another process gets the same work.
    pub(crate) fn to_words(&self) -> Vec<String> {
        let pairs = [
            ("--name-server", self.name_server.clone()),
            ("--topic", self.topic.clone()),
            ("--count", self.count.to_string()),
            ("--warm-up", self.warm_up.to_string()),
            ("--window", self.window.to_string()),
            ("--body", self.body.to_string()),
            ("--batch-auto", self.batching.clone()),
        ];
        pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_carry_the_whole_workload() {
        let work = Workload {
            name_server: "127.0.0.1:9876".to_owned(),
            topic: "t".to_owned(),
            count: 10,
            warm_up: 3,
            window: 4,
            body: 5,
            batching: "pressure".to_owned(),
        };
        let mut arguments = Arguments::parse(work.to_words().into_iter()).unwrap();
        let name_server = arguments.text("name-server").unwrap();
        let read = Workload::from_arguments(&mut arguments, name_server, 0, 0).unwrap();
        assert_eq!(format!("{read:?}"), format!("{work:?}"));
        assert!(arguments.end().is_ok());
    }
}
