//! What the send path counts.
//!
//! Everybody writes here, many threads for each message, so the counters lie by who writes them: what callers' threads count
//! is striped over cache lines (`counters.rs`), what the I/O thread counts is padded against them, and those of a broker are
//! found without a lock (`brokers.rs`). Nothing is added up before somebody reads ([`Recorder::counts`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::brokers::{BrokerCounts, BrokerId, BrokerOutcomes, Brokers};
use super::counters::{CodeCounters, CodeCounts, OutcomeCounter, Padded, Striped};
use super::histogram::{Histogram, LatencyStats};
use crate::error::ErrorCode;

/// The counters of one producer. Messages are counted, also those of a batch; only attempts are requests.
///
/// What callers' threads count lies apart from what the I/O thread counts. An outcome is counted after the
/// acceptance that it ends, so that no snapshot shows more outcomes than accepted messages.
#[derive(Default)]
pub(crate) struct Recorder {
    /// Messages and body bytes.
    accepted: Striped<2>,
    rejected: Padded<CodeCounters>,
    outcomes: Padded<Outcomes>,
    brokers: Brokers,
}

#[derive(Default)]
struct Outcomes {
    succeeded: Histogram,
    failed: CodeCounters,
    oneway_written: OutcomeCounter,
    retries: AtomicU64,
    wire_batches: AtomicU64,
    wire_batch_messages: AtomicU64,
}

