//! What a producer did and how things stand, at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::brokers::BrokerCounts;
use super::counters::CodeCounts;
use super::histogram::LatencyStats;
use super::recorder::Recorder;

/// The statistics of one producer at one moment. Counters begin at 0 when the producer is made and only grow.
///
/// `accepted` is never less than `succeeded + failed.total() + oneway_written`; the difference has no outcome yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// The producer group.
    pub group: String,
    /// The client id that brokers see.
    pub client_id: String,
    /// Messages accepted for sending.
    pub accepted: u64,
    /// Body bytes of the accepted messages, before compression.
    pub accepted_bytes: u64,
    /// Messages refused at the call, by the kind of error.
    pub rejected: CodeCounts,
    /// Messages that got their receipt.
    pub succeeded: u64,
    /// Accepted messages that ended in an error, by its kind.
    pub failed: CodeCounts,
    /// One-way messages that were written.
    pub oneway_written: u64,
    /// Requests handed to connections of brokers.
    pub attempts: u64,
    /// How often messages got another attempt.
    pub retries: u64,
    /// Requests that carried several messages.
    pub wire_batches: u64,
    /// The messages in those.
    pub wire_batch_messages: u64,
    /// Messages that count against `in.flight.max.messages` now.
    pub in_flight: u64,
    /// Body bytes that count against `in.flight.max.bytes` now.
    pub in_flight_bytes: u64,
    /// From the call to the receipt, of the messages that succeeded.
    pub latency: LatencyStats,
    /// The brokers known or used, by name.
    pub brokers: Vec<BrokerStats>,
    /// The topics of the client instance, by name.
    pub topics: Vec<TopicStats>,
}

/// One broker as one producer sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BrokerStats {
    /// The broker name.
    pub name: Arc<str>,
    /// `host:port` of its master, if a route names one now.
    pub address: Option<Arc<str>>,
    /// Requests handed to its connection.
    pub attempts: u64,
    /// Requests whose messages it stored.
    pub succeeded: u64,
    /// Requests that it refused or did not answer in time, or that did not reach it.
    pub failed: u64,
    /// From an attempt to its answer, of the requests that succeeded.
    pub latency: LatencyStats,
    /// Whether latency fault tolerance lets it be chosen now.
    pub available: bool,
    /// Whether it is not known to be unreachable.
    pub reachable: bool,
    /// For how long it is still left out.
    pub banned_for: Duration,
}

/// One topic as the client instance knows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TopicStats {
    /// The topic name.
    pub name: Arc<str>,
    /// Queues that may be written.
    pub writable_queues: u64,
    /// Since a name server last told the route; nothing if none did.
    pub route_age: Option<Duration>,
}

/// What a snapshot needs beside the counters.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) group: String,
    pub(crate) client_id: String,
    pub(crate) in_flight_messages: u64,
    pub(crate) in_flight_bytes: u64,
    pub(crate) brokers: Vec<BrokerState>,
    pub(crate) topics: Vec<TopicState>,
}

/// A broker and what the fault strategy says of it.
#[derive(Clone, Debug)]
pub(crate) struct BrokerState {
    pub(crate) name: Arc<str>,
    pub(crate) address: Option<Arc<str>>,
    pub(crate) available: bool,
    pub(crate) reachable: bool,
    pub(crate) banned_for: Duration,
}

/// A topic and what the route table says of it.
#[derive(Clone, Debug)]
pub(crate) struct TopicState {
    pub(crate) name: Arc<str>,
    pub(crate) writable_queues: usize,
    pub(crate) route_age: Option<Duration>,
}

impl Stats {
    pub(crate) fn of(recorder: &Recorder, surroundings: Surroundings) -> Self {
        let counts = recorder.counts();
        Self {
            group: surroundings.group,
            client_id: surroundings.client_id,
            accepted: counts.accepted,
            accepted_bytes: counts.accepted_bytes,
            rejected: counts.rejected,
            succeeded: counts.latency.count,
            failed: counts.failed,
            oneway_written: counts.oneway_written,
            attempts: counts.attempts,
            retries: counts.retries,
            wire_batches: counts.wire_batches,
            wire_batch_messages: counts.wire_batch_messages,
            in_flight: surroundings.in_flight_messages,
            in_flight_bytes: surroundings.in_flight_bytes,
            latency: counts.latency,
            brokers: brokers(surroundings.brokers, counts.brokers),
            topics: topics(surroundings.topics),
        }
    }
}

/// Brokers that are known now, and those used before.
fn brokers(states: Vec<BrokerState>, mut counts: BTreeMap<Arc<str>, BrokerCounts>) -> Vec<BrokerStats> {
    let states: BTreeMap<_, _> = states.into_iter().map(|state| (Arc::clone(&state.name), state)).collect();
    for name in states.keys() {
        counts.entry(Arc::clone(name)).or_default();
    }
    let with_state = |(name, counts): (Arc<str>, BrokerCounts)| {
        let state = states.get(&name);
        BrokerStats {
            address: state.and_then(|state| state.address.clone()),
            attempts: counts.attempts,
            succeeded: counts.latency.count,
            failed: counts.failed,
            latency: counts.latency,
            // A broker nothing is known of is fine.
            available: state.is_none_or(|state| state.available),
            reachable: state.is_none_or(|state| state.reachable),
            banned_for: state.map_or(Duration::ZERO, |state| state.banned_for),
            name,
        }
    };
    counts.into_iter().map(with_state).collect()
}

