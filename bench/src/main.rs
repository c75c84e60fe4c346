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
mod preload;
mod raw;
mod report;
mod results;
mod rust;
mod scale;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Why a benchmark program ended early.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What no subcommand has a name for.
const ALONE: &str = "\
rmq-bench raw-MODE|rust-MODE [OPTIONS]: one program alone, for perf and callgrind; without --name-server it starts a null
broker for itself. Modes: lone, threads (ours), async, oneway, batch, many (ours)";

/// Runs the limits, our drivers and other clients in turn against one target and prints a Markdown table.
#[derive(Parser)]
#[command(name = "rmq-bench", args_conflicts_with_subcommands = true, disable_help_subcommand = true, after_help = ALONE)]
struct Words {
    #[command(subcommand)]
    program: Option<Program>,
    /// Makes the summary, the plots and the figures of the manual from results that were printed as JSON lines
    #[arg(long, value_name = "FILE", value_delimiter = ',', exclusive = true)]
    report: Option<Vec<PathBuf>>,
    /// Compares the revision (A) with this tree (B): instructions per message and interleaved timed runs, without
    /// these when --quick
    #[arg(long, value_name = "REV", conflicts_with_all = ["target", "peers", "only", "bodies", "library", "include", "python"])]
    against: Option<String>,
    #[command(flatten)]
    wanted: harness::Wanted,
}

#[derive(Subcommand)]
enum Program {
    /// Name server and brokers on loopback; prints their addresses, ends when its input ends
    NullBroker(null_broker::Options),
    /// What a message costs while one number grows, and whether that stays flat
    Scale(scale::Wanted),
    /// What scale runs: as rust-async, to many topics in turn and from --threads N threads
    Spread(scale::Spread),
    #[command(flatten)]
    Check(checks::Check),
    /// Another client alone, `NAME --name-server HOST:PORT --mode M …`: see bench/peers/README.md
    #[command(disable_help_flag = true)]
    Peer {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// `raw-MODE` or `rust-MODE`: one program alone, for perf and callgrind
    #[command(external_subcommand)]
    Alone(Vec<String>),
}

fn main() -> ExitCode {
    run(Words::parse()).unwrap_or_else(|failure| {
        eprintln!("rmq-bench: {failure}");
        ExitCode::FAILURE
    })
}

fn run(words: Words) -> Result<ExitCode, Failure> {
    match words.program {
        Some(Program::NullBroker(options)) => null_broker::run(&options).map(|()| ExitCode::SUCCESS),
        Some(Program::Scale(wanted)) => scale::run(&wanted),
        Some(Program::Spread(wanted)) => scale::spread(&wanted).map(|()| ExitCode::SUCCESS),
        Some(Program::Check(check)) => checks::run(&check),
        Some(Program::Peer { words }) => peers::alone(words.into_iter()),
        Some(Program::Alone(words)) => harness::single::run(&words),
        None => match (&words.report, &words.against) {
            (Some(files), _) => report::run(files),
            (None, Some(revision)) => against::run(revision, &words.wanted),
            (None, None) => harness::run(words.wanted),
        },
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn mistakes_are_named() {
        Words::command().debug_assert();
        for (text, named) in [
            ("idle word", "'word'"),
            ("idle --seconds", "--seconds <N>"),
            ("idle --seconds many", "many"),
            ("--colour red", "--colour"),
            ("--against main --bodies 64", "--bodies"),
            ("--report a --quick", "--report"),
        ] {
            let words = ["rmq-bench"].into_iter().chain(text.split_whitespace());
            let told = Words::try_parse_from(words).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(told.contains(named), "{text}: {told}");
        }
    }
}
