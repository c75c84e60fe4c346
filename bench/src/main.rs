//! The benchmark of librmq: what a RocketMQ producer costs beside what the loopback allows.
//!
//! A **null broker** in its own process answers sends as fast as a socket can carry them. Raw clients that
//! only move pre-encoded frames show the **limit** of this machine; our drivers (Rust, C, Python) run
//! between them, so that every ratio compares figures of one run. Each program is a process of its own and
//! ends by printing one [`measure::Outcome`] as a JSON line.

mod against;
mod arguments;
mod c_driver;
mod checks;
mod harness;
mod instructions;
mod lines;
mod measure;
mod null_broker;
mod peers;
mod raw;
mod report;
mod results;
mod rust;
mod scale;
mod workload;

use std::process::ExitCode;

use arguments::Arguments;

/// Why a benchmark program ended early.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "\
rmq-bench [--target null|mock|real[:VERSION]] [--quick] [--peers all|NAME,…] [--bodies BYTES,…] [--only PROGRAM,…]
          [--runs N] [--scale F] [--placement apart|free] [--library DIR] [--include DIR] [--python PATH]
    runs the limits, our drivers and other clients in turn against one target and prints a Markdown table
rmq-bench --report FILE,…
    makes the summary, the plots and the figures of the manual from results that were printed as JSON lines
rmq-bench --against REV [--quick] [--runs N] [--scale F] [--placement apart|free]
    compares the revision REV (A) with this tree (B): instructions per message and interleaved timed runs;
    --quick leaves out the timed runs
rmq-bench null-broker [--name-server-port P] [--brokers N] [--queues N] [--answers json|binary] [--hold]
    name server and brokers on loopback; prints their addresses, ends when its input ends;
    --hold leaves sends without an answer
rmq-bench scale [--axis topics,queues,brokers,full-brokers,window,threads] [--batch-auto off,pressure]
          [--runs N] [--scale F] [--placement apart|free]
    what a message costs while one number grows, and whether that stays flat
rmq-bench spread --name-server HOST:PORT [--topics N] …
    what scale runs: as rust-async, to many topics in turn and from --threads N threads
rmq-bench checks [--library DIR]
    runs these and prints a table of the budgets; alone, each prints JSON lines:
    idle [--seconds N] | first-send [--processes N] | size [--library DIR] | memory [--batch-auto off|pressure] |
    neighbour [--count N] [--window N]
rmq-bench raw-MODE|rust-MODE [--name-server HOST:PORT] [--topic T] [--count N] [--warm-up N] [--window N]
          [--body BYTES] [--batch-auto off|pressure] [--batch N] [--threads N]
    one program alone, for perf and callgrind; without --name-server it starts a null broker for itself
    modes: lone, threads (ours), async, oneway, batch
rmq-bench peer NAME --name-server HOST:PORT --mode M …
    another client alone: see bench/peers/README.md";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("rmq-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: impl Iterator<Item = String>) -> Result<ExitCode, Failure> {
    let mut words = words.peekable();
    let program = match words.peek() {
        Some(word) if !word.starts_with("--") => words.next(),
        _ => None,
    };
    if program.as_deref() == Some("peer") {
        return peers::alone(words);
    }
    let mut arguments = Arguments::parse(words)?;
    match program.as_deref() {
        None if arguments.flag("help") => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        None => {
            if let Some(revision) = arguments.text("against") {
                return against::run(&revision, &mut arguments);
            }
            match arguments.list("report")? {
                Some(files) => report::run(&files, &arguments),
                None => harness::run(&mut arguments),
            }
        }
        Some("null-broker") => {
            let options = null_broker::Options::from_arguments(&mut arguments)?;
            arguments.end()?;
            null_broker::run(&options)?;
            Ok(ExitCode::SUCCESS)
        }
        Some("scale") => scale::run(&mut arguments),
        Some("spread") => {
            scale::spread(&mut arguments)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(name) => {
            if let Some(ended) = checks::run(name, &mut arguments) {
                return ended;
            }
            let Some(program) = harness::single::by_name(name) else {
                return Err(format!("unknown program {name:?}\n{USAGE}").into());
            };
            harness::single::run(name, program, &mut arguments)
        }
    }
}
