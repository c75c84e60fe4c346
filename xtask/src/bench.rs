//! `cargo xtask bench`: the benchmark package, and what it measures, in release.

use std::process::ExitCode;

use crate::workspace::Workspace;
use crate::{Failure, command};

pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode, Failure> {
    // The drivers need the library, and one target is the mock.
    let mut build = workspace.cargo();
    build.args(["build", "--quiet", "--release", "--package", "rmq", "--package", "rocketmq-mock"]);
    command::must(&mut build)?;
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "rmq-bench", "--"]).args(words);
    let ended = command::run(&mut cargo)?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
