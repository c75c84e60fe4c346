//! Budgets that no rate shows: what an idle producer costs, how soon the first message is sent, what the library
//! weighs, what a message in flight keeps, what one producer feels of another, and what signatures cost.
//!
//! Each check is a process of its own, so that none finds the memory and threads of another.

mod finding;
mod first_send;
mod held;
mod idle;
mod memory;
mod neighbour;
mod process;
mod producer;
mod signing;
mod size;

use std::process::{Command, ExitCode, Stdio};

use crate::Failure;
use crate::lines;
use crate::results::Session;
use finding::{Finding, table};

/// Words of all checks, as `rmq-bench checks` runs them.
const ALL: &[&[&str]] = &[
    &["idle"],
    &["first-send"],
    &["size"],
    &["memory", "--batch-auto", "off"],
    &["memory", "--batch-auto", "pressure"],
    &["neighbour"],
    &["signing"],
];

/// One check, or all of them.
#[derive(clap::Subcommand)]
pub(crate) enum Check {
    /// Runs all checks and prints a table of the budgets; alone, each prints JSON lines
    Checks(size::Wanted),
    /// Check: what an idle producer costs
    Idle(idle::Wanted),
    /// Check: how soon the first message is sent
    FirstSend(first_send::Wanted),
    /// Check: what the library weighs
    Size(size::Wanted),
    /// Check: what a message in flight keeps
    Memory(memory::Wanted),
    /// Check: what one producer feels of another
    Neighbour(neighbour::Wanted),
    /// Check: what signatures cost
    Signing(signing::Wanted),
}

/// Runs it.
pub(crate) fn run(check: &Check) -> Result<ExitCode, Failure> {
    print(&match check {
        Check::Checks(wanted) => return all(wanted),
        Check::Idle(wanted) => idle::run(wanted)?,
        Check::FirstSend(wanted) => first_send::run(wanted)?,
        Check::Size(wanted) => size::run(wanted)?,
        Check::Memory(wanted) => memory::run(wanted)?,
        Check::Neighbour(wanted) => neighbour::run(wanted)?,
        Check::Signing(wanted) => signing::run(wanted)?,
    })
}

/// Prints a JSON line for every figure.
fn print(findings: &[Finding]) -> Result<ExitCode, Failure> {
    for finding in findings {
        println!("{}", serde_json::to_string(finding)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs all of them and prints one table.
fn all(wanted: &size::Wanted) -> Result<ExitCode, Failure> {
    let placement = "free: the scheduler places broker and clients".to_owned();
    let session = Session::now("cargo xtask bench checks".to_owned(), "null broker".to_owned(), placement);
    let (mut findings, mut failures) = (Vec::new(), Vec::new());
    for words in ALL {
        eprintln!("{}", words.join(" "));
        let mut command = Command::new(std::env::current_exe()?);
        command.args(*words).stdin(Stdio::null()).stderr(Stdio::inherit());
        if let (["size"], Some(folder)) = (words, &wanted.library) {
            command.arg("--library").arg(folder);
        }
        let output = command.output()?;
        if output.status.success() {
            for line in String::from_utf8(output.stdout)?.lines() {
                findings.push(serde_json::from_str(line)?);
            }
        } else {
            failures.push(format!("not measured: {}: {}", words.join(" "), output.status));
        }
    }
    let lines = lines::write("checks", &session, &findings)?;
    println!("{session}\n\n{}", table(&findings));
    for failure in &failures {
        println!("{failure}\n");
    }
    eprintln!("every figure: {}", lines.display());
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
