//! A producer that has nothing to do: what it keeps, and how often it wakes up.

use std::time::Duration;

use rocketmq_producer::{DeliveryThread, Message};

use super::finding::Finding;
use super::process::{Thread, resident_bytes, threads};
use super::producer::{self, TIMEOUT};
use crate::Failure;
use crate::arguments::positive;
use crate::null_broker::{BrokerProcess, Options};

const TOPICS: usize = 1_000;
/// From the last call to the first reading.
const SETTLING: Duration = Duration::from_secs(3);
/// Two periods of the slowest common jobs, heartbeat and routes: less would show part of one or none.
const OBSERVED: u64 = 60;
const MEBIBYTE: f64 = 1_048_576.0;

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    #[arg(long, value_name = "N", default_value_t = OBSERVED, value_parser = positive::<u64>)]
    seconds: u64,
}

/// A producer that knows 1,000 topics, has a connection to its broker and a thread for callbacks. The threads that
/// count are those that there were not before it.
pub(super) fn run(wanted: &Wanted) -> Result<Vec<Finding>, Failure> {
    let seconds = wanted.seconds;
    let broker = BrokerProcess::start(&Options::default())?;
    let names: Vec<String> = (0..TOPICS).map(|number| format!("idle-{number}")).collect();
    let topics = names.join(";");

    let (memory, before) = (resident_bytes()?, threads()?);
    let producer = producer::start(broker.name_server(), &[("topics", &topics)])?;
    let delivery = DeliveryThread::start("rmq-bench", |_| ())?;
    for name in &names {
        producer.queues(name, TIMEOUT)?;
    }
    producer.send(&Message::new(&names[0], b"x"), Some(TIMEOUT))?;
    std::thread::sleep(SETTLING);
    let settled = added(&threads()?, &before);
    std::thread::sleep(Duration::from_secs(seconds));
    let (after, memory) = (added(&threads()?, &before), resident_bytes()?.saturating_sub(memory));

    let waits = |threads: &[Thread]| threads.iter().map(|thread| thread.waits).sum::<u64>();
    let wakes = waits(&after).saturating_sub(waits(&settled)) as f64 / seconds as f64;
    let names: Vec<&str> = after.iter().map(|thread| thread.name.as_str()).collect();
    let findings = vec![
        Finding::new(
            format!("idle producer, {TOPICS} topics: threads of the library ({})", names.join(", ")),
            after.len() as f64,
            "",
            Some(3.0),
        ),
        Finding::new(
            format!("idle producer, {TOPICS} topics: memory over the process before it"),
            memory as f64 / MEBIBYTE,
            "MiB",
            Some(12.0),
        ),
        Finding::new(
            format!("idle producer, {TOPICS} topics: wake-ups of these threads, mean of {seconds} s"),
            wakes,
            "/s",
            Some(1.0),
        ),
    ];
    producer.close(TIMEOUT)?;
    delivery.stop(TIMEOUT);
    Ok(findings)
}

fn added(now: &[Thread], before: &[Thread]) -> Vec<Thread> {
    let is_new = |thread: &&Thread| before.iter().all(|old| old.id != thread.id);
    now.iter().filter(is_new).cloned().collect()
}
