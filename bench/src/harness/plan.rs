//! The table of what is measured.

use super::driver::Driver;
use crate::peers::Peer;
use crate::workload::{Mode, USUAL_BODY};

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

/// Messages of a wire batch, and of one call of mode many.
const BATCH: usize = 32;
const LIST: usize = 1_000;

const fn row(driver: Driver, mode: Mode, window: usize, count: u64, batching: Batching) -> Row {
    Row { driver, mode, window, count, batching, body: USUAL_BODY, connections: 1 }
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
    row(Raw,     Batch,       64,   8_000_000,   Off),
    row(Raw,     Batch,    1_024,  16_000_000,   Off),
    row(Raw,     Batch,   10_000,  16_000_000,   Off),

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

/// On a real broker: whether more connections carry more. 64 in flight are two batches, so no more than two connections.
#[rustfmt::skip]
pub(super) const CEILING: &[Row] = &[
    Row { connections: 2, ..row(Raw, Async,    64, 1_000_000, Off) },
    Row { connections: 4, ..row(Raw, Async,    64, 1_000_000, Off) },
    Row { connections: 2, ..row(Raw, Async, 1_024, 5_000_000, Off) },
    Row { connections: 4, ..row(Raw, Async, 1_024, 5_000_000, Off) },
    Row { connections: 2, ..row(Raw, Batch,    64, 8_000_000, Off) },
    Row { connections: 2, ..row(Raw, Batch, 1_024, 16_000_000, Off) },
    Row { connections: 4, ..row(Raw, Batch, 1_024, 16_000_000, Off) },
];

/// What other bodies are sent with.
const OTHER_BODIES: [Driver; 2] = [Raw, C];
/// The most bytes of bodies in flight, and in a run.
const BYTES_IN_FLIGHT: usize = 64 << 20;
const BYTES_SENT: usize = 4 << 30;

/// The rows of another body than [`USUAL_BODY`].
pub(super) fn rows_of_body(body: usize) -> impl Iterator<Item = Row> {
    let window = 1_024.min((BYTES_IN_FLIGHT / body.max(1)).max(1));
    let count = ALL_OPAQUES.min((BYTES_SENT / body.max(1)) as u64);
    OTHER_BODIES.into_iter().map(move |driver| Row { body, ..row(driver, Async, window, count, Off) })
}

/// What another client is asked for, of the modes it has.
#[rustfmt::skip]
const PEER_PLAN: &[(Mode, usize, u64, Batching)] = &[
    (Lone,        1,  20_000, Off),
    (Threads,    64,  60_000, Off),
    (Async,   1_024, 200_000, Off),
    (Async,   1_024, 200_000, Pressure),
    (Oneway,  1_024, 100_000, Off),
    (Batch,   1_024, 400_000, Off),
];

/// The rows of another client.
pub(super) fn rows_of_peer(peer: Peer) -> impl Iterator<Item = Row> {
    let driver = Driver::Peer(peer);
    PEER_PLAN
        .iter()
        .map(move |(mode, window, count, batching)| row(driver, *mode, *window, *count, *batching))
        .filter(move |row| peer.modes().contains(&row.mode.name()))
        .filter(move |row| row.batching == Off || driver.has_batching())
}

impl Row {
    /// Unique in a plan.
    pub(super) fn name(self) -> String {
        let mut name = match (self.driver, self.mode) {
            (Raw, Lone) => "raw ping-pong".to_owned(),
            (Raw, Async) => format!("raw pipelined {}", self.window),
            (Raw, Batch) => format!("raw batch {}, {} in flight", self.batch(), self.window),
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
        if self.body != USUAL_BODY {
            name.push_str(&format!(", {} B", self.body));
        }
        name
    }

    /// The name of what its ratio is taken from: of a limit with several connections, that with one. `None` for a limit.
    pub(super) fn limit(self) -> Option<String> {
        let raw = |mode, window| Some(Row { body: self.body, ..row(Raw, mode, window, 0, Off) }.name());
        match self.mode {
            _ if self.driver == Raw => (self.connections > 1).then(|| Row { connections: 1, ..self }.name()),
            Lone => raw(Lone, 1),
            Threads => raw(Async, self.window),
            Async if self.batching == Off => raw(Async, self.window),
            Oneway => raw(Oneway, self.window),
            Async => raw(Batch, self.window),
            Batch | Many => raw(Batch, 1_024),
        }
    }

    /// Of a peer: the names of ours that it is held against; for asynchronous sends with batches and without.
    pub(super) fn ours(self) -> Vec<String> {
        let Some(driver) = self.driver.ours(self.mode) else { return Vec::new() };
        let batchings: &[Batching] = if self.mode == Async { &[Off, Pressure] } else { &[Off] };
        batchings.iter().map(|batching| Row { driver, batching: *batching, ..self }.name()).collect()
    }

    /// Whether a quick benchmark has it too: Rust is close to C, and more than 1,024 in flight to 1,024.
    pub(super) fn is_quick(self) -> bool {
        self.driver != Rust && self.window <= 1_024
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
        let mut rows = [PLAN, CEILING].concat();
        rows.extend([1, 1 << 20].into_iter().flat_map(rows_of_body));
        rows.extend(Peer::ALL.into_iter().flat_map(rows_of_peer));
        for (at, row) in rows.iter().enumerate() {
            assert!(rows[..at].iter().all(|other| other.name() != row.name()), "{}", row.name());
            match row.limit() {
                Some(limit) => assert!(rows[..at].iter().any(|row| row.name() == limit), "{}", row.name()),
                None => assert_eq!(row.driver, Raw, "{}", row.name()),
            }
            for ours in row.ours() {
                assert!(rows[..at].iter().any(|row| row.name() == ours), "{}: {ours}", row.name());
            }
        }
    }
}
