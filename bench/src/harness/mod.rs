//! Runs programs beside each other and compares them.

mod native;
pub(crate) mod placement;
mod plan;
mod program;
pub(crate) mod report;
pub(crate) mod single;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Failure;
use crate::arguments::Arguments;
use crate::measure::Others;
use crate::null_broker::{BrokerProcess, Options};
use placement::Placement;
use report::{Report, Run};

/// Runs every program of the plan `--runs` times, each round going through all of them, so that a limit and
/// what is held against it meet the same state of the machine.
pub(crate) fn run(arguments: &mut Arguments) -> Result<ExitCode, Failure> {
    arguments.flag("quick");
    let runs = arguments.number("runs")?.unwrap_or(3).max(1);
    let scale: f64 = arguments.number("scale")?.unwrap_or(1.0);
    let only = arguments.text("only");
    let placement = Placement::from_text(arguments.text("placement").as_deref())?;
    let places = native::Places::from_arguments(arguments)?;
    arguments.end()?;

    let (programs, missing) = plan::programs(&places, only.as_deref(), scale)?;
    let mut report = Report::new(placement.to_string(), missing);
    placement.before_broker()?;
    let mut broker = BrokerProcess::start(&Options::default())?;
    placement.before_clients()?;
    for round in 1..=runs {
        for program in &programs {
            let before = broker.received()?;
            let others = Others::start()?;
            match program.run(broker.name_server()) {
                Ok(outcome) => {
                    let after = broker.received()?;
                    let other_cores = others.cores(after.cpu_seconds - before.cpu_seconds)?;
                    let run = Run::new(program, round, other_cores, outcome, &before, &after);
                    eprintln!("{}", run.progress(runs));
                    report.add(run);
                }
                Err(failure) => {
                    eprintln!("{round}/{runs} {failure}");
                    report.add_failure(round, &failure);
                }
            }
        }
    }
    let results = results_folder();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let lines = report.write_lines(&results, seconds)?;
    println!("{}", report.table(&programs));
    eprintln!("every run: {}", lines.display());
    Ok(if report.is_valid() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn results_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}
