//! The table of what is measured.

use super::driver::Driver;
use crate::workload::Mode;

/// A program of the plan before it is known where it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) driver: Driver,
    pub(super) mode: Mode,
    /// The most messages in flight.
    pub(super) window: usize,
    pub(super) count: u64,
    pub(super) batching: Batching,
    /// Bytes of a body.
    pub(super) body: usize,
    /// Of a raw client.
    pub(super) connections: usize,
}

/// `batch.auto` of our producers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Batching {
    Off,
    Pressure,
}

use Batching::{Off, Pressure};
use Driver::{Asyncio, C, Python, Raw, Rust};
use Mode::{Async, Batch, Lone, Many, Oneway, Threads};

/// The body of every row that does not say otherwise.
pub(super) const BODY: usize = 256;
/// Messages of a wire batch, and of one call of mode many.
const BATCH: usize = 32;
const LIST: usize = 1_000;

const fn row(driver: Driver, mode: Mode, window: usize, count: u64, batching: Batching) -> Row {
    Row { driver, mode, window, count, batching, body: BODY, connections: 1 }
}

/// Messages of a run with 1,024 in flight: each of the producer's 1,024 slots then goes through all of its 2,048
/// opaques. Their number of digits changes on the way, and with it what an answer costs to read, so a shorter
/// run would show only the cheap part.
const ALL_OPAQUES: u64 = 2_200_000;

/// Limits first: they are what the others are divided by.
#[rustfmt::skip]
pub(super) const PLAN: &[Row] = &[
    //  driver   mode     in flight  messages    batch.auto
    row(Raw,     Lone,         1,      20_000,   Off),
    row(Raw,     Async,       64,   1_000_000,   Off),
    row(Raw,     Async,    1_024,   5_000_000,   Off),
    row(Raw,     Async,   10_000,   5_000_000,   Off),
    row(Raw,     Oneway,   1_024,   5_000_000,   Off),
    row(Raw,     Batch,    1_024,  16_000_000,   Off),

    row(Rust,    Lone,         1,      20_000,   Off),
    row(C,       Lone,         1,      20_000,   Off),
    row(Python,  Lone,         1,      20_000,   Off),
    row(Asyncio, Lone,         1,      20_000,   Off),

    row(Rust,    Threads,     64,     300_000,   Off),
    row(C,       Threads,     64,     300_000,   Off),
    row(Python,  Threads,     64,     100_000,   Off),

    row(Rust,    Async,       64,     500_000,   Off),
    row(C,       Async,       64,     500_000,   Off),
    row(Rust,    Async,    1_024, ALL_OPAQUES,   Off),
    row(C,       Async,    1_024, ALL_OPAQUES,   Off),
    row(Asyncio, Async,    1_024,     300_000,   Off),
    row(Rust,    Async,   10_000, ALL_OPAQUES,   Off),
    row(C,       Async,   10_000, ALL_OPAQUES,   Off),

    row(C,       Async,       64,     500_000,   Pressure),
    row(Rust,    Async,    1_024, ALL_OPAQUES,   Pressure),
    row(C,       Async,    1_024, ALL_OPAQUES,   Pressure),
    row(Asyncio, Async,    1_024,     300_000,   Pressure),
    row(C,       Async,   10_000, ALL_OPAQUES,   Pressure),
    row(Python,  Many,     1_000,     500_000,   Pressure),

    row(Rust,    Oneway,   1_024,   2_000_000,   Off),
    row(C,       Oneway,   1_024,   2_000_000,   Off),
    row(Python,  Oneway,   1_024,     300_000,   Off),

    row(Rust,    Batch,    1_024,   4_000_000,   Off),
    row(C,       Batch,    1_024,   4_000_000,   Off),
    row(Python,  Batch,       32,     500_000,   Off),
];

impl Row {
    /// Unique in a plan.
    pub(super) fn name(self) -> String {
        let mut name = match (self.driver, self.mode) {
            (Raw, Lone) => "raw ping-pong".to_owned(),
            (Raw, Async) => format!("raw pipelined {}", self.window),
            (driver, Async) => format!("{driver} async {}", self.window),
            (driver, Threads) => format!("{driver} threads {}", self.window),
            (driver, Batch | Many) => format!("{driver} {} {}", self.mode, self.batch()),
            (driver, mode) => format!("{driver} {mode}"),
        };
        if self.mode == Async && self.batching == Pressure {
            name.push_str(" batched");
        }
        if self.connections > 1 {
            name.push_str(&format!(", {} connections", self.connections));
        }
        if self.body != BODY {
            name.push_str(&format!(", {} B", self.body));
        }
        name
    }

    /// The row that its ratio is taken from, count aside; `None` for a limit.
    pub(super) fn limit(self) -> Option<Row> {
        let limit = |mode, window| {
            let limits = PLAN.iter().filter(|row| row.driver == Raw && row.mode == mode);
            limits.copied().find(|row| row.window == window).map(|row| Row { body: self.body, ..row })
        };
        match self.mode {
            _ if self.driver == Raw => None,
            Lone => limit(Lone, 1),
            Threads => limit(Async, 64),
            Async if self.batching == Off => limit(Async, self.window),
            Many => limit(Async, 1_024),
            Oneway => limit(Oneway, 1_024),
            Async | Batch => limit(Batch, 1_024),
        }
    }

    /// Messages of a wire batch, or of one call with a list.
    pub(super) fn batch(self) -> usize {
        if self.mode == Many { LIST } else { BATCH }
    }

    /// Threads that send, or connections.
    pub(super) fn threads(self) -> usize {
        if self.mode == Threads { self.window } else { self.connections }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_limits_come_first() {
        for (at, row) in PLAN.iter().enumerate() {
            assert!(PLAN[..at].iter().all(|other| other.name() != row.name()), "{}", row.name());
            match row.limit() {
                Some(limit) => assert!(PLAN[..at].contains(&limit), "{}", row.name()),
                None => assert_eq!(row.driver, Raw, "{}", row.name()),
            }
        }
    }
}
