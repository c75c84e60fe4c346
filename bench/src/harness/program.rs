//! One program of the plan: a process that sends and reports.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::measure::Outcome;
use crate::workload::Workload;

/// The figure by which a program is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// Messages per second; more is better.
    Rate,
    /// Time from send to receipt, one message at a time; less is better.
    Latency,
}

/// A process and its work.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// Unique in a plan.
    pub(super) name: String,
    pub(super) figure: Figure,
    /// Name of the limit that its ratio is taken from; `None` for a limit.
    pub(super) limit: Option<String>,
    pub(super) executable: PathBuf,
    /// Words before those of the work.
    pub(super) words: Vec<String>,
    pub(super) count: u64,
    pub(super) warm_up: u64,
    pub(super) window: usize,
    /// `batch.auto` of our producers.
    pub(super) batching: &'static str,
}

impl Program {
    /// Runs it to its end; the error says how it ended otherwise.
    pub(super) fn run(&self, name_server: &str) -> Result<Outcome, Failure> {
        let work = Workload {
            name_server: name_server.to_owned(),
            topic: "bench".to_owned(),
            count: self.count,
            warm_up: self.warm_up,
            window: self.window,
            body: 256,
            batching: self.batching.to_owned(),
        };
        let output = Command::new(&self.executable)
            .args(&self.words)
            .args(work.to_words())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("{}: {}: {error}", self.name, self.executable.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("{}: {}: {}", self.name, output.status, text.trim_end()).into());
        }
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).map_err(|error| format!("{}: {line:?}: {error}", self.name).into())
    }
}
