//! A full window of sends, or of wire batches, whose reports arrive on a delivery thread.

use std::sync::Arc;
use std::time::Instant;

use rocketmq_producer::{CompletionQueue, DeliveryThread, Error, Event, Message, Producer};

use super::TIMEOUT;
use super::collector::{Collector, Finish, tag};
use crate::Failure;
use crate::measure::Tally;
use crate::workload::{Mode, Workload};

/// Sends `count` messages and waits for all of their reports.
pub(super) fn section(producer: &Producer, work: &Workload, count: u64) -> Result<Tally, Failure> {
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
    if work.mode == Mode::Batch {
        send_batches(producer, &vec![message; work.batch], delivery.queue(), count, epoch)?;
    } else {
        for number in 0..count {
            producer.send_queued(&message, None, delivery.queue(), tag(number, epoch))?;
        }
    }
    let tally = finish
        .wait(2 * TIMEOUT)
        .ok_or_else(|| format!("{} of {count} messages are still in flight", producer.in_flight()))?;
    delivery.stop(TIMEOUT);
    Ok(tally)
}

/// Sends `count` messages in batches as large as `messages`; the last one may be smaller.
fn send_batches(
    producer: &Producer,
    messages: &[Message<'_>],
    queue: &CompletionQueue,
    count: u64,
    epoch: Instant,
) -> Result<(), Error> {
    let mut sent = 0;
    while sent < count {
        let now = count.min(sent + messages.len() as u64) - sent;
        let tags: Vec<_> = (sent..sent + now).map(|number| tag(number, epoch)).collect();
        producer.send_batch_queued(&messages[..now as usize], None, queue, &tags)?;
        sent += now;
    }
    Ok(())
}
