//! Sends that nobody answers.

use rocketmq_producer::{Message, Producer};

use crate::Failure;
use crate::measure::Tally;
use crate::workload::Workload;

/// Sends `count` messages; the last one is answered, and shows with its receipt that those before it were written.
pub(super) fn section(producer: &Producer, work: &Workload, count: u64) -> Result<Tally, Failure> {
    let body = vec![b'x'; work.body];
    let message = Message::new(&work.topic, &body);
    let mut tally = Tally::default();
    for _ in 1..count {
        tally.count(producer.send_oneway(&message, None));
    }
    if count > 0 {
        tally.count(producer.send(&message, None));
    }
    Ok(tally)
}
