//! What holds for all runs of a benchmark.

use std::fmt;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// Where, when and how it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) machine: String,
    pub(crate) date: String,
    /// Commit of the source tree.
    pub(crate) revision: String,
    /// With which it can be repeated.
    pub(crate) command: String,
    pub(crate) target: String,
    pub(crate) placement: String,
}

impl Session {
    /// To be called before this thread confines itself to some of the machine's cores.
    pub(crate) fn now(command: String, target: String, placement: String) -> Session {
        Session {
            machine: machine(),
            date: first_line("date", &["-u", "+%Y-%m-%d"]),
            revision: first_line(
                "git",
                &["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"],
            ),
            command,
            target,
            placement,
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Session { machine, date, revision, command, target, placement } = self;
        write!(out, "{machine}, {date}, revision {revision}; to: {target}; {placement}\n\n    {command}")
    }
}

/// Cores and kernel.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown model", |(_, name)| name);
    let kernel = first_line("uname", &["-r"]);
    // What follows is the name of one build.
    let version = kernel.split('-').next().unwrap_or_default();
    format!("{cores} cores ({model}), Linux {version}")
}

/// What a program says first; `unknown` if it does not run.
fn first_line(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
