//! Messages that are gathered to go together, room that is given back in lots, and ids of many messages of one moment.

#![expect(clippy::disallowed_types, reason = "no test forks here")]
#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};

use common::{
    PATIENCE, PRESSURE, becomes_true, cluster, enqueue, in_order, on_sends, poll, producer, with_topic,
};
use rocketmq_mock::{Fault, MockCluster};
use rocketmq_producer::{
    Burst, CompletionQueue, DeliveryThread, Destination, ErrorCode, Event, Message, Producer, Tag,
};

const SINGLES: (&str, &str) = ("batch.auto", "off");
const PATIENT: (&str, &str) = ("send.timeout.ms", "60000");

const SEND: i32 = 310;
const SEND_BATCH: i32 = 320;

/// A producer with a message on its way that is not answered, so that the next ones are no lone ones.
fn busy_producer(cluster: &MockCluster, settings: &[(&str, &str)]) -> Producer {
    let producer = producer(cluster, &[settings, &[PATIENT]].concat());
    producer.send(&Message::new("T", b"x"), None).expect("a connection");
    cluster.inject(on_sends(None, Some(1), Fault::StoreThenNoAnswer));
    enqueue(&producer, &Message::new("T", b"x"), &CompletionQueue::new(), 0);
    assert!(becomes_true(|| cluster.request_count(SEND) == 2));
    producer
}

fn send_in(burst: &mut Burst, producer: &Producer, count: usize) -> CompletionQueue {
    let queue = CompletionQueue::new();
    for index in 0..count {
        let message = Message::new("T", b"x");
        producer.send_in_burst(&message, None, &queue, Tag(index, 0), burst).expect("accepted");
    }
    queue
}

fn are_stored(queue: &CompletionQueue, count: usize) -> bool {
    in_order(queue, count).iter().all(Result::is_ok)
}

#[test]
fn a_burst_goes_when_it_is_told_to_or_dropped_and_also_by_itself() {
    for setting in [SINGLES, PRESSURE] {
        let cluster = with_topic(2, 4);
        let producer = busy_producer(&cluster, &[setting]);
        let mut burst = Burst::default();
        let told = send_in(&mut burst, &producer, 5);
        burst.send_now();
        assert!(are_stored(&told, 5), "{setting:?}");
        let untold = send_in(&mut burst, &producer, 5);
        assert!(are_stored(&untold, 5), "{setting:?}");
        let dropped = send_in(&mut burst, &producer, 5);
        drop(burst);
        assert!(are_stored(&dropped, 5), "{setting:?}");
    }
}

#[test]
fn nobody_is_held_up_by_a_burst_that_does_not_end() {
    for setting in [SINGLES, PRESSURE] {
        let cluster = with_topic(1, 4);
        let producer = busy_producer(&cluster, &[setting]);
        let (mut open, mut other) = (Burst::default(), Burst::default());
        let first = send_in(&mut open, &producer, 3);
        let second = send_in(&mut other, &producer, 3);
        other.send_now();
        producer.send_oneway(&Message::new("T", b"x"), None).expect("accepted");
        let plain = CompletionQueue::new();
        enqueue(&producer, &Message::new("T", b"x"), &plain, 0);
        assert!(are_stored(&second, 3) && are_stored(&plain, 1) && are_stored(&first, 3), "{setting:?}");
        assert!(becomes_true(|| cluster.stored("T").len() == 10), "{setting:?}");
    }
}

#[test]
fn a_producer_ends_while_a_burst_is_open() {
    for setting in [SINGLES, PRESSURE] {
        let cluster = with_topic(1, 4);
        let producer = producer(&cluster, &[setting, PATIENT]);
        producer.send(&Message::new("T", b"x"), None).expect("a connection");
        let mut burst = Burst::default();
        let queue = send_in(&mut burst, &producer, 20);
        producer.flush(PATIENCE).expect("nothing is left");
        assert!(are_stored(&queue, 20));
        let queue = send_in(&mut burst, &producer, 20);
        producer.close(PATIENCE).expect("nothing is left");
        assert!(are_stored(&queue, 20));
        drop(producer);
        burst.send_now();
    }
}