fn topics(mut states: Vec<TopicState>) -> Vec<TopicStats> {
    states.sort_by(|a, b| a.name.cmp(&b.name));
    let stats = |state: TopicState| TopicStats {
        name: state.name,
        writable_queues: state.writable_queues as u64,
        route_age: state.route_age,
    };
    states.into_iter().map(stats).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::stats::BrokerId;

    fn broker(name: &str, address: Option<&str>, banned_ms: u64) -> BrokerState {
        BrokerState {
            name: name.into(),
            address: address.map(Arc::from),
            available: banned_ms == 0,
            reachable: banned_ms < 5000,
            banned_for: Duration::from_millis(banned_ms),
        }
    }

    /// Every number in it is another one; names have all that must be escaped.
    pub(in super::super) fn sample() -> Stats {
        let recorder = Recorder::new();
        recorder.accepted(100, 2048);
        recorder.rejected(3, ErrorCode::QueueFull);
        recorder.rejected(4, ErrorCode::MessageIllegal);
        recorder.succeeded(50, Duration::from_micros(1500));
        recorder.succeeded(1, Duration::from_millis(20));
        recorder.failed(2, ErrorCode::Timeout);
        recorder.failed(5, ErrorCode::Broker);
        recorder.oneway_written(6);
        recorder.retried(7);
        recorder.wire_batch(9);
        let (used, gone): (Arc<str>, Arc<str>) = ("broker.a".into(), "gone".into());
        let ids = [BrokerId::new(), BrokerId::new()];
        for _ in 0..11 {
            recorder.attempted(ids[0], &used);
            recorder.attempt_succeeded(ids[0], Duration::from_micros(31));
        }
        recorder.attempted(ids[1], &gone);
        recorder.attempt_failed(ids[1]);
        let topic = |name: &str, queues, age_ms: Option<u64>| TopicState {
            name: name.into(),
            writable_queues: queues,
            route_age: age_ms.map(Duration::from_millis),
        };
        let surroundings = Surroundings {
            group: "g\"1\"".to_owned(),
            client_id: "10.0.0.1@a\\b\nc".to_owned(),
            in_flight_messages: 36,
            in_flight_bytes: 700,
            brokers: vec![
                broker("new", None, 0),
                broker("broker.a", Some("10.0.0.2:10911"), 2500),
                broker("broker", Some("[::1]:10911"), 30_000),
            ],
            topics: vec![topic("orders", 8, Some(12_345)), topic("absent", 0, None)],
        };
        Stats::of(&recorder, surroundings)
    }

    #[test]
    fn a_snapshot_holds_what_was_counted() {
        let stats = sample();
        assert_eq!((stats.accepted, stats.accepted_bytes, stats.succeeded), (100, 2048, 51));
        assert_eq!((stats.rejected.total(), stats.rejected.get(ErrorCode::QueueFull)), (7, 3));
        assert_eq!((stats.failed.total(), stats.failed.get(ErrorCode::Broker)), (7, 5));
        assert_eq!((stats.oneway_written, stats.retries, stats.attempts), (6, 7, 12));
        assert_eq!((stats.wire_batches, stats.wire_batch_messages), (1, 9));
        assert_eq!((stats.in_flight, stats.in_flight_bytes), (36, 700));
        assert_eq!((stats.latency.count, stats.latency.max), (51, Duration::from_millis(20)));
    }

    #[test]
    fn brokers_are_those_known_and_those_used_by_name() {
        let stats = sample();
        let shown: Vec<_> = stats
            .brokers
            .iter()
            .map(|broker| {
                let address = broker.address.as_deref();
                (&*broker.name, address, broker.attempts, broker.succeeded, broker.failed, broker.available)
            })
            .collect();
        let expected = [
            ("broker", Some("[::1]:10911"), 0, 0, 0, false),
            ("broker.a", Some("10.0.0.2:10911"), 11, 11, 0, false),
            ("gone", None, 1, 0, 1, true),
            ("new", None, 0, 0, 0, true),
        ];
        assert_eq!(shown, expected);
        let reachable: Vec<_> = stats.brokers.iter().map(|broker| broker.reachable).collect();
        assert_eq!(reachable, [false, true, true, true]);
        assert_eq!(stats.brokers[1].banned_for, Duration::from_millis(2500));
    }

    #[test]
    fn topics_come_by_name() {
        let stats = sample();
        let shown: Vec<_> = stats.topics.iter().map(|topic| (&*topic.name, topic.writable_queues)).collect();
        assert_eq!(shown, [("absent", 0), ("orders", 8)]);
        assert_eq!(stats.topics[1].route_age, Some(Duration::from_millis(12_345)));
    }
}
