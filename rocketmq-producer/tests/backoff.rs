//! Pauses between attempts: brokers that are busy or away do not get all retries at once.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::time::Instant;

use common::{PATIENCE, PRESSURE, in_order, ms, on_batches, on_sends, producer, send, with_topic};
use rocketmq_mock::{Fault, MockCluster};
use rocketmq_producer::{CompletionQueue, Destination, Error, ErrorCode, Message, Receipt, Tag};

/// A pause that no test waits for.
const LONG: (&str, &str) = ("retry.backoff.ms", "600000");
const LONG_TOO: (&str, &str) = ("retry.backoff.max.ms", "600000");

fn busy(code: i32) -> Fault {
    Fault::Code { code, remark: Some("busy".into()) }
}

/// What this many messages come to that are sent without waiting, with these settings, at brokers with this fault.
fn outcomes(
    cluster: &MockCluster,
    fault: Fault,
    broker: Option<&str>,
    settings: &[(&str, &str)],
) -> Vec<Result<Receipt, Error>> {
    let producer = producer(cluster, settings);
    for _ in 0..4 {
        send(&producer, "T").expect("the brokers are known from then on");
    }
    for on in [on_sends, on_batches] {
        cluster.inject(on(broker, None, fault.clone()));
    }
    let queue = CompletionQueue::new();
    for index in 0..200 {
        producer
            .send_queued(&Message::new("T", b"x"), Some(PATIENCE), &queue, Tag(index, 0))
            .expect("accepted");
    }
    in_order(&queue, 200)
}

#[test]
fn a_busy_broker_gets_its_retries_later_and_spread() {
    let codes = [busy(2), busy(14), busy(215), Fault::Reset];
    for fault in codes {
        for batching in ["off", "pressure"] {
            let cluster = with_topic(1, 4);
            let settings =
                [("batch.auto", batching), ("retry.times.async", "2"), ("retry.response.codes", "2,14,215")];
            for outcome in outcomes(&cluster, fault.clone(), None, &settings) {
                let error = outcome.expect_err("busy");
                assert_eq!(error.attempts(), 3, "{error}");
                let pauses = error.elapsed();
                // 100 and 200 ms, a fifth less.
                assert!(pauses >= ms(240), "{pauses:?} {fault:?} {batching}");
            }
        }
    }
}

#[test]
fn another_broker_that_is_free_is_asked_at_once() {
    for batching in ["off", "pressure"] {
        let cluster = with_topic(2, 4);
        let settings = [("batch.auto", batching), LONG, LONG_TOO];
        let started = Instant::now();
        for outcome in outcomes(&cluster, busy(2), Some("broker-0"), &settings) {
            assert_eq!(outcome.expect("stored").broker_name(), "broker-1");
        }
        // The pause would have been half of this.
        assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    }
}

#[test]
fn a_pause_leaves_time_for_the_attempt_also_where_the_caller_waits() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[LONG, LONG_TOO, ("retry.times", "2")]);
    send(&producer, "T").expect("warm");
    cluster.inject(on_sends(None, Some(2), busy(2)));
    let receipt = producer.send(&Message::new("T", b"x"), Some(ms(4000))).expect("stored at the third");
    assert_eq!(receipt.attempts(), 3);
    assert!(receipt.elapsed() >= ms(3000), "half of it, and a half of the rest: {:?}", receipt.elapsed());
}

#[test]
fn a_broker_that_refuses_connections_has_a_pause_too() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("retry.times", "2")]);
    send(&producer, "T").expect("warm");
    cluster.stop_broker("broker-0").expect("stopped");
    let error = producer.send(&Message::new("T", b"x"), Some(PATIENCE)).expect_err("nobody is there");
    assert_eq!(error.attempts(), 3, "{error}");
    assert!(error.elapsed() >= ms(240), "{:?}", error.elapsed());
}

#[test]
fn messages_of_one_queue_keep_their_order_over_pauses() {
    let cluster = with_topic(1, 1);
    for on in [on_sends, on_batches] {
        cluster.inject(on(None, Some(1), busy(2)));
    }
    let producer = producer(&cluster, &[PRESSURE]);
    let queue = CompletionQueue::new();
    let destination = Destination::Queue { broker: "broker-0", queue_id: 0 };
    for index in 0..100_usize {
        let body = index.to_string();
        let message = Message { destination, ..Message::new("T", body.as_bytes()) };
        producer.send_queued(&message, Some(PATIENCE), &queue, Tag(index, 0)).expect("accepted");
    }
    let offsets: Vec<_> =
        in_order(&queue, 100).into_iter().map(|outcome| outcome.expect("stored").queue_offset()).collect();
    assert!(offsets.is_sorted(), "{offsets:?}");
}

#[test]
fn a_close_ends_pauses() {
    let cluster = with_topic(1, 1);
    cluster.inject(on_sends(None, None, busy(2)));
    let producer = producer(&cluster, &[LONG, LONG_TOO]);
    let queue = CompletionQueue::new();
    let message = Message::new("T", b"x");
    producer.send_queued(&message, Some(ms(600_000)), &queue, Tag(0, 0)).expect("accepted");
    assert!(common::becomes_true(|| cluster.request_count(310) == 1));
    producer.close(ms(10)).expect_err("not all was sent");
    let error = in_order(&queue, 1).remove(0).expect_err("closed");
    assert_eq!((error.code(), error.attempts()), (ErrorCode::Closed, 1), "{error}");
}
