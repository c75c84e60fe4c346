//! Timed runs, A and B in turn: A B, B A, A B …

use std::process::Command;

use super::pairs::{Better, Pairs};
use super::revision::Revision;
use super::sides::Sides;
use super::subject::{ASYNC_64, ASYNC_1024, ASYNC_1024_BATCHED, BATCH, LONE, ONEWAY, Subject, THREADS};
use super::table::{Row, Table};
use crate::Failure;
use crate::measure::{Others, Outcome};
use crate::null_broker::BrokerProcess;

/// Where the linker happens to place the code makes as much of a difference.
const NOTICEABLE: f64 = 0.02;

/// A figure of a run, and how it is judged.
struct Figure {
    name: &'static str,
    digits: usize,
    better: Better,
    of: fn(&Outcome) -> Option<f64>,
}

const RATE: Figure = Figure {
    name: "messages/s",
    digits: 0,
    better: Better::More,
    of: |outcome| Some(outcome.messages_per_second()),
};
const CPU: Figure = Figure {
    name: "CPU µs/message",
    digits: 3,
    better: Better::Less,
    of: |outcome| Some(outcome.cpu_microseconds()),
};
const P50: Figure = Figure {
    name: "p50 µs",
    digits: 1,
    better: Better::Less,
    of: |outcome| outcome.latency.map(|latency| latency.p50_us),
};

/// Each with its number of messages. With 1,024 in flight there are as many as the harness sends, for the reason
/// that its plan gives.
const SUBJECTS: [(Subject, u64, &[Figure]); 7] = [
    (ASYNC_1024, 2_200_000, &[RATE, CPU]),
    (ASYNC_1024_BATCHED, 2_200_000, &[RATE, CPU]),
    (ASYNC_64, 300_000, &[RATE, CPU]),
    (BATCH, 4_000_000, &[RATE, CPU]),
    (ONEWAY, 2_000_000, &[RATE, CPU]),
    (THREADS, 300_000, &[RATE, CPU]),
    (LONE, 20_000, &[P50, CPU]),
];

/// Adds the rows of each subject.
pub(super) fn compare(
    sides: &Sides<Revision>,
    runs: u32,
    scale: f64,
    broker: &mut BrokerProcess,
    table: &mut Table,
) -> Result<(), Failure> {
    for (subject, count, figures) in SUBJECTS {
        let count = ((count as f64 * scale) as u64).max(1);
        let mut outcomes = Vec::new();
        for round in 1..=runs {
            eprintln!("timed {round}/{runs} {}", subject.name);
            let pair = sides.in_turn(round, |side| {
                let others = Others::start()?;
                let before = broker.received()?.cpu_seconds;
                let command = Command::new(&side.executable);
                let outcome = subject.run(command, count, count / 10, broker)?;
                table.ran_beside(others.cores(broker.received()?.cpu_seconds - before)?);
                Ok(outcome)
            });
            match pair {
                Ok(pair) => outcomes.push(pair),
                Err(failure) => table.failed(&failure),
            }
        }
        for figure in figures {
            let mut pairs = Pairs::default();
            for pair in &outcomes {
                if let (Some(old), Some(new)) = ((figure.of)(&pair.old), (figure.of)(&pair.new)) {
                    pairs.add(Sides { old, new });
                }
            }
            let what = format!("{}: {}", subject.name, figure.name);
            table.add(Row {
                what,
                digits: figure.digits,
                better: figure.better,
                noticeable: NOTICEABLE,
                pairs,
            });
        }
    }
    Ok(())
}
