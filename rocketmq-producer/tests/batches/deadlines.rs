//! Messages that wait in batches keep their own time-outs, whether a broker is slow or silent.

use rocketmq_mock::Fault;
use rocketmq_producer::{CompletionQueue, Destination, ErrorCode, Message, Persistence, Tag};

use crate::common::{
    self, LATE, PATIENCE, PRESSURE, in_order, ms, on_batches, on_sends, poll, producer, with_topic,
};
use crate::support::{plain, send_all};

#[test]
fn each_message_keeps_its_own_deadline() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE, ("retry.times.async", "0")]);
    producer.queues("T", PATIENCE).expect("a route");
    let held = cluster.inject(on_sends(None, Some(1), Fault::Hold));
    cluster.inject(on_batches(None, None, Fault::Delay(ms(6000))));
    // Bound to a queue: all behind the first leave in one batch when that is answered.
    let destination = Destination::Queue { broker: "broker-0", queue_id: 0 };
    let message = Message { destination, ..Message::new("T", b"x") };
    let queue = CompletionQueue::new();
    let is_short = |index: usize| index > 0 && index.is_multiple_of(2);
    for index in 0..20 {
        let timeout = if is_short(index) { ms(2000) } else { PATIENCE };
        producer.send_queued(&message, Some(timeout), &queue, Tag(index, 0)).expect("accepted");
    }
    cluster.remove_fault(held);
    let mut reports = Vec::new();
    while reports.len() < 20 {
        assert!(poll(&queue, &mut reports, 20, PATIENCE) > 0);
    }
    for report in reports {
        match report.result {
            Ok(receipt) => {
                assert!(!is_short(report.tag.0), "{receipt:?}");
                let waited = receipt.elapsed() >= ms(6000);
                assert_eq!(waited, report.tag.0 > 0, "the batch had its answer: {receipt:?}");
                assert_eq!(receipt.queue_offset(), report.tag.0 as i64, "its own, beside those that left");
            }
            Err(error) => {
                assert!(is_short(report.tag.0), "{error}");
                assert_eq!(error.code(), ErrorCode::Timeout);
                assert_eq!(error.persistence(), Persistence::PossiblyPersisted);
                assert!((ms(2000)..ms(6000)).contains(&error.elapsed()), "{:?}", error.elapsed());
            }
        }
    }
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (1, 1));
}

#[test]
fn what_waits_in_a_lane_is_over_by_its_deadline_and_at_the_close() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE, ("retry.times.async", "0")]);
    common::send(&producer, "T").expect("the route is known from then on");
    cluster.inject(on_sends(None, None, Fault::NoAnswer));
    let destination = Destination::Queue { broker: "broker-0", queue_id: 0 };
    let bound = |_| Message { destination, ..Message::new("T", b"") };
    let outcomes = send_all(&producer, 10, bound, |index| Some(ms(if index < 1 { 5000 } else { 100 })));
    for (index, outcome) in outcomes.iter().enumerate() {
        let error = outcome.as_ref().expect_err("no answer");
        let (persistence, attempts) = match index < 1 {
            true => (Persistence::PossiblyPersisted, 1),
            false => (Persistence::NotPersisted, 0),
        };
        assert_eq!(
            (error.code(), error.persistence(), error.attempts()),
            (ErrorCode::Timeout, persistence, attempts)
        );
        let limit = if index < 1 { ms(5000) + LATE } else { ms(5000) };
        assert!(error.elapsed() < limit, "{index}: {:?}", error.elapsed());
    }
    let queue = CompletionQueue::new();
    for index in 0..10_usize {
        producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(index, 0)).expect("accepted");
    }
    assert!(producer.close(ms(0)).is_err());
    for outcome in in_order(&queue, 10) {
        assert_eq!(outcome.expect_err("closed").code(), ErrorCode::Closed);
    }
}