/// All counters at one moment.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) latency: LatencyStats,
    pub(super) failed: CodeCounts,
    pub(super) oneway_written: u64,
    pub(super) retries: u64,
    pub(super) wire_batches: u64,
    pub(super) wire_batch_messages: u64,
    pub(super) rejected: CodeCounts,
    pub(super) accepted: u64,
    pub(super) accepted_bytes: u64,
    /// Requests to all brokers, those that are gone too.
    pub(super) attempts: u64,
    pub(super) brokers: BTreeMap<Arc<str>, BrokerCounts>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A call was accepted: each of its messages will have one outcome. To be told before the first attempt.
    pub(crate) fn accepted(&self, messages: usize, body_bytes: usize) {
        self.accepted.add([messages as u64, body_bytes as u64]);
    }

    /// A call was refused; nothing more will be heard of its messages.
    pub(crate) fn rejected(&self, messages: usize, code: ErrorCode) {
        self.rejected.0.add(code, messages as u64);
    }

    /// A request is handed to the connection of the broker of this name. The outcome of the attempt is told with the id.
    pub(crate) fn attempted(&self, broker: BrokerId, name: &Arc<str>) {
        self.brokers.attempted(broker, name);
    }

    /// The broker stored what the attempt brought. `latency` is that of the attempt.
    pub(crate) fn attempt_succeeded(&self, broker: BrokerId, latency: Duration) {
        self.broker_outcomes(broker, |outcomes| outcomes.succeeded.record(latency, 1));
    }

    /// The attempt was refused, got no answer, or never reached the broker.
    pub(crate) fn attempt_failed(&self, broker: BrokerId) {
        self.broker_outcomes(broker, |outcomes| outcomes.failed.add(1));
    }

    fn broker_outcomes(&self, id: BrokerId, count: impl FnOnce(&BrokerOutcomes)) {
        if let Some(recorder) = self.brokers.get(id) {
            count(&recorder.outcomes.0);
        }
    }

    /// Messages get another attempt.
    pub(crate) fn retried(&self, messages: usize) {
        self.outcomes.0.retries.fetch_add(messages as u64, Ordering::Relaxed);
    }

    /// A request that carries several messages is handed to a connection.
    pub(crate) fn wire_batch(&self, messages: usize) {
        self.outcomes.0.wire_batches.fetch_add(1, Ordering::Relaxed);
        self.outcomes.0.wire_batch_messages.fetch_add(messages as u64, Ordering::Relaxed);
    }

    /// Messages got their receipt, this long after the call.
    pub(crate) fn succeeded(&self, messages: usize, latency: Duration) {
        self.outcomes.0.succeeded.record(latency, messages as u64);
    }

    /// Messages ended in an error after they were accepted, one-way ones too.
    pub(crate) fn failed(&self, messages: usize, code: ErrorCode) {
        self.outcomes.0.failed.add(code, messages as u64);
    }

    /// One-way messages were written.
    pub(crate) fn oneway_written(&self, messages: usize) {
        self.outcomes.0.oneway_written.add(messages as u64);
    }

    /// Whether every accepted message has its outcome, or is just given it.
    pub(crate) fn have_all_ended(&self) -> bool {
        let outcomes = &self.outcomes.0;
        // Before what they are outcomes of.
        let ended = outcomes.succeeded.summary().count + outcomes.failed.counts().total();
        let ended = ended + outcomes.oneway_written.get();
        let [accepted, _] = self.accepted.sums();
        ended >= accepted
    }

    /// Outcomes are read before what they are outcomes of.
    pub(super) fn counts(&self) -> Counts {
        let outcomes = &self.outcomes.0;
        let (latency, failed) = (outcomes.succeeded.summary(), outcomes.failed.counts());
        let oneway_written = outcomes.oneway_written.get();
        let [accepted, accepted_bytes] = self.accepted.sums();
        let brokers = self.brokers.counts();
        Counts {
            latency,
            failed,
            oneway_written,
            retries: outcomes.retries.load(Ordering::Relaxed),
            wire_batches: outcomes.wire_batches.load(Ordering::Relaxed),
            wire_batch_messages: outcomes.wire_batch_messages.load(Ordering::Relaxed),
            rejected: self.rejected.0.counts(),
            accepted,
            accepted_bytes,
            attempts: self.brokers.attempts(),
            brokers,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    const THREADS: usize = 4;
    /// How many different snapshots are looked at while the threads count.
    const SNAPSHOTS: usize = 100;

    /// One round of each thread: 6 messages, 4 requests.
    fn round(recorder: &Recorder, brokers: &[(BrokerId, Arc<str>); 3], number: usize) {
        let attempted = |index: usize| {
            let (id, name) = &brokers[index];
            recorder.attempted(*id, name);
            *id
        };
        let latency = Duration::from_micros(number as u64 + 1);
        recorder.rejected(1, ErrorCode::QueueFull);
        recorder.accepted(1, 10);
        let first = attempted(number % 3);
        recorder.attempt_failed(first);
        recorder.retried(1);
        let second = attempted((number + 1) % 3);
        recorder.attempt_succeeded(second, latency);
        recorder.succeeded(1, latency);
        recorder.accepted(3, 300);
        let batch = attempted(0);
        recorder.wire_batch(3);
        recorder.attempt_succeeded(batch, latency);
        recorder.succeeded(3, latency);
        recorder.accepted(1, 1);
        recorder.failed(1, ErrorCode::NoRoute);
        recorder.accepted(1, 0);
        attempted(1);
        recorder.oneway_written(1);
    }

    fn differing_snapshots(recorder: &Recorder) -> impl Iterator<Item = Counts> {
        let mut last = 0;
        std::iter::repeat_with(|| recorder.counts()).filter(move |counts| {
            thread::yield_now();
            std::mem::replace(&mut last, counts.accepted) != counts.accepted
        })
    }

    fn is_consistent(counts: &Counts) -> bool {
        let ended = counts.latency.count + counts.failed.total() + counts.oneway_written;
        let mut brokers = counts.brokers.values();
        ended <= counts.accepted
            && brokers.all(|broker| broker.latency.count + broker.failed <= broker.attempts)
    }

    #[test]
    fn totals_of_all_threads_agree_and_no_snapshot_shows_an_outcome_too_many() {
        let recorder = Recorder::new();
        let brokers = ["a", "b", "c"].map(|name| (BrokerId::new(), Arc::from(name)));
        let done = AtomicBool::new(false);
        let triples = thread::scope(|scope| {
            let count = || {
                let mut triples = 0;
                while !done.load(Ordering::Relaxed) {
                    (0..3).for_each(|number| round(&recorder, &brokers, number));
                    triples += 1;
                }
                triples
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(count)).collect();
            let good = differing_snapshots(&recorder).take(SNAPSHOTS).all(|counts| is_consistent(&counts));
            done.store(true, Ordering::Relaxed);
            assert!(good, "a snapshot with more outcomes than there can be");
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum::<u64>()
        });
        let counts = recorder.counts();
        let rounds = 3 * triples;
        assert_eq!((counts.accepted, counts.accepted_bytes), (6 * rounds, 311 * rounds));
        assert_eq!((counts.latency.count, counts.oneway_written), (4 * rounds, rounds));
        assert_eq!(counts.latency.max, Duration::from_micros(3));
        assert_eq!(counts.latency.sum, Duration::from_micros(4 * (1 + 2 + 3) * triples));
        assert_eq!((counts.failed.total(), counts.failed.get(ErrorCode::NoRoute)), (rounds, rounds));
        assert_eq!((counts.rejected.total(), counts.rejected.get(ErrorCode::QueueFull)), (rounds, rounds));
        assert_eq!(
            (counts.retries, counts.wire_batches, counts.wire_batch_messages),
            (rounds, rounds, 3 * rounds)
        );
        let of = |name: &str| {
            let broker = counts.brokers[name];
            (broker.attempts, broker.latency.count, broker.failed)
        };
        assert_eq!(of("a"), (2 * triples + rounds, triples + rounds, triples));
        assert_eq!(of("b"), (2 * triples + rounds, triples, triples));
        assert_eq!(of("c"), (2 * triples, triples, triples));
        assert_eq!(counts.brokers.len(), 3);
    }

    #[test]
    fn callers_and_the_io_thread_write_different_cache_lines() {
        const { assert!(std::mem::offset_of!(Recorder, accepted).is_multiple_of(128)) };
        const { assert!(std::mem::offset_of!(Recorder, outcomes).is_multiple_of(128)) };
        const { assert!(std::mem::offset_of!(Recorder, brokers).is_multiple_of(128)) };
    }
}
