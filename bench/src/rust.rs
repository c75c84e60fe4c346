//! Our producer through its Rust interface.

mod asynchronous;
mod blocking;
pub(crate) mod collector;
mod oneway;

use std::time::Duration;

use rocketmq_producer::{Config, Producer};

use crate::Failure;
use crate::measure::{Outcome, Stopwatch, Tally};
use crate::workload::{GROUP, Mode, Workload};

/// Longer than any pause of a busy machine: a time-out would void the run.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One mode of this driver.
pub(crate) fn run(work: &Workload) -> Result<Outcome, Failure> {
    let section: fn(&Producer, &Workload, u64) -> Result<Tally, Failure> = match work.mode {
        Mode::Lone | Mode::Threads => blocking::section,
        Mode::Async | Mode::Batch => asynchronous::section,
        Mode::Oneway => oneway::section,
        Mode::Many => return Err("the Rust driver has no mode many".into()),
    };
    measured(work, |producer, count| section(producer, work, count))
}

/// Sends so many messages without waiting for each, and waits for their outcomes.
pub(crate) fn asynchronous(producer: &Producer, work: &Workload, count: u64) -> Result<Tally, Failure> {
    asynchronous::section(producer, work, count)
}

/// Warms up, measures, closes. `section` sends so many messages and waits for their outcomes.
pub(crate) fn measured(
    work: &Workload,
    section: impl Fn(&Producer, u64) -> Result<Tally, Failure>,
) -> Result<Outcome, Failure> {
    let producer = producer(work)?;
    section(&producer, work.warm_up)?;
    let watch = Stopwatch::start()?;
    let tally = section(&producer, work.count)?;
    let outcome = Outcome::new(work, &watch, tally)?;
    producer.close(TIMEOUT)?;
    Ok(outcome)
}

/// A producer that has reached its name server and waits when the window is full.
fn producer(work: &Workload) -> Result<Producer, Failure> {
    let mut config = Config::new();
    config.set("producer.group", GROUP)?;
    config.set("name.server", &work.name_server)?;
    config.set("send.timeout.ms", &TIMEOUT.as_millis().to_string())?;
    config.set("in.flight.max.messages", &work.window.to_string())?;
    config.set("in.flight.full", "wait")?;
    config.set("batch.auto", &work.batching)?;
    // Equal bytes would travel as next to nothing.
    config.set("compress.threshold.bytes", "0")?;
    let producer = Producer::new(&config)?;
    producer.wait_ready(TIMEOUT)?;
    Ok(producer)
}
