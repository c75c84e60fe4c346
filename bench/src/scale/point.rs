//! One point of an axis: a null broker of its shape and a process that sends.

use std::fmt;
use std::process::{Command, Stdio};

use serde::Serialize;

use super::axis::Axis;
use crate::Failure;
use crate::harness::placement::Placement;
use crate::measure::Outcome;
use crate::null_broker::{BrokerProcess, Options};
use crate::workload::{Mode, TOPIC, USUAL_BODY, Workload};

/// What is sent, and into what cluster.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Point {
    pub(super) axis: Axis,
    /// Where on the axis.
    pub(super) value: usize,
    pub(super) topics: usize,
    /// Of a topic on each broker.
    pub(super) queues: u32,
    pub(super) brokers: usize,
    pub(super) window: usize,
    pub(super) threads: usize,
    pub(super) batching: String,
    pub(super) count: u64,
}

/// A run of it in which every message was sent, received and completed once.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measured {
    #[serde(flatten)]
    pub(super) point: Point,
    pub(super) messages_per_second: f64,
    pub(super) cpu_us_per_message: f64,
}

impl Point {
    /// One topic of eight queues on one broker, 1,024 messages in flight, one thread.
    pub(super) fn usual(axis: Axis, value: usize, batching: &str) -> Point {
        Point {
            axis,
            value,
            topics: 1,
            queues: 8,
            brokers: 1,
            window: 1_024,
            threads: 1,
            batching: batching.to_owned(),
            count: 0,
        }
    }

    pub(super) fn measure(&self, placement: &Placement) -> Result<Measured, Failure> {
        placement.before_broker()?;
        let shape = Options { brokers: self.brokers, queues: self.queues, ..Options::default() };
        let mut broker = BrokerProcess::start(&shape)?;
        placement.before_clients()?;
        let work = self.work(broker.name_server());
        let output = Command::new(std::env::current_exe()?)
            .arg("spread")
            .args(["--topics", &self.topics.to_string()])
            .args(work.to_words())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("{self}: {}", output.status).into());
        }
        let outcome: Outcome = serde_json::from_slice(&output.stdout)?;
        let received = broker.received()?.sends;
        if outcome.succeeded != work.count || outcome.doubled > 0 || received != work.count + work.warm_up {
            return Err(format!(
                "{self}: void: of {} messages {} succeeded, {} failed, {} completed twice; with {} before them the \
                 broker received {received}",
                work.count, outcome.succeeded, outcome.failed, outcome.doubled, work.warm_up,
            )
            .into());
        }
        Ok(Measured {
            point: self.clone(),
            messages_per_second: outcome.messages_per_second(),
            cpu_us_per_message: outcome.cpu_microseconds(),
        })
    }

    /// The warm-up sends to every topic, so that all routes are known and all connections made.
    fn work(&self, name_server: &str) -> Workload {
        Workload {
            name_server: name_server.to_owned(),
            topic: TOPIC.to_owned(),
            mode: Mode::Async,
            count: self.count,
            warm_up: (self.count / 10).max(2 * self.topics as u64),
            window: self.window,
            body: USUAL_BODY,
            batching: self.batching.clone(),
            batch: 1,
            threads: self.threads,
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}, batch.auto={}", self.value, self.axis, self.batching)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measured { point, messages_per_second, cpu_us_per_message } = self;
        write!(out, "{point}: {messages_per_second:.0}/s, {cpu_us_per_message:.3} us CPU")
    }
}
