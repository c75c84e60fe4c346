//! Many messages at once.

use std::time::Duration;

use rocketmq_producer::{CompletionQueue, Error, Message, Producer, Receipt, Tag};

use crate::common::in_order;

/// Sends bodies `0`, `1`, … and gives the outcomes by number.
pub(crate) fn send_all<'m>(
    producer: &Producer,
    count: usize,
    message: impl Fn(usize) -> Message<'m>,
    timeout: impl Fn(usize) -> Option<Duration>,
) -> Vec<Result<Receipt, Error>> {
    let queue = CompletionQueue::new();
    for index in 0..count {
        let body = index.to_string();
        let message = Message { body: body.as_bytes(), ..message(index) };
        producer.send_queued(&message, timeout(index), &queue, Tag(index, 0)).expect("accepted");
    }
    in_order(&queue, count)
}

pub(crate) fn plain(_: usize) -> Message<'static> {
    Message::new("T", b"")
}
