//! A full window of sends, or of wire batches, whose reports arrive on a delivery thread.

use std::time::Instant;

use rocketmq_producer::{CompletionQueue, Error, Message, Producer};

use super::collector::{collect, tag};
use crate::Failure;
use crate::measure::Tally;
use crate::workload::{Mode, Workload};

/// Sends `count` messages and waits for all of their reports.
pub(super) fn section(producer: &Producer, work: &Workload, count: u64) -> Result<Tally, Failure> {
    let body = vec![b'x'; work.body];
    let message = Message::new(&work.topic, &body);
    collect(producer, count, |queue, epoch| {
        if work.mode == Mode::Batch {
            send_batches(producer, &vec![message; work.batch], queue, count, epoch)?;
        } else {
            for number in 0..count {
                producer.send_queued(&message, None, queue, tag(number, epoch))?;
            }
        }
        Ok(())
    })
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
