//! Runs programs beside each other and compares them.

mod budget;
mod costs;
mod counting;
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
use crate::arguments::{self, Rounds};
use crate::measure::Others;
use crate::null_broker::Brokers;
use crate::report;
use crate::results::{Results, Run, Section, Session};
use crate::workload::USUAL_BODY;
use budget::Budget;
use placement::Placement;
use places::Places;
use program::Program;
use selection::Selection;
use target::{Kind, Target};

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    #[command(flatten)]
    pub(crate) rounds: Rounds,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    places: places::GivenPlaces,
}

impl Wanted {
    pub(crate) fn is_quick(&self) -> bool {
        self.selection.quick
    }
}

/// Runs every program of the plan `--runs` times, each round going through all of them, so that a limit and
/// what is held against it meet the same state of the machine; and counts instructions.
pub(crate) fn run(wanted: Wanted) -> Result<ExitCode, Failure> {
    let command = arguments::command(std::env::args().skip(1), &places::OPTIONS);
    let Wanted { rounds, selection, places } = wanted;
    let runs = rounds.runs.unwrap_or(3);
    let placement = Placement::from_text(&rounds.placement)?;
    let places = Places::new(places)?;

    let session = Session::now(command, selection.target.to_string(), placement.to_string());
    let mut results = Results::new(session);
    let (programs, missing) = selection.programs(&places, rounds.scale)?;
    results.missing = missing;
    let mut budget = Budget::new(selection.quick);
    placement.before_broker()?;
    let mut target = Target::start(selection.target)?;
    // Instructions say nothing about a broker: they are counted where everything else is fastest.
    let mut brokers = matches!(selection.target, Kind::Null).then(Brokers::start).transpose()?;
    placement.before_clients()?;
    // Counts come before further rounds: on a busy machine they are what can be believed.
    run_round(1, runs, &programs, &mut target, &mut budget, &mut results);
    if let Some(brokers) = &mut brokers {
        results.instructions = counting::count(&places, brokers, &mut budget)?;
    }
    for round in 2..=runs {
        run_round(round, runs, &programs, &mut target, &mut budget, &mut results);
    }
    let counter = places.allocation_counter()?;
    for program in programs.iter().filter(|program| counts_costs(program)) {
        let cost = budget.spend(|| costs::measure(program, &target.name_server(), &counter));
        results.costs.extend(cost);
    }
    if budget.left_out() > 0 {
        let reason = format!("{} steps: the time of a quick benchmark was over", budget.left_out());
        results.missing.push(reason);
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

/// Runs all programs once, as far as there is time.
fn run_round(
    round: u32,
    rounds: u32,
    programs: &[Program],
    target: &mut Target,
    budget: &mut Budget,
    results: &mut Results,
) {
    for program in programs {
        match budget.spend(|| run_once(program, round, target)) {
            Some(Ok(run)) => {
                eprintln!("{}", run.progress(rounds));
                results.runs.push(run);
            }
            Some(Err(failure)) => {
                eprintln!("{round}/{rounds} {failure}");
                results.failures.push(format!("round {round}: {failure}"));
            }
            None => {}
        }
    }
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
