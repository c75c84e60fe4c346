//! Messages that are gathered to go together, room that is given back in lots, and ids of many messages of one moment.

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use common::{PATIENCE, PRESSURE, becomes_true, cluster, in_order, on_sends, producer, with_topic};
use rocketmq_mock::{Fault, MockCluster};
use rocketmq_producer::{Burst, CompletionQueue, DeliveryThread, Destination, Event, Message, Producer, Tag};

const SINGLES: (&str, &str) = ("batch.auto", "off");

const SEND: i32 = 310;
const SEND_BATCH: i32 = 320;

/// A producer with a message on its way that is not answered, so that the next ones do not go alone.
fn busy_producer(cluster: &MockCluster, settings: &[(&str, &str)]) -> Producer {
    let producer = producer(cluster, settings);
    producer.send(&Message::new("T", b"x"), None).expect("a connection");
    cluster.inject(on_sends(None, Some(1), Fault::StoreThenNoAnswer));
    send_in(&mut Burst::default(), &producer, 1);
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

/// Has the I/O thread do something else meanwhile.
fn look_up(producer: &Producer, topic: &str) {
    producer.queues(topic, PATIENCE).expect("a route");
}

#[test]
fn a_burst_goes_when_it_is_told_to_dropped_or_flushed() {
    let cluster = with_topic(1, 4);
    let producer = busy_producer(&cluster, &[SINGLES]);
    let mut burst = Burst::default();
    for (round, end) in ["told", "flushed", "dropped"].into_iter().enumerate() {
        let before = cluster.request_count(SEND);
        let queue = send_in(&mut burst, &producer, 3);
        cluster.create_topic(end, 1, 1, 6, None);
        look_up(&producer, end);
        assert_eq!(cluster.request_count(SEND), before, "round {round} waits to be {end}");
        match end {
            "told" => burst.go(),
            "flushed" => drop(producer.flush(Duration::ZERO)),
            _ => drop(std::mem::take(&mut burst)),
        }
        assert!(in_order(&queue, 3).iter().all(Result::is_ok), "{end}");
    }
}

#[test]
fn what_is_much_does_not_wait_for_the_end_of_its_burst() {
    let cluster = with_topic(1, 4);
    let producer = busy_producer(&cluster, &[SINGLES]);
    let mut burst = Burst::default();
    // More than 64 KiB of requests.
    send_in(&mut burst, &producer, 500);
    assert!(becomes_true(|| cluster.request_count(SEND) > 200), "{}", cluster.request_count(SEND));
    burst.go();
    assert!(becomes_true(|| cluster.request_count(SEND) == 502));
}

#[test]
fn other_sends_take_a_burst_along() {
    let cluster = with_topic(1, 4);
    let producer = busy_producer(&cluster, &[SINGLES]);
    let mut burst = Burst::default();
    let queue = send_in(&mut burst, &producer, 3);
    producer.send(&Message::new("T", b"x"), None).expect("stored");
    assert!(in_order(&queue, 3).iter().all(Result::is_ok));
}

#[test]
fn a_burst_fills_batches() {
    let cluster = with_topic(1, 4);
    let producer = busy_producer(&cluster, &[PRESSURE, ("batch.max.messages", "10")]);
    let mut burst = Burst::default();
    send_in(&mut burst, &producer, 25);
    look_up(&producer, "T");
    assert_eq!((cluster.request_count(SEND), cluster.request_count(SEND_BATCH)), (2, 0));
    burst.go();
    assert!(becomes_true(|| cluster.stored("T").len() == 27));
    assert_eq!((cluster.request_count(SEND), cluster.request_count(SEND_BATCH)), (2, 3), "10, 10 and 5");

    let queue = send_in(&mut burst, &producer, 3);
    producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(3, 0)).expect("accepted");
    assert!(in_order(&queue, 4).iter().all(Result::is_ok), "another message takes them along");
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
        assert!(queue.poll(&mut reports, MESSAGES, PATIENCE) > 0, "{} outcomes", reports.len());
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
fn a_handler_that_dropped_its_report_finds_the_room() {
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
            let Event::Outcome(report) = event else { return };
            drop(report);
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
    for _ in 0..MESSAGES {
        assert_eq!(results.recv_timeout(PATIENCE), Ok(Ok(())));
    }
    assert!(delivery.stop(PATIENCE));
}
