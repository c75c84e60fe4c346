//! One program of the plan: a process that sends and reports.

use std::path::PathBuf;
use std::process::Command;

use crate::Failure;
use crate::measure::Outcome;
use crate::results::Case;
use crate::workload::Workload;

/// Where a driver lives.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) executable: PathBuf,
    /// Words before those of the work.
    pub(super) words: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// Of a peer: its package and version.
    pub(super) version: Option<String>,
}

impl Home {
    /// One of ours.
    pub(super) fn new(executable: PathBuf, words: Vec<String>) -> Home {
        Home { executable, words, environment: Vec::new(), version: None }
    }

    /// The driver without its work.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(&self.words).envs(self.environment.iter().cloned());
        command
    }
}

/// A process and its work.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) case: Case,
    pub(super) home: Home,
    /// Without a name server.
    pub(super) work: Workload,
}

impl Program {
    /// Runs it to its end; the error says how it ended otherwise.
    pub(super) fn run(&self, name_server: &str) -> Result<Outcome, Failure> {
        self.outcome(self.command(name_server))
    }

    /// The process, not yet started.
    pub(super) fn command(&self, name_server: &str) -> Command {
        let work = Workload { name_server: name_server.to_owned(), ..self.work.clone() };
        let mut command = self.home.command();
        command.args(work.to_words());
        command
    }

    /// Runs `command` in the place of its own.
    pub(super) fn outcome(&self, command: Command) -> Result<Outcome, Failure> {
        Outcome::of(command, &self.case.program)
    }
}
