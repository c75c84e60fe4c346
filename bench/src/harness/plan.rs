//! Which programs a benchmark runs, and what each is held against.

use crate::Failure;

use super::native::Places;
use super::program::{Figure, Program};

/// Names of the limits.
const PING_PONG: &str = "raw ping-pong";
const PIPELINED_1024: &str = "raw pipelined 1024";
const PIPELINED_64: &str = "raw pipelined 64";

/// A program of the plan before it is known where it lives.
struct Entry {
    name: &'static str,
    figure: Figure,
    limit: Option<&'static str>,
    home: Home,
    count: u64,
    window: usize,
    batching: &'static str,
}

enum Home {
    /// A subcommand of this executable.
    BuiltIn(&'static str),
    /// `drivers/NAME.c`.
    C(&'static str),
    /// `drivers/NAME.py`.
    Python(&'static str),
}

const fn lone(name: &'static str, home: Home) -> Entry {
    Entry {
        name,
        figure: Figure::Latency,
        limit: Some(PING_PONG),
        home,
        count: 20_000,
        window: 1,
        batching: "off",
    }
}

const fn many(name: &'static str, home: Home, limit: &'static str, count: u64, window: usize) -> Entry {
    Entry { name, figure: Figure::Rate, limit: Some(limit), home, count, window, batching: "off" }
}

/// With batches of what waits for answers.
const fn batched(entry: Entry) -> Entry {
    Entry { batching: "pressure", ..entry }
}

/// Messages of a run with 1,024 in flight: each of the producer's 1,024 slots then goes through all of its 2,048
/// opaques. Their number of digits changes on the way, and with it what an answer costs to read, so a shorter
/// run would show only the cheap part.
const ALL_OPAQUES_OF_1024: u64 = 2_200_000;

/// Limits first: they are what the others are divided by.
const ENTRIES: &[Entry] = &[
    Entry { limit: None, ..lone(PING_PONG, Home::BuiltIn("raw-ping-pong")) },
    Entry { limit: None, ..many(PIPELINED_1024, Home::BuiltIn("raw-pipelined"), "", 5_000_000, 1_024) },
    Entry { limit: None, ..many(PIPELINED_64, Home::BuiltIn("raw-pipelined"), "", 1_000_000, 64) },
    lone("rust lone", Home::BuiltIn("rust-lone")),
    lone("c lone", Home::C("lone")),
    lone("python lone", Home::Python("lone")),
    lone("python lone await", Home::Python("aio_lone")),
    many("rust async 1024", Home::BuiltIn("rust-async"), PIPELINED_1024, ALL_OPAQUES_OF_1024, 1_024),
    many("c async 1024", Home::C("async"), PIPELINED_1024, ALL_OPAQUES_OF_1024, 1_024),
    batched(many("c async 1024 batched", Home::C("async"), PIPELINED_1024, ALL_OPAQUES_OF_1024, 1_024)),
    many("rust async 64", Home::BuiltIn("rust-async"), PIPELINED_64, 300_000, 64),
    many("c async 64", Home::C("async"), PIPELINED_64, 300_000, 64),
    batched(many("c async 64 batched", Home::C("async"), PIPELINED_64, 300_000, 64)),
    many("python asyncio 1024", Home::Python("aio"), PIPELINED_1024, ALL_OPAQUES_OF_1024, 1_024),
];

/// The programs to run in each round, and why others of the plan cannot run.
///
/// `only` is a list of beginnings of names joined by commas; the limits of what it chooses stay in. `scale`
/// multiplies the numbers of messages.
pub(super) fn programs(
    places: &Places,
    only: Option<&str>,
    scale: f64,
) -> Result<(Vec<Program>, Vec<String>), Failure> {
    let asked = |entry: &&Entry| match only {
        None => true,
        Some(names) => names.split(',').any(|name| entry.name.starts_with(name.trim())),
    };
    let chosen: Vec<&Entry> = ENTRIES.iter().filter(asked).collect();
    if chosen.is_empty() {
        return Err(format!("--only {:?} names no program", only.unwrap_or_default()).into());
    }
    let needed = |entry: &&Entry| {
        asked(entry) || chosen.iter().any(|other| other.limit.is_some_and(|limit| limit == entry.name))
    };
    let mut programs = Vec::new();
    let mut missing = Vec::new();
    for entry in ENTRIES.iter().filter(needed) {
        match place(entry, places, scale)? {
            Ok(program) => programs.push(program),
            Err(reason) => missing.push(format!("{}: {reason}", entry.name)),
        }
    }
    Ok((programs, missing))
}

fn place(entry: &Entry, places: &Places, scale: f64) -> Result<Result<Program, String>, Failure> {
    let (executable, words) = match entry.home {
        Home::BuiltIn(name) => (std::env::current_exe()?, vec![name.to_owned()]),
        Home::C(name) => match places.compile(name)? {
            Ok(program) => (program, Vec::new()),
            Err(reason) => return Ok(Err(reason)),
        },
        Home::Python(name) => {
            if let Err(reason) = places.python_has_rmq() {
                return Ok(Err(reason));
            }
            let source = places.driver(&format!("{name}.py"));
            (places.python.clone(), vec![source.to_string_lossy().into_owned()])
        }
    };
    let count = ((entry.count as f64 * scale) as u64).max(1);
    Ok(Ok(Program {
        name: entry.name.to_owned(),
        figure: entry.figure,
        limit: entry.limit.map(str::to_owned),
        executable,
        words,
        count,
        warm_up: count / 10,
        window: entry.window,
        batching: entry.batching,
    }))
}
