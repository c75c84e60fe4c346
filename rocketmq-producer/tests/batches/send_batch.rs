//! Batches that a program makes.

use std::collections::BTreeSet;

use rocketmq_mock::Fault;
use rocketmq_producer::{CompletionQueue, Destination, ErrorCode, Message, Receipt, Tag};

use crate::common::{in_order, ms, on_batches, producer, with_topic};

#[test]
fn a_batch_is_one_request_and_each_message_has_its_receipt() {
    let cluster = with_topic(2, 4);
    let producer = producer(&cluster, &[]);
    let bodies: Vec<String> = (0..40).map(|index| format!("message {index}")).collect();
    let messages: Vec<_> = bodies
        .iter()
        .map(|body| Message {
            tags: Some("TagA"),
            keys: &["k1", "k2"],
            flag: 3,
            ..Message::new("T", body.as_bytes())
        })
        .collect();
    let receipts = producer.send_batch(&messages, None).expect("stored");
    assert_eq!((cluster.request_count(320), cluster.request_count(310)), (1, 0));
    assert_eq!(receipts.len(), 40);
    let stored = cluster.stored("T");
    for ((receipt, message), stored) in receipts.iter().zip(&messages).zip(&stored) {
        assert_eq!(stored.body.as_ref(), message.body);
        assert_eq!(stored.property("UNIQ_KEY"), Some(receipt.message_id()));
        assert_eq!((stored.property("TAGS"), stored.property("KEYS")), (Some("TagA"), Some("k1 k2")));
        assert_eq!(stored.flag, 3);
        assert_eq!(receipt.offset_message_id(), stored.message_id);
        assert_eq!((receipt.queue_id(), receipt.queue_offset()), (stored.queue_id, stored.queue_offset));
        assert_eq!((receipt.broker_name(), receipt.attempts()), (stored.broker.as_str(), 1));
    }
    let ids: BTreeSet<_> = receipts.iter().map(Receipt::message_id).collect();
    assert_eq!(ids.len(), 40);
    assert_eq!(producer.in_flight(), 0);
}

#[test]
fn the_outcomes_of_a_batch_may_go_to_a_queue() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("in.flight.max.messages", "5")]);
    let queue = CompletionQueue::new();
    let messages = [Message::new("T", b"a"), Message::new("T", b"b"), Message::new("T", b"c")];
    let tags = [Tag(0, 0), Tag(1, 0), Tag(2, 0)];
    producer.send_batch_queued(&messages, None, &queue, &tags).expect("accepted");
    let error = producer.send_batch_queued(&messages, None, &queue, &tags).expect_err("3 and 3 are over 5");
    assert_eq!(error.code(), ErrorCode::QueueFull);
    let offsets: Vec<_> =
        in_order(&queue, 3).into_iter().map(|outcome| outcome.expect("stored").queue_offset()).collect();
    assert_eq!(offsets, [0, 1, 2]);
    assert_eq!(producer.in_flight(), 0);
    let error =
        producer.send_batch_queued(&messages, None, &queue, &tags[..2]).expect_err("two tags for three");
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
}

#[test]
fn a_batch_over_the_limit_is_refused_or_split() {
    let cluster = with_topic(1, 1);
    let body = [7; 400];
    let messages = [Message::new("T", &body); 5];
    let limit = ("max.message.size", "1100");
    let error = producer(&cluster, &[limit]).send_batch(&messages, None).expect_err("over the limit");
    assert_eq!(error.error.code(), ErrorCode::MessageIllegal);
    for part in ["5 messages", "1100", "batch.split"] {
        assert!(error.error.message().contains(part), "{} should name {part}", error.error);
    }
    assert_eq!(cluster.stored_count("T"), 0);
    let receipts =
        producer(&cluster, &[limit, ("batch.split", "true")]).send_batch(&messages, None).expect("split");
    assert_eq!(receipts.iter().map(Receipt::queue_offset).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(cluster.request_count(320), 3);
}

#[test]
fn a_rule_that_a_later_part_breaks_is_told_before_the_first_is_sent() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("max.message.size", "1100"), ("batch.split", "true")]);
    let body = [7; 400];
    let mut messages = [Message::new("T", &body); 5];
    messages[4].wait_store_ok = false;
    let error = producer.send_batch(&messages, None).expect_err("not alike").error;
    assert!(error.message().contains("message 4") && error.message().contains("wait_store_ok"), "{error}");
    messages[4] = Message::new("T", b"");
    let error = producer.send_batch(&messages, None).expect_err("empty").error;
    assert!(error.message().contains("message 4") && error.message().contains("empty"), "{error}");
    assert_eq!(cluster.stored_count("T"), 0);
}

#[test]
fn the_first_part_of_a_split_batch_is_told_when_a_later_one_fails() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("max.message.size", "1100"), ("batch.split", "true")]);
    let body = [7; 400];
    let messages = [Message::new("T", &body); 4];
    cluster.inject(on_batches(None, Some(1), Fault::Delay(ms(300))));
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 13, remark: None }));
    let error = producer.send_batch(&messages, None).expect_err("the second part is refused");
    assert_eq!((error.receipts.len(), error.error.broker_code()), (2, Some(13)));
    assert_eq!(cluster.stored_count("T"), 2);
}

#[test]
fn a_failed_batch_is_retried_whole_on_another_broker() {
    let cluster = with_topic(2, 1);
    cluster.inject(on_batches(Some("broker-0"), None, Fault::Code { code: 14, remark: None }));
    let producer = producer(&cluster, &[]);
    for _ in 0..4 {
        let receipts = producer.send_batch(&[Message::new("T", b"a"), Message::new("T", b"b")], None);
        assert!(receipts.expect("stored").iter().all(|receipt| receipt.broker_name() == "broker-1"));
    }
    assert_eq!(cluster.stored_count("T"), 8);
    let fixed = Destination::Queue { broker: "broker-0", queue_id: 0 };
    let fixed = [Message { destination: fixed, ..Message::new("T", b"a") }; 2];
    let error = producer.send_batch(&fixed, None).expect_err("no other queue is asked").error;
    assert_eq!((error.attempts(), error.broker_code()), (3, Some(14)));
    assert!(error.history().iter().all(|attempt| &*attempt.broker_name == "broker-0"));
    assert_eq!(error.history().len(), 3);
}
