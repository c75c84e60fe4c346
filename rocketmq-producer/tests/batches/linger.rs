//! Batches that gather for a time: `batch.auto=linger`.

use std::time::Instant;

use rocketmq_mock::Fault;
use rocketmq_producer::{CompletionQueue, Delivery, Destination, Message, Tag};

use crate::common::{self, PATIENCE, ms, on_batches, on_sends, poll, producer, with_topic};
use crate::support::{plain, send_all};

#[test]
fn linger_gathers_until_the_time_or_the_size_or_a_flush() {
    let cluster = with_topic(1, 1);
    let linger = ("batch.auto", "linger");
    let producer = producer(&cluster, &[linger, ("batch.linger.ms", "60")]);
    common::send(&producer, "T").expect("the broker is known from then on");
    let started = Instant::now();
    for outcome in send_all(&producer, 5, plain, |_| None) {
        outcome.expect("stored");
    }
    assert!(started.elapsed() >= ms(60), "{:?}", started.elapsed());
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (1, 1));

    let producer = common::producer(
        &cluster,
        &[linger, ("batch.linger.ms", "30000"), ("batch.max.messages", "10"), ("instance.name", "b")],
    );
    common::send(&producer, "T").expect("stored");
    for outcome in send_all(&producer, 20, plain, |_| None) {
        outcome.expect("stored: the batches are full");
    }
    assert_eq!(cluster.request_count(320), 3);
    let queue = CompletionQueue::new();
    for index in 0..3_usize {
        producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(index, 0)).expect("accepted");
    }
    producer.flush(PATIENCE).expect("flushed");
    assert_eq!((queue.len(), cluster.request_count(320)), (3, 4));
    let late = Message { delivery: Delivery::AfterSeconds(1), ..Message::new("T", b"x") };
    producer.send_queued(&late, None, &queue, Tag(9, 0)).expect("accepted");
    let mut reports = Vec::new();
    poll(&queue, &mut reports, 3, ms(0));
    assert_eq!(poll(&queue, &mut reports, 1, PATIENCE), 1, "what cannot be batched does not linger");
}

#[test]
fn what_leaves_a_refused_batch_does_not_linger_again() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("batch.auto", "linger"), ("batch.linger.ms", "20")]);
    common::send(&producer, "T").expect("the broker is known from then on");
    for code in [13, 14] {
        cluster.inject(on_batches(None, Some(1), Fault::Code { code, remark: None }));
        for outcome in send_all(&producer, 10, plain, |_| Some(ms(2000))) {
            outcome.expect("stored in time");
        }
    }
}

#[test]
fn what_a_broker_refused_does_not_linger_for_one_that_is_not_known_yet() {
    let cluster = with_topic(2, 1);
    let producer = producer(&cluster, &[("batch.auto", "linger"), ("batch.linger.ms", "500")]);
    let fixed = Destination::Queue { broker: "broker-0", queue_id: 0 };
    producer
        .send(&Message { destination: fixed, ..Message::new("T", b"x") }, None)
        .expect("known from then on");
    cluster.inject(on_batches(Some("broker-0"), None, Fault::Code { code: 14, remark: None }));
    cluster.inject(on_sends(Some("broker-1"), None, Fault::Delay(ms(50))));
    for outcome in send_all(&producer, 10, plain, |_| Some(ms(2000))) {
        assert_eq!(outcome.expect("stored in time").broker_name(), "broker-1");
    }
}
