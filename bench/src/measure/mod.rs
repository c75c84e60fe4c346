//! What is measured, and the JSON line that carries it from a driver to the harness.

mod cpu;
mod latency;
mod others;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub(crate) use cpu::Cpu;
pub(crate) use latency::{Latencies, Latency};
pub(crate) use others::Others;

/// The result of one program: its only line of output. The C and Python drivers print the same members.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Messages accepted in the measured section.
    pub(crate) count: u64,
    /// Messages sent before it.
    pub(crate) warm_up: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    /// Completions of a message that had already completed.
    pub(crate) doubled: u64,
    /// From the first send to the last completion.
    pub(crate) seconds: f64,
    /// Processor time of the whole driver process in that section.
    pub(crate) user_seconds: f64,
    pub(crate) system_seconds: f64,
    /// Send to completion; of all messages, or of a sample where a clock per message would weigh.
    pub(crate) latency: Option<Latency>,
}

impl Outcome {
    pub(crate) fn messages_per_second(&self) -> f64 {
        self.succeeded as f64 / self.seconds
    }

    /// User and system time of the client for one message.
    pub(crate) fn cpu_microseconds(&self) -> f64 {
        (self.user_seconds + self.system_seconds) * 1e6 / self.count as f64
    }
}

/// Wall clock and processor time of a section.
pub(crate) struct Stopwatch {
    cpu: Cpu,
    start: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> std::io::Result<Stopwatch> {
        Ok(Stopwatch { cpu: Cpu::of_process()?, start: Instant::now() })
    }

    pub(crate) fn stop(&self) -> std::io::Result<(Duration, Cpu)> {
        let elapsed = self.start.elapsed();
        Ok((elapsed, Cpu::of_process()?.since(self.cpu)))
    }
}
