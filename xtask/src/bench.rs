//! `cargo xtask bench`: the benchmark package, and what it measures, in release.

use std::process::ExitCode;
use std::time::Instant;

use crate::workspace::Workspace;
use crate::{Failure, command};

pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode, Failure> {
    // The drivers need the library, and one target is the mock.
    let packages = ["--package", "rmq", "--package", "rocketmq-mock", "--package", "rmq-bench"];
    let start = Instant::now();
    eprintln!("building the library and the benchmark");
    command::must(workspace.cargo().args(["build", "--quiet", "--release"]).args(packages))?;
    eprintln!("building took {} s", start.elapsed().as_secs());
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "rmq-bench", "--"]).args(words);
    let ended = command::run(&mut cargo)?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
