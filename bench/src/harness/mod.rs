//! Runs programs beside each other and compares them.

mod costs;
mod driver;
pub(crate) mod placement;
mod places;
mod plan;
mod program;
mod selection;
pub(crate) mod single;
mod target;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Failure;
use crate::arguments::Arguments;
use crate::measure::Others;
use crate::report;
use crate::results::{Results, Run, Section, Session};
use crate::workload::USUAL_BODY;
use placement::Placement;
use places::Places;
use program::Program;
use selection::Selection;
use target::Target;

/// Runs every program of the plan `--runs` times, each round going through all of them, so that a limit and
/// what is held against it meet the same state of the machine.
pub(crate) fn run(arguments: &mut Arguments) -> Result<ExitCode, Failure> {
    let command = format!("cargo xtask bench{}", arguments.words_without(&Places::OPTIONS));
    let runs = arguments.number("runs")?.unwrap_or(3).max(1);
    let selection = Selection::from_arguments(arguments)?;
    let placement = Placement::from_text(arguments.text("placement").as_deref())?;
    let places = Places::from_arguments(arguments)?;
    arguments.end()?;

    let session = Session::now(command, selection.target.to_string(), placement.to_string());
    let mut results = Results::new(session);
    let (programs, missing) = selection.programs(&places)?;
    results.missing = missing;
    placement.before_broker()?;
    let mut target = Target::start(selection.target)?;
    placement.before_clients()?;
    for round in 1..=runs {
        for program in &programs {
            match run_once(program, round, &mut target) {
                Ok(run) => {
                    eprintln!("{}", run.progress(runs));
                    results.runs.push(run);
                }
                Err(failure) => {
                    eprintln!("{round}/{runs} {failure}");
                    results.failures.push(format!("round {round}: {failure}"));
                }
            }
        }
    }
    let counter = places.allocation_counter()?;
    for program in programs.iter().filter(|program| counts_costs(program)) {
        results.costs.push(costs::measure(program, &target.name_server(), &counter));
    }
    let folder = report::folder();
    std::fs::create_dir_all(&folder)?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let lines = folder.join(format!("{seconds}.jsonl"));
    results.write(&lines)?;
    println!("{}", report::text(&results));
    eprintln!("every run: {}", lines.display());
    Ok(if results.is_valid() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_once(program: &Program, round: u32, target: &mut Target) -> Result<Run, Failure> {
    let before = target.seen()?;
    let others = Others::start()?;
    let outcome = program.run(&target.name_server())?;
    let asked = program.work.count + program.work.warm_up;
    let seconds = target.seen()?.cpu_seconds;
    let other_cores = others.cores(seconds - before.cpu_seconds)?;
    let after = match outcome.target {
        None => target.seen_after(before.messages + asked)?,
        Some(_) => target.seen()?,
    };
    let more = |after: Option<u64>, before: Option<u64>| Some(after? - before?);
    let section = Section {
        asked,
        received: after.messages - before.messages,
        send_bytes: more(after.send_bytes, before.send_bytes),
        reads: more(after.reads, before.reads),
        broker_seconds: after.cpu_seconds - before.cpu_seconds,
        other_cores,
    };
    Ok(Run::new(program.case.clone(), round, outcome, section))
}

/// The driver in C tells its allocations.
fn counts_costs(program: &Program) -> bool {
    program.case.driver == driver::Driver::C.to_string() && program.case.body == USUAL_BODY
}
