//! Allocations and system calls of a message, each from a short run of its own: counting slows a program down.

use std::path::Path;
use std::process::Command;

use super::program::Program;
use crate::Failure;
use crate::results::Cost;

/// Of a normal run.
const SHARE: u64 = 10;
const SYSTEM_CALLS: &str = "raw_syscalls:sys_enter";

/// Counts for a program whose driver tells the allocations that `counter` counts.
pub(super) fn measure(
    program: &Program,
    name_server: &str,
    counter: &Result<std::path::PathBuf, String>,
) -> Cost {
    let mut program = program.clone();
    program.work.count = (program.work.count / SHARE).max(1);
    program.work.warm_up = (program.work.warm_up / SHARE).max(1);
    Cost {
        program: program.case.program.clone(),
        allocations: counter.clone().and_then(|counter| allocations(&program, name_server, &counter)),
        system_calls: system_calls(&program, name_server).map_err(|failure| failure.to_string()),
    }
}

/// In the measured section.
fn allocations(program: &Program, name_server: &str, counter: &Path) -> Result<f64, String> {
    let mut command = program.command(name_server);
    command.env("LD_PRELOAD", counter);
    let outcome = program.outcome(command).map_err(|failure| failure.to_string())?;
    outcome.allocations_per_message.ok_or_else(|| "the driver counts none".to_owned())
}

/// Of the whole process, by perf, which hardly slows it down.
fn system_calls(program: &Program, name_server: &str) -> Result<f64, Failure> {
    let file = std::env::temp_dir().join(format!("rmq-bench-{}.perf", std::process::id()));
    let plain = program.command(name_server);
    let mut perf = Command::new("perf");
    perf.args(["stat", "-x", ",", "-e", SYSTEM_CALLS, "-o"]).arg(&file).arg("--");
    perf.arg(plain.get_program()).args(plain.get_args());
    let outcome = program.outcome(perf)?;
    let text = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let line = text.lines().find(|line| line.contains(SYSTEM_CALLS));
    let count = line.and_then(|line| line.split(',').next()?.parse::<f64>().ok());
    let count = count.ok_or_else(|| format!("perf stat -e {SYSTEM_CALLS}: {}", text.trim()))?;
    Ok(count / (outcome.count + outcome.warm_up) as f64)
}
