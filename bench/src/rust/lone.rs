//! One blocking send at a time.

use std::time::Instant;

use rocketmq_producer::Message;

use super::{TIMEOUT, producer};
use crate::Failure;
use crate::measure::{Latencies, Outcome, Stopwatch};
use crate::workload::Workload;

/// Sends `work.count` messages, each after the receipt for the one before.
pub(crate) fn run(work: &Workload) -> Result<Outcome, Failure> {
    let producer = producer(work)?;
    let body = vec![b'x'; work.body];
    let message = Message::new(&work.topic, &body);
    for _ in 0..work.warm_up {
        producer.send(&message, None)?;
    }
    let mut latencies = Latencies::new()?;
    let mut first_error = None;
    let (mut succeeded, mut failed) = (0, 0);
    let watch = Stopwatch::start()?;
    for _ in 0..work.count {
        let start = Instant::now();
        let result = producer.send(&message, None);
        latencies.record(start.elapsed());
        match result {
            Ok(_) => succeeded += 1,
            Err(error) => {
                failed += 1;
                first_error.get_or_insert(error);
            }
        }
    }
    let (elapsed, cpu) = watch.stop()?;
    if let Some(error) = first_error {
        eprintln!("{failed} sends failed, the first with: {error}");
    }
    producer.close(TIMEOUT)?;
    Ok(Outcome {
        count: work.count,
        warm_up: work.warm_up,
        succeeded,
        failed,
        doubled: 0,
        seconds: elapsed.as_secs_f64(),
        user_seconds: cpu.user.as_secs_f64(),
        system_seconds: cpu.system.as_secs_f64(),
        latency: latencies.summary(),
    })
}
