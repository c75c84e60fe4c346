//! The work that both sides do.

use std::process::Command;

use crate::Failure;
use crate::measure::Outcome;
use crate::null_broker::BrokerProcess;

/// A program that every revision has, with its settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    /// In the table.
    pub(super) name: &'static str,
    program: &'static str,
    window: usize,
    batching: &'static str,
}

pub(super) const ASYNC_1024: Subject =
    Subject { name: "async 1024", program: "rust-async", window: 1_024, batching: "off" };
pub(super) const ASYNC_1024_BATCHED: Subject =
    Subject { name: "async 1024 batched", batching: "pressure", ..ASYNC_1024 };
pub(super) const ASYNC_64: Subject = Subject { name: "async 64", window: 64, ..ASYNC_1024 };
pub(super) const BATCH: Subject = Subject { name: "batch 32", program: "rust-batch", ..ASYNC_1024 };
pub(super) const ONEWAY: Subject = Subject { name: "oneway", program: "rust-oneway", ..ASYNC_1024 };
pub(super) const THREADS: Subject =
    Subject { name: "threads 64", program: "rust-threads", window: 64, ..ASYNC_1024 };
pub(super) const LONE: Subject = Subject { name: "lone", program: "rust-lone", window: 1, ..ASYNC_1024 };

impl Subject {
    /// Adds the work to `command`, which ends with one side's executable, runs it, and checks that every message
    /// was sent, received and completed once. Only words that old revisions know.
    pub(super) fn run(
        &self,
        mut command: Command,
        count: u64,
        warm_up: u64,
        broker: &mut BrokerProcess,
    ) -> Result<Outcome, Failure> {
        let before = broker.received()?.sends;
        command
            .args([self.program, "--name-server", broker.name_server(), "--batch-auto", self.batching])
            .args(["--count", &count.to_string(), "--warm-up", &warm_up.to_string()])
            .args(["--window", &self.window.to_string(), "--body", "256"]);
        let outcome = Outcome::of(command, self.name)?;
        let received = broker.received()?.sends - before;
        match outcome.fault(count + warm_up, Some(received)) {
            Some(fault) => Err(format!("{}: void: {fault}", self.name).into()),
            None => Ok(outcome),
        }
    }
}
