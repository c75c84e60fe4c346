//! Many messages at once.

use std::time::Duration;

use rocketmq_mock::{FaultId, MockCluster};
use rocketmq_producer::{CompletionQueue, Error, Message, Producer, Receipt, Tag};

use crate::common::{PATIENCE, in_order};

/// Sends bodies `0`, `1`, … and gives the outcomes by number.
pub(crate) fn send_all<'m>(
    producer: &Producer,
    count: usize,
    message: impl Fn(usize) -> Message<'m>,
    timeout: impl Fn(usize) -> Option<Duration>,
) -> Vec<Result<Receipt, Error>> {
    in_order(&enqueue_all(producer, count, message, timeout), count)
}

/// As many requests may be under way to a broker before messages wait for one another.
const ALONE: u64 = 4;

/// The same for topic `T` while an injected rule holds the first answers, so that it is all the same how long the calls take.
/// The route is known before, too: what waits for one goes out by and by, as the I/O thread gets to it.
pub(crate) fn send_all_held<'m>(
    cluster: &MockCluster,
    held: FaultId,
    producer: &Producer,
    count: usize,
    message: impl Fn(usize) -> Message<'m>,
) -> Vec<Result<Receipt, Error>> {
    producer.queues("T", PATIENCE).expect("a route");
    let before = cluster.request_count(310);
    let queue = enqueue_all(producer, count, message, |_| None);
    let singles = |cluster: &MockCluster| cluster.request_count(310) - before;
    assert!(cluster.wait_until(PATIENCE, |cluster| singles(cluster) >= ALONE), "the first are held");
    cluster.remove_fault(held);
    in_order(&queue, count)
}

fn enqueue_all<'m>(
    producer: &Producer,
    count: usize,
    message: impl Fn(usize) -> Message<'m>,
    timeout: impl Fn(usize) -> Option<Duration>,
) -> CompletionQueue {
    let queue = CompletionQueue::new();
    for index in 0..count {
        let body = index.to_string();
        let message = Message { body: body.as_bytes(), ..message(index) };
        producer.send_queued(&message, timeout(index), &queue, Tag(index, 0)).expect("accepted");
    }
    queue
}

pub(crate) fn plain(_: usize) -> Message<'static> {
    Message::new("T", b"")
}
