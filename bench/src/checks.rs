//! Budgets that no rate shows: what an idle producer costs, how soon the first message is sent, what the library
//! weighs, what a message in flight keeps, and what one producer feels of another.
//!
//! Each check is a process of its own, so that none finds the memory and threads of another.

mod finding;
mod first_send;
mod idle;
mod memory;
mod neighbour;
mod process;
mod producer;
mod size;

use std::process::{Command, ExitCode, Stdio};

use crate::Failure;
use crate::arguments::Arguments;
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
];

/// Runs the check of this name, if it is one; each prints a JSON line for every figure.
pub(crate) fn run(name: &str, arguments: &mut Arguments) -> Option<Result<ExitCode, Failure>> {
    let check = match name {
        "checks" => return Some(all(arguments)),
        "idle" => idle::run,
        "first-send" => first_send::run,
        "size" => size::run,
        "memory" => memory::run,
        "neighbour" => neighbour::run,
        _ => return None,
    };
    Some(check(arguments).and_then(|findings| print(&findings)))
}

fn print(findings: &[Finding]) -> Result<ExitCode, Failure> {
    for finding in findings {
        println!("{}", serde_json::to_string(finding)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs all of them and prints one table.
fn all(arguments: &mut Arguments) -> Result<ExitCode, Failure> {
    let library = arguments.text("library");
    let placement = "free: the scheduler places broker and clients".to_owned();
    let session = Session::now("cargo xtask bench checks".to_owned(), "null broker".to_owned(), placement);
    arguments.end()?;
    let (mut findings, mut failures) = (Vec::new(), Vec::new());
    for words in ALL {
        eprintln!("{}", words.join(" "));
        let mut command = Command::new(std::env::current_exe()?);
        command.args(*words).stdin(Stdio::null()).stderr(Stdio::inherit());
        if let (["size"], Some(folder)) = (words, &library) {
            command.args(["--library", folder]);
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
