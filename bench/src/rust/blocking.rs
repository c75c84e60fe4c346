//! Threads with one blocking send at a time each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rocketmq_producer::{Message, Producer};

use crate::Failure;
use crate::measure::{Latencies, Tally};
use crate::workload::Workload;

/// What one thread did.
struct Share {
    tally: Tally,
    latencies: Latencies,
}

/// Sends `count` messages over `work.threads` threads; each takes the next one when it has its receipt.
pub(super) fn section(producer: &Producer, work: &Workload, count: u64) -> Result<Tally, Failure> {
    let taken = AtomicU64::new(0);
    let mut shares = Vec::new();
    if work.threads == 1 {
        shares.push(send(producer, work, count, &taken)?);
    } else {
        std::thread::scope(|scope| -> Result<(), Failure> {
            let threads: Vec<_> =
                (0..work.threads).map(|_| scope.spawn(|| send(producer, work, count, &taken))).collect();
            for thread in threads {
                shares.push(thread.join().map_err(|_| "a sending thread panicked")??);
            }
            Ok(())
        })?;
    }
    let mut latencies = Latencies::new()?;
    let mut tally = Tally::default();
    let least = shares.iter().map(|share| share.tally.succeeded).min().unwrap_or(0);
    for share in &shares {
        latencies.add(&share.latencies)?;
        tally.succeeded += share.tally.succeeded;
        tally.failed += share.tally.failed;
        tally.first_error = tally.first_error.or_else(|| share.tally.first_error.clone());
    }
    tally.latency = latencies.summary();
    if shares.len() > 1 {
        tally.slowest_thread = Some(least as f64 * shares.len() as f64 / tally.succeeded as f64);
    }
    Ok(tally)
}

fn send(producer: &Producer, work: &Workload, count: u64, taken: &AtomicU64) -> Result<Share, Failure> {
    let body = vec![b'x'; work.body];
    let message = Message::new(&work.topic, &body);
    let mut share = Share { tally: Tally::default(), latencies: Latencies::new()? };
    while taken.fetch_add(1, Ordering::Relaxed) < count {
        let start = Instant::now();
        let result = producer.send(&message, None);
        share.latencies.record(start.elapsed());
        share.tally.count(result);
    }
    Ok(share)
}
