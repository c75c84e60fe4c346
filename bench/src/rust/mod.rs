//! Our producer through its Rust interface.

mod asynchronous;
mod lone;

use std::time::Duration;

use rocketmq_producer::{Config, Producer};

use crate::Failure;
use crate::workload::{GROUP, Workload};

pub(crate) use asynchronous::run as asynchronous;
pub(crate) use lone::run as lone;

/// Longer than any pause of a busy machine: a time-out would void the run.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A producer that has reached its name server and waits when the window is full.
fn producer(work: &Workload) -> Result<Producer, Failure> {
    let mut config = Config::new();
    config.set("producer.group", GROUP)?;
    config.set("name.server", &work.name_server)?;
    config.set("send.timeout.ms", &TIMEOUT.as_millis().to_string())?;
    config.set("in.flight.max.messages", &work.window.to_string())?;
    config.set("in.flight.full", "wait")?;
    config.set("batch.auto", &work.batching)?;
    let producer = Producer::new(&config)?;
    producer.wait_ready(TIMEOUT)?;
    Ok(producer)
}
