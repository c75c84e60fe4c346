//! One-way messages that are gathered, room that is given back in lots, and ids of many messages of one moment.

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};

use common::{PATIENCE, cluster, producer};
use rocketmq_producer::{CompletionQueue, DeliveryThread, Destination, Event, Message, Tag};

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
