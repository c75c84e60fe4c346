//! One peer alone, for a profiler.

use std::process::{Command, ExitCode};

use super::Peer;
use crate::Failure;

/// `NAME WORD…`: installs the peer and runs its driver with the words.
pub(crate) fn run(mut words: impl Iterator<Item = String>) -> Result<ExitCode, Failure> {
    let name = words.next().unwrap_or_default();
    let Some(peer) = Peer::from_name(&name) else {
        return Err(format!("no peer {name:?}; there are {}", Peer::ALL.map(Peer::name).join(", ")).into());
    };
    let words: Vec<String> = words.collect();
    let mode = words.iter().position(|word| word == "--mode").and_then(|at| words.get(at + 1));
    if let Some(mode) = mode.filter(|mode| !peer.modes().contains(&mode.as_str())) {
        return Err(format!("{name} has no mode {mode:?}; it has {}", peer.modes().join(", ")).into());
    }
    let executable = std::env::current_exe()?;
    let target = executable.parent().and_then(|folder| folder.parent()).ok_or("no target folder")?;
    let launch = peer.prepare(target)?;
    eprintln!("{}: {}", peer.name(), launch.version);
    let status = Command::new(&launch.executable)
        .args(&launch.words)
        .args(words)
        .envs(launch.environment)
        .status()
        .map_err(|error| format!("{}: {error}", launch.executable.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
