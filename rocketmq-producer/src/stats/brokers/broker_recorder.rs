//! What is counted of one broker.

use crate::stats::counters::{OutcomeCounter, Padded, Striped};
use crate::stats::histogram::{Histogram, LatencyStats};

/// The counters of one broker.
#[derive(Default)]
pub(in crate::stats) struct BrokerRecorder {
    pub(in crate::stats) attempts: Striped<1>,
    pub(in crate::stats) outcomes: Padded<BrokerOutcomes>,
}

#[derive(Default)]
pub(in crate::stats) struct BrokerOutcomes {
    pub(in crate::stats) succeeded: Histogram,
    pub(in crate::stats) failed: OutcomeCounter,
}

#[derive(Clone, Copy, Debug, Default)]
pub(in crate::stats) struct BrokerCounts {
    pub(in crate::stats) latency: LatencyStats,
    pub(in crate::stats) failed: u64,
    pub(in crate::stats) attempts: u64,
}

impl BrokerRecorder {
    /// Outcomes are read before what they are outcomes of.
    pub(in crate::stats) fn counts(&self) -> BrokerCounts {
        let (latency, failed) = (self.outcomes.0.succeeded.summary(), self.outcomes.0.failed.get());
        let [attempts] = self.attempts.sums();
        BrokerCounts { latency, failed, attempts }
    }

    /// All counters begin anew. Gives how many requests there were.
    pub(super) fn reset(&self) -> u64 {
        self.outcomes.0.succeeded.reset();
        self.outcomes.0.failed.reset();
        let [attempts] = self.attempts.take();
        attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_and_the_io_thread_write_different_cache_lines() {
        const { assert!(std::mem::offset_of!(BrokerRecorder, outcomes).is_multiple_of(128)) };
    }
}
