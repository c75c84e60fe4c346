//! One program alone in this process, so that a profiler can be attached to nothing but it.

use std::process::ExitCode;

use clap::{Args, FromArgMatches};

use crate::measure::Outcome;
use crate::null_broker::{BrokerProcess, Options};
use crate::workload::{Mode, Wanted, Workload};
use crate::{Failure, raw, rust};

/// A program that lives in this executable.
#[derive(Clone, Copy, Debug)]
struct BuiltIn {
    run: fn(&Workload) -> Result<Outcome, Failure>,
    mode: Mode,
}

/// Finds a program by the word that names it on the command line: `raw-MODE` or `rust-MODE`.
fn by_name(name: &str) -> Result<BuiltIn, Failure> {
    let unknown = || format!("unknown program {name:?}: see --help");
    let (driver, mode) = name.split_once('-').ok_or_else(unknown)?;
    let run = match driver {
        "raw" => raw::run,
        "rust" => rust::run,
        _ => return Err(unknown().into()),
    };
    let mode = mode.parse().map_err(|known| format!("unknown program {name:?}: its mode is {known}"))?;
    Ok(BuiltIn { run, mode })
}

/// Runs the program that the first word names against `--name-server`, or against a null broker of its own, and prints
/// the outcome.
pub(crate) fn run(words: &[String]) -> Result<ExitCode, Failure> {
    let name = words.first().map_or("", String::as_str);
    let program = by_name(name)?;
    let matches = Wanted::augment_args(clap::Command::new("rmq-bench")).get_matches_from(words);
    let wanted = Wanted::from_arg_matches(&matches)?;
    let mut own_broker = None;
    let name_server = match &wanted.name_server {
        Some(address) => address.clone(),
        None => own_broker.insert(BrokerProcess::start(&Options::default())?).name_server().to_owned(),
    };
    let work = Workload::new(&wanted, name_server, program.mode);
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
