//! One program alone in this process, so that a profiler can be attached to nothing but it.

use std::process::ExitCode;

use crate::arguments::Arguments;
use crate::measure::Outcome;
use crate::null_broker::{BrokerProcess, Options};
use crate::workload::{Mode, Workload};
use crate::{Failure, raw, rust};

/// A program that lives in this executable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuiltIn {
    run: fn(&Workload) -> Result<Outcome, Failure>,
    mode: Mode,
}

/// Finds a program by the word that names it on the command line: `raw-MODE` or `rust-MODE`.
pub(crate) fn by_name(name: &str) -> Option<BuiltIn> {
    let (driver, mode) = name.split_once('-')?;
    let run = match driver {
        "raw" => raw::run,
        "rust" => rust::run,
        _ => return None,
    };
    Some(BuiltIn { run, mode: mode.parse().ok()? })
}

/// Runs it against `--name-server`, or against a null broker of its own, and prints the outcome.
pub(crate) fn run(name: &str, program: BuiltIn, arguments: &mut Arguments) -> Result<ExitCode, Failure> {
    let mut own_broker = None;
    let name_server = match arguments.text("name-server") {
        Some(address) => address,
        None => own_broker.insert(BrokerProcess::start(&Options::default())?).name_server().to_owned(),
    };
    let work = Workload::from_arguments(arguments, name_server, program.mode)?;
    arguments.end()?;
    let outcome = (program.run)(&work)?;
    println!("{}", serde_json::to_string(&outcome)?);
    if own_broker.is_none() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "{name}: {:.0} messages/s, {:.3} us CPU per message",
        outcome.messages_per_second(),
        outcome.cpu_microseconds(),
    );
    Ok(ExitCode::SUCCESS)
}
