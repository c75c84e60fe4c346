//! A full window of sends whose reports arrive on a delivery thread.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use rocketmq_producer::{DeliveryThread, Event, Message, Producer, Report, Tag};

use super::{TIMEOUT, producer};
use crate::Failure;
use crate::measure::{Latencies, Latency, Outcome, Stopwatch};
use crate::workload::Workload;

/// One message in so many is timed: two clock readings for each would be a large part of its cost.
const SAMPLE_EVERY: u64 = 64;
/// Second word of the tag of a message that is not timed.
const NOT_TIMED: usize = usize::MAX;

/// Keeps `work.window` messages in flight until `work.count` have completed.
pub(crate) fn run(work: &Workload) -> Result<Outcome, Failure> {
    let producer = producer(work)?;
    section(&producer, work, work.warm_up)?;
    let watch = Stopwatch::start()?;
    let tally = section(&producer, work, work.count)?;
    let (elapsed, cpu) = watch.stop()?;
    if let Some(text) = &tally.first_error {
        eprintln!("{} sends failed, the first with: {text}", tally.failed);
    }
    producer.close(TIMEOUT)?;
    Ok(Outcome {
        count: work.count,
        warm_up: work.warm_up,
        succeeded: tally.succeeded,
        failed: tally.failed,
        doubled: tally.doubled,
        seconds: elapsed.as_secs_f64(),
        user_seconds: cpu.user.as_secs_f64(),
        system_seconds: cpu.system.as_secs_f64(),
        latency: tally.latency,
    })
}

/// What the reports of a section added up to.
#[derive(Clone, Default)]
struct Tally {
    succeeded: u64,
    failed: u64,
    doubled: u64,
    first_error: Option<String>,
    latency: Option<Latency>,
}

/// Where the delivery thread leaves the tally when the last report has come.
#[derive(Default)]
struct Finish {
    tally: Mutex<Option<Tally>>,
    arrived: Condvar,
}

/// Sends `count` messages and waits for all of their reports.
fn section(producer: &Producer, work: &Workload, count: u64) -> Result<Tally, Failure> {
    if count == 0 {
        return Ok(Tally::default());
    }
    let finish = Arc::new(Finish::default());
    let epoch = Instant::now();
    let mut collector = Collector::new(count, epoch, Arc::clone(&finish))?;
    let delivery = DeliveryThread::start("rmq-bench", move |event| {
        if let Event::Outcome(report) = event {
            collector.take(&report);
        }
    })?;

    let body = vec![b'x'; work.body];
    let message = Message::new(&work.topic, &body);
    for number in 0..count {
        let time = match number % SAMPLE_EVERY {
            0 => epoch.elapsed().as_nanos() as usize,
            _ => NOT_TIMED,
        };
        producer.send_queued(&message, None, delivery.queue(), Tag(number as usize, time))?;
    }
    let tally = finish.tally.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut tally, waited) = finish
        .arrived
        .wait_timeout_while(tally, 2 * TIMEOUT, |tally| tally.is_none())
        .unwrap_or_else(PoisonError::into_inner);
    if waited.timed_out() {
        return Err(format!("{} of {count} messages are still in flight", producer.in_flight()).into());
    }
    let tally = tally.take().unwrap_or_default();
    delivery.stop(TIMEOUT);
    Ok(tally)
}

/// Lives on the delivery thread; counts without a lock until the end.
struct Collector {
    remaining: u64,
    /// One bit per message that has completed.
    completed: Vec<u64>,
    epoch: Instant,
    latencies: Latencies,
    tally: Tally,
    finish: Arc<Finish>,
}

impl Collector {
    fn new(count: u64, epoch: Instant, finish: Arc<Finish>) -> Result<Collector, Failure> {
        Ok(Collector {
            remaining: count,
            completed: vec![0; count.div_ceil(64) as usize],
            epoch,
            latencies: Latencies::new()?,
            tally: Tally::default(),
            finish,
        })
    }

    fn take(&mut self, report: &Report) {
        let Tag(number, sent) = report.tag;
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.completed[word] & bit != 0 {
            self.tally.doubled += 1;
            return;
        }
        self.completed[word] |= bit;
        match &report.result {
            Ok(_) => self.tally.succeeded += 1,
            Err(error) => {
                self.tally.failed += 1;
                self.tally.first_error.get_or_insert_with(|| error.to_string());
            }
        }
        if sent != NOT_TIMED {
            let now = self.epoch.elapsed();
            self.latencies.record(now.saturating_sub(std::time::Duration::from_nanos(sent as u64)));
        }
        self.remaining -= 1;
        if self.remaining == 0 {
            self.tally.latency = self.latencies.summary();
            let mut tally = self.finish.tally.lock().unwrap_or_else(PoisonError::into_inner);
            *tally = Some(self.tally.clone());
            self.finish.arrived.notify_one();
        }
    }
}
