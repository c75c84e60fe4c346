//! `cargo xtask bench`: the benchmark package, in release.

use std::process::ExitCode;

use crate::workspace::Workspace;
use crate::{Failure, command};

pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode, Failure> {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "rmq-bench", "--"]).args(words);
    let ended = command::run(&mut cargo)?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
