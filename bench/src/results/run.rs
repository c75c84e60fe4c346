//! One run of one program.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Case;
use crate::measure::{Latency, Outcome};

/// What other processes may use of the machine before a run counts as disturbed.
pub(crate) const QUIET_CORES: f64 = 0.1;

/// What was seen around a program while it ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// Messages that it was to send, warm-up included.
    pub(crate) asked: u64,
    /// Messages that arrived.
    pub(crate) received: u64,
    /// Bytes of the requests that brought them, and reads that they took, where the broker tells.
    pub(crate) send_bytes: Option<u64>,
    pub(crate) reads: Option<u64>,
    pub(crate) broker_seconds: f64,
    /// Mean number of cores that other processes kept busy.
    pub(crate) other_cores: f64,
}

/// A number read from a run, if it has it.
pub(crate) type Figure = fn(&Run) -> Option<f64>;

/// A program's own figures, and those around it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    #[serde(flatten)]
    pub(crate) case: Case,
    pub(crate) round: u32,
    pub(crate) other_cores: f64,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    pub(crate) messages_per_second: f64,
    pub(crate) cpu_us_per_message: f64,
    /// Messages that the broker received, warm-up included.
    pub(crate) received: u64,
    /// Mean size on the wire of what carries a message.
    pub(crate) frame_bytes: Option<f64>,
    pub(crate) broker_cpu_us_per_message: Option<f64>,
    pub(crate) messages_per_broker_read: Option<f64>,
    /// Why the run does not count: it lost or doubled a message.
    pub(crate) void: Option<String>,
}

impl Run {
    pub(crate) fn new(case: Case, round: u32, outcome: Outcome, section: Section) -> Run {
        let per_message = |value: f64| (section.received > 0).then(|| value / section.received as f64);
        Run {
            case,
            round,
            other_cores: section.other_cores,
            messages_per_second: outcome.messages_per_second(),
            cpu_us_per_message: outcome.cpu_microseconds(),
            received: section.received,
            frame_bytes: section.send_bytes.and_then(|bytes| per_message(bytes as f64)),
            broker_cpu_us_per_message: per_message(section.broker_seconds * 1e6),
            messages_per_broker_read: section
                .reads
                .map(|reads| section.received as f64 / reads.max(1) as f64),
            // What another broker received nobody asks.
            void: outcome.fault(section.asked, outcome.target.is_none().then_some(section.received)),
            outcome,
        }
    }

    /// One line for whoever waits.
    pub(crate) fn progress(&self, rounds: u32) -> String {
        let mut line =
            format!("{}/{rounds} {:<40} {:>9.0}/s", self.round, self.case.program, self.messages_per_second);
        let _ = write!(line, " {:>8.3} us CPU", self.cpu_us_per_message);
        if let Some(broker) = self.broker_cpu_us_per_message {
            let _ = write!(line, ", broker {broker:.2}");
        }
        if let Some(latency) = &self.outcome.latency {
            let _ = write!(line, "  p50 {:.1} p99 {:.1} us", latency.p50_us, latency.p99_us);
        }
        if self.is_disturbed() {
            let _ = write!(line, "  disturbed: others used {:.2} cores", self.other_cores);
        }
        if let Some(fault) = &self.void {
            let _ = write!(line, "  VOID: {fault}");
        }
        line
    }

    pub(crate) fn is_disturbed(&self) -> bool {
        self.other_cores > QUIET_CORES
    }

    pub(crate) fn latency(&self, percentile: fn(&Latency) -> f64) -> Option<f64> {
        self.outcome.latency.as_ref().map(percentile)
    }

    /// Bodies alone.
    pub(crate) fn megabytes_per_second(&self) -> f64 {
        self.messages_per_second * self.case.body as f64 / 1e6
    }
}
