//! The one line of output that every program ends with.

use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::process::Process;
use super::{Latency, Stopwatch};
use crate::Failure;
use crate::workload::Workload;

/// What the completions of a section added up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    /// Completions of a message that had already completed.
    pub(crate) doubled: u64,
    pub(crate) first_error: Option<String>,
    pub(crate) latency: Option<Latency>,
    pub(crate) slowest_thread: Option<f64>,
}

impl Tally {
    /// Counts a completion.
    pub(crate) fn count<T, E: ToString>(&mut self, result: Result<T, E>) {
        match result {
            Ok(_) => self.succeeded += 1,
            Err(error) => {
                self.failed += 1;
                self.first_error.get_or_insert_with(|| error.to_string());
            }
        }
    }
}

/// The result of one program: its last line of output. Drivers in other languages print the same members; those that
/// have a default here may be left out.
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
    /// Messages of the slowest of several threads, to the mean.
    #[serde(default)]
    pub(crate) slowest_thread: Option<f64>,
    /// The most memory the process had resident, from its start to the end of the section.
    #[serde(default)]
    pub(crate) peak_rss_kib: Option<u64>,
    /// Threads of the process at the end of the section, those of the driver included.
    #[serde(default)]
    pub(crate) threads: Option<u64>,
    /// Allocations of the process in the section, where something counts them.
    #[serde(default)]
    pub(crate) allocations_per_message: Option<f64>,
    /// What it sent to, if that is not the broker of the benchmark.
    #[serde(default)]
    pub(crate) target: Option<String>,
}

impl Outcome {
    /// Runs a program to its end and reads its last line; `name` is what errors call it.
    pub(crate) fn of(mut program: Command, name: &str) -> Result<Outcome, Failure> {
        let output = program
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("{name}: {}: {error}", program.get_program().display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("{name}: {}: {}", output.status, text.trim_end()).into());
        }
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).map_err(|error| format!("{name}: {line:?}: {error}").into())
    }

    /// Why the run is void: every one of the `asked` messages must have been sent, received, where that is known, and
    /// completed once.
    pub(crate) fn fault(&self, asked: u64, received: Option<u64>) -> Option<String> {
        let sent = self.count + self.warm_up;
        if sent != asked {
            return Some(format!("{sent} of {asked} messages sent"));
        }
        if self.succeeded != self.count || self.failed > 0 || self.doubled > 0 {
            return Some(format!(
                "of {} messages {} succeeded, {} failed, {} completed twice",
                self.count, self.succeeded, self.failed, self.doubled,
            ));
        }
        let received = received.filter(|received| *received != asked)?;
        Some(format!("the broker received {received} of {asked} messages"))
    }

    /// Of a section that ends now.
    pub(crate) fn new(work: &Workload, watch: &Stopwatch, tally: Tally) -> Result<Outcome, Failure> {
        let (elapsed, cpu) = watch.stop()?;
        let process = Process::this()?;
        if let Some(text) = &tally.first_error {
            eprintln!("{} sends failed, the first with: {text}", tally.failed);
        }
        Ok(Outcome {
            count: work.count,
            warm_up: work.warm_up,
            succeeded: tally.succeeded,
            failed: tally.failed,
            doubled: tally.doubled,
            seconds: elapsed.as_secs_f64(),
            user_seconds: cpu.user.as_secs_f64(),
            system_seconds: cpu.system.as_secs_f64(),
            latency: tally.latency,
            slowest_thread: tally.slowest_thread,
            peak_rss_kib: Some(process.peak_rss_kib),
            threads: Some(process.threads),
            allocations_per_message: None,
            target: None,
        })
    }

    pub(crate) fn messages_per_second(&self) -> f64 {
        self.succeeded as f64 / self.seconds
    }

    /// User and system time of the client for one message.
    pub(crate) fn cpu_microseconds(&self) -> f64 {
        (self.user_seconds + self.system_seconds) * 1e6 / self.count as f64
    }
}
