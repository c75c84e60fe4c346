//! The work that both sides do.

use std::process::{Command, Stdio};

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
        let output = command
            .args([self.program, "--name-server", broker.name_server(), "--batch-auto", self.batching])
            .args(["--count", &count.to_string(), "--warm-up", &warm_up.to_string()])
            .args(["--window", &self.window.to_string(), "--body", "256"])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}: {}\n{}", self.name, output.status, errors.trim_end()).into());
        }
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().last().unwrap_or_default();
        let outcome: Outcome =
            serde_json::from_str(line).map_err(|error| format!("{}: {line:?}: {error}", self.name))?;
        let received = broker.received()?.sends - before;
        match fault(&outcome, count, warm_up, received) {
            Some(fault) => Err(format!("{}: {fault}", self.name).into()),
            None => Ok(outcome),
        }
    }
}

/// Why the run is void.
fn fault(outcome: &Outcome, count: u64, warm_up: u64, received: u64) -> Option<String> {
    let once = outcome.count == count
        && outcome.succeeded == count
        && outcome.failed == 0
        && outcome.doubled == 0
        && received == count + warm_up;
    (!once).then(|| {
        format!(
            "void: of {count} messages {} succeeded, {} failed, {} completed twice; with {warm_up} before them the \
             broker received {received}",
            outcome.succeeded, outcome.failed, outcome.doubled,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_too_few_or_too_many_voids_a_run() {
        let fault = |succeeded, doubled, received| {
            let outcome = serde_json::json!({
                "count": 100, "warm_up": 10, "succeeded": succeeded, "failed": 0, "doubled": doubled,
                "seconds": 1.0, "user_seconds": 0.0, "system_seconds": 0.0, "latency": null,
            });
            let outcome = serde_json::from_value(outcome).unwrap();
            fault(&outcome, 100, 10, received)
        };
        assert_eq!(fault(100, 0, 110), None);
        for (succeeded, doubled, received) in [(99, 0, 110), (100, 1, 110), (100, 0, 109), (100, 0, 111)] {
            assert!(fault(succeeded, doubled, received).unwrap().starts_with("void"));
        }
    }
}
