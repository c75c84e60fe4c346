//! A section whose reports arrive on a delivery thread.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rocketmq_producer::{CompletionQueue, DeliveryThread, Event, Producer, Report, Tag};

use super::TIMEOUT;
use crate::Failure;
use crate::measure::{Latencies, Tally};

/// One message in so many is timed: two clock readings for each would be a large part of its cost.
const SAMPLE_EVERY: u64 = 64;
/// Second word of the tag of a message that is not timed.
const NOT_TIMED: usize = usize::MAX;

/// The tag of the message with this number, sent now.
pub(crate) fn tag(number: u64, epoch: Instant) -> Tag {
    let time = match number % SAMPLE_EVERY {
        0 => epoch.elapsed().as_nanos() as usize,
        _ => NOT_TIMED,
    };
    Tag(number as usize, time)
}

/// Lets `send` send `count` messages with tags of this epoch, and waits for all of their reports.
pub(crate) fn collect(
    producer: &Producer,
    count: u64,
    send: impl FnOnce(&CompletionQueue, Instant) -> Result<(), Failure>,
) -> Result<Tally, Failure> {
    if count == 0 {
        return Ok(Tally::default());
    }
    let finish = Arc::new(Finish::default());
    let epoch = Instant::now();
    let mut collector = Collector::new(count, epoch, Arc::clone(&finish))?;
    let delivery = DeliveryThread::start("rmq-bench", move |event| {
        if let Event::Outcome(report) = event {
            collector.take(report);
        }
    })?;
    send(delivery.queue(), epoch)?;
    let tally = finish
        .wait(2 * TIMEOUT)
        .ok_or_else(|| format!("{} of {count} messages are still in flight", producer.in_flight()))?;
    delivery.stop(TIMEOUT);
    Ok(tally)
}

/// Where the tally is left when the last report has come.
#[derive(Default)]
struct Finish {
    tally: Mutex<Option<Tally>>,
    arrived: Condvar,
}

impl Finish {
    /// `None` if it has not come by then.
    fn wait(&self, timeout: Duration) -> Option<Tally> {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut tally, _) = self
            .arrived
            .wait_timeout_while(tally, timeout, |tally| tally.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        tally.take()
    }

    fn set(&self, tally: Tally) {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner) = Some(tally);
        self.arrived.notify_one();
    }
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
        self.tally.count(report.result.as_ref());
        if sent != NOT_TIMED {
            let now = self.epoch.elapsed();
            self.latencies.record(now.saturating_sub(Duration::from_nanos(sent as u64)));
        }
        self.remaining -= 1;
        if self.remaining == 0 {
            let latency = self.latencies.summary();
            self.finish.set(Tally { latency, ..self.tally.clone() });
        }
    }
}