#[test]
fn retries_at_a_silent_broker_do_not_hold_up_the_broker_they_came_from() {
    let cluster = with_topic(2, 1);
    let producer = producer(&cluster, &[PRESSURE]);
    for _ in 0..2 {
        producer.send(&Message::new("T", b"x"), None).expect("stored");
    }
    for fault in [on_sends, on_batches] {
        cluster.inject(fault(Some("broker-1"), None, Fault::NoAnswer));
    }
    cluster.inject(on_sends(Some("broker-0"), Some(4), Fault::Code { code: 2, remark: None }));
    let outcomes = send_all(&producer, 200, plain, |_| Some(ms(4000)));
    let stored = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(stored >= 96, "{stored} of the 96 or more that broker-0 did not refuse");
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
    }
}

/// Slow is not busy: what waits for a slow broker has time for its answer, as without batches.
#[test]
fn a_slow_broker_stores_what_waited_for_it() {
    let cluster = with_topic(1, 4);
    let producer = producer(&cluster, &[PRESSURE]);
    producer.send(&Message::new("T", b"x"), None).expect("the broker is known from then on");
    for fault in [on_sends, on_batches] {
        cluster.inject(fault(None, None, Fault::Delay(ms(3000))));
    }
    for outcome in send_all(&producer, 50, plain, |_| Some(ms(5000))) {
        outcome.expect("stored in time");
    }
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (5, 1));
}

#[test]
fn what_waits_for_a_silent_broker_has_time_for_another() {
    let cluster = with_topic(2, 1);
    let limit = ("send.max.timeout.per.request.ms", "1500");
    let producer = producer(&cluster, &[PRESSURE, limit, ("batch.max.messages", "16")]);
    for _ in 0..2 {
        producer.send(&Message::new("T", b"x"), None).expect("both brokers are known from then on");
    }
    for fault in [on_sends, on_batches] {
        cluster.inject(fault(Some("broker-1"), None, Fault::NoAnswer));
    }
    for outcome in send_all(&producer, 500, plain, |_| Some(ms(12_000))) {
        assert_eq!(outcome.expect("stored").broker_name(), "broker-0");
    }
}

#[test]
fn a_short_message_behind_long_ones_leaves_in_its_own_time() {
    let cluster = with_topic(1, 1);
    cluster.set_recording(true);
    let producer = producer(&cluster, &[PRESSURE, ("retry.times.async", "0")]);
    common::send(&producer, "T").expect("the broker is known from then on");
    for fault in [on_sends, on_batches] {
        cluster.inject(fault(None, None, Fault::NoAnswer));
    }
    let (long, short) = (CompletionQueue::new(), CompletionQueue::new());
    let message = Message::new("T", b"x");
    for index in 0..10 {
        producer.send_queued(&message, Some(PATIENCE), &long, Tag(index, 0)).expect("accepted");
    }
    let hasty = Message::new("T", b"short");
    producer.send_queued(&hasty, Some(ms(4000)), &short, Tag(0, 0)).expect("accepted");
    producer.send_queued(&message, Some(PATIENCE), &long, Tag(10, 0)).expect("accepted");
    let outcomes = in_order(&short, 1);
    let error = outcomes[0].as_ref().expect_err("no answer");
    assert_eq!((error.code(), error.attempts()), (ErrorCode::Timeout, 1), "{error}");
    assert_eq!(error.persistence(), Persistence::PossiblyPersisted);
    // The connection is given up with this time-out, and then the others leave as well.
    let requests = cluster.requests();
    let left = requests.iter().position(|request| *request.body == *b"short").expect("by itself");
    assert!(requests[..left].iter().all(|request| request.code != 320), "those with more time wait on");
}

#[test]
fn nobody_lingers_beyond_its_own_time() {
    let cluster = with_topic(1, 1);
    for destination in [Destination::Any, Destination::Queue { broker: "broker-0", queue_id: 0 }] {
        let settings = [("batch.auto", "linger"), ("batch.linger.ms", "30000")];
        let producer = producer(&cluster, &settings);
        common::send(&producer, "T").expect("the broker is known from then on");
        let message = Message { destination, ..Message::new("T", b"x") };
        let queue = CompletionQueue::new();
        for (index, timeout) in [PATIENCE, ms(4000)].into_iter().enumerate() {
            producer.send_queued(&message, Some(timeout), &queue, Tag(index, 0)).expect("accepted");
        }
        let mut reports = Vec::new();
        assert_eq!(poll(&queue, &mut reports, 1, PATIENCE), 1);
        for report in reports {
            report.result.expect("stored in time");
        }
    }
}
