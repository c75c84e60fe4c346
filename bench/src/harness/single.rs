//! One program alone in this process, so that a profiler can be attached to nothing but it.

use std::process::ExitCode;

use super::broker_process::BrokerProcess;
use crate::arguments::Arguments;
use crate::measure::Outcome;
use crate::workload::Workload;
use crate::{Failure, raw, rust};

/// A program that lives in this executable.
pub(crate) type BuiltIn = fn(&Workload) -> Result<Outcome, Failure>;

/// Finds a program by the word that names it on the command line.
pub(crate) fn by_name(name: &str) -> Option<BuiltIn> {
    match name {
        "raw" => Some(raw::run),
        "rust" => Some(rust::run),
        _ => None,
    }
}

/// Runs it against `--name-server`, or against a null broker of its own, and prints the outcome.
pub(crate) fn run(name: &str, program: BuiltIn, arguments: &mut Arguments) -> Result<ExitCode, Failure> {
    let mut own_broker = None;
    let name_server = match arguments.text("name-server") {
        Some(address) => address,
        None => own_broker.insert(BrokerProcess::start()?).name_server().to_owned(),
    };
    let work = Workload::from_arguments(arguments, name_server)?;
    arguments.end()?;
    let outcome = program(&work)?;
    println!("{}", serde_json::to_string(&outcome)?);
    if own_broker.is_none() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "{name} {}: {:.0} messages/s, {:.3} us CPU per message",
        work.mode,
        outcome.messages_per_second(),
        outcome.cpu_microseconds(),
    );
    Ok(ExitCode::SUCCESS)
}
