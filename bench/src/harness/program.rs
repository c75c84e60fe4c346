//! One program of the plan: a process that sends and reports.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::measure::Outcome;
use crate::workload::Workload;

/// Where a program lives.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) executable: PathBuf,
    /// Words before those of the work.
    pub(super) words: Vec<String>,
}

impl Home {
    /// The same with further words at the end.
    pub(super) fn with(mut self, words: Vec<String>) -> Home {
        self.words.extend(words);
        self
    }
}

/// A process and its work.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// Unique in a plan.
    pub(super) name: String,
    /// Name of the limit that its ratio is taken from; `None` for a limit.
    pub(super) limit: Option<String>,
    pub(super) home: Home,
    /// Without a name server.
    pub(super) work: Workload,
}

impl Program {
    /// Runs it to its end; the error says how it ended otherwise.
    pub(super) fn run(&self, name_server: &str) -> Result<Outcome, Failure> {
        let work = Workload { name_server: name_server.to_owned(), ..self.work.clone() };
        let output = Command::new(&self.home.executable)
            .args(&self.home.words)
            .args(work.to_words())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("{}: {}: {error}", self.name, self.home.executable.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(format!("{}: {}: {}", self.name, output.status, text.trim_end()).into());
        }
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).map_err(|error| format!("{}: {line:?}: {error}", self.name).into())
    }
}