#[test]
fn a_burst_fills_batches() {
    let cluster = with_topic(1, 4);
    let producer = busy_producer(&cluster, &[PRESSURE, ("batch.max.messages", "10")]);
    // Where the machine is busy with something else a burst may take longer than it may.
    let filled = (0..100).any(|_| {
        let (singles, batches) = (cluster.request_count(SEND), cluster.request_count(SEND_BATCH));
        assert!(are_stored(&send_in(&mut Burst::default(), &producer, 30), 30));
        (cluster.request_count(SEND) - singles, cluster.request_count(SEND_BATCH) - batches) == (0, 3)
    });
    assert!(filled);
}

#[test]
fn ids_of_one_call_are_unique() {
    // More than the counter in an id has numbers.
    const MESSAGES: usize = 80_000;
    let cluster = cluster(1);
    let producer = producer(&cluster, &[("send.timeout.ms", "60000")]);
    let queue = CompletionQueue::new();
    let messages = vec![Message::new("T", b"x"); MESSAGES];
    let mut results = vec![Ok(()); MESSAGES];
    let tags = vec![Tag(0, 0); MESSAGES];
    let accepted = producer.send_many(&messages, None, &queue, &tags, &mut results);
    assert_eq!(accepted.expect("as many of each"), MESSAGES);
    let mut reports = Vec::new();
    while reports.len() < MESSAGES {
        assert!(poll(&queue, &mut reports, MESSAGES, PATIENCE) > 0, "{} outcomes", reports.len());
    }
    let receipts = reports.iter().map(|report| report.result.as_ref().expect("stored"));
    assert_eq!(receipts.map(|receipt| receipt.message_id()).collect::<HashSet<_>>().len(), MESSAGES);
}

#[test]
fn oneway_messages_to_one_queue_do_not_wait_for_each_others_gathering() {
    // So many within the time of one of them, if each waited for the timer.
    const MESSAGES: usize = 5_000;
    let cluster = cluster(1);
    let producer = producer(&cluster, &[("send.timeout.ms", "3000")]);
    let message = Message { destination: Destination::ShardingKey("k"), ..Message::new("T", b"x") };
    for _ in 0..MESSAGES {
        producer.send_oneway(&message, None).expect("accepted");
    }
    producer.flush(PATIENCE).expect("written");
    let stats = producer.stats().expect("not forked");
    assert_eq!((stats.oneway_written, stats.failed.total()), (MESSAGES as u64, 0));
}

#[test]
fn a_handler_finds_the_room_of_the_outcomes_before_its_own() {
    const MESSAGES: usize = 12;
    let cluster = cluster(1);
    let producer = Arc::new(producer(&cluster, &[("in.flight.max.messages", "12")]));
    producer.send(&Message::new("T", b"x"), None).expect("a connection");
    let (all_sent, wait_for_all) = channel::<()>();
    let (told, results) = channel();
    let queue = Arc::new(OnceLock::<CompletionQueue>::new());
    let handled = AtomicUsize::new(0);
    let delivery = DeliveryThread::start("rmq-test", {
        let (producer, queue) = (Arc::clone(&producer), Arc::clone(&queue));
        move |event| {
            let Event::Outcome(_) = event else { return };
            if handled.fetch_add(1, SeqCst) == 0 {
                // Until every place is taken.
                let _ = wait_for_all.recv();
            }
            let Some(queue) = queue.get() else { return };
            let sent = producer.send_queued(&Message::new("T", b"x"), None, queue, Tag(0, 0));
            // Nobody listens for those that were sent from here.
            let _ = told.send(sent.map_err(|error| error.code()));
        }
    })
    .expect("a thread");
    for _ in 0..MESSAGES {
        producer.send_queued(&Message::new("T", b"x"), None, delivery.queue(), Tag(0, 0)).expect("accepted");
    }
    assert!(queue.set(CompletionQueue::new()).is_ok());
    drop(all_sent);
    assert_eq!(results.recv_timeout(PATIENCE), Ok(Err(ErrorCode::QueueFull)), "its own message counts");
    for _ in 1..MESSAGES {
        assert_eq!(results.recv_timeout(PATIENCE), Ok(Ok(())));
    }
    assert!(delivery.stop(PATIENCE));
}
