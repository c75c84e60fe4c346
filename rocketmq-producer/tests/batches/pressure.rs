//! Batches that form under pressure: when they do, of what, and to which queues they go.

use std::collections::{BTreeSet, HashMap};

use rocketmq_mock::{Fault, MockCluster, MockOptions, Profile, StoredMessage};
use rocketmq_producer::{CompletionQueue, Delivery, Destination, Message, Tag};

use crate::common::{self, PATIENCE, PRESSURE, cluster, in_order, on_sends, producer, with_topic};
use crate::support::{plain, send_all, send_all_held};

#[test]
fn without_pressure_each_message_goes_by_itself() {
    let cluster = with_topic(1, 4);
    let producer = producer(&cluster, &[PRESSURE]);
    for index in 0..20 {
        send_all(&producer, 1, |_| plain(index), |_| None)[0].as_ref().expect("stored");
    }
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (20, 0));
}

#[test]
fn what_waits_for_answers_leaves_in_batches() {
    let cluster = with_topic(2, 4);
    let producer = producer(&cluster, &[PRESSURE]);
    let held = cluster.inject(on_sends(None, None, Fault::Hold));
    let outcomes = send_all_held(&cluster, held, &producer, 1000, plain);
    let (singles, batches) = (cluster.request_count(310), cluster.request_count(320));
    assert!(singles <= 12 && (2..=10).contains(&batches), "{singles} singles, {batches} batches");
    let stored: HashMap<_, _> =
        cluster.stored("T").into_iter().map(|message| (message.message_id.clone(), message)).collect();
    assert_eq!(stored.len(), 1000);
    for (index, outcome) in outcomes.iter().enumerate() {
        let receipt = outcome.as_ref().expect("stored");
        let message = &stored[receipt.offset_message_id()];
        assert_eq!(message.body.as_ref(), index.to_string().as_bytes());
        assert_eq!(message.property("UNIQ_KEY"), Some(receipt.message_id()));
        assert_eq!((message.queue_id, message.queue_offset), (receipt.queue_id(), receipt.queue_offset()));
        assert_eq!((message.broker.as_str(), receipt.attempts()), (receipt.broker_name(), 1));
    }
}

#[test]
fn batches_keep_to_their_bounds() {
    let cluster = with_topic(1, 1);
    let producer =
        producer(&cluster, &[PRESSURE, ("batch.max.messages", "10"), ("batch.max.bytes", "100000")]);
    let held = cluster.inject(on_sends(None, Some(4), Fault::Hold));
    send_all_held(&cluster, held, &producer, 104, plain);
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (4, 10));
    let cluster = with_topic(1, 1);
    let producer = common::producer(&cluster, &[PRESSURE, ("batch.max.bytes", "2000")]);
    cluster.set_recording(true);
    let held = cluster.inject(on_sends(None, Some(4), Fault::Hold));
    send_all_held(&cluster, held, &producer, 104, plain);
    let sizes =
        cluster.requests().into_iter().filter(|request| request.code == 320).map(|batch| batch.body.len());
    let sizes: Vec<usize> = sizes.collect();
    assert!(sizes.len() >= 4 && sizes.iter().all(|size| (500..=2000).contains(size)), "{sizes:?}");
}

#[test]
fn what_may_not_be_batched_goes_alone() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE]);
    producer.queues("T", PATIENCE).expect("a route");
    let held = cluster.inject(on_sends(None, None, Fault::Hold));
    let large = "x".repeat(5000);
    let queue = CompletionQueue::new();
    let special = |index: usize| match index % 4 {
        0 => Message { delivery: Delivery::Level(1), ..plain(0) },
        1 => Message { delivery: Delivery::AfterSeconds(1), ..plain(0) },
        2 => Message { wait_store_ok: false, ..plain(0) },
        _ => plain(0),
    };
    for index in 0..40 {
        let body = if index % 8 == 3 { large.as_bytes() } else { b"small" };
        producer
            .send_queued(&Message { body, ..special(index) }, None, &queue, Tag(index, 0))
            .expect("accepted");
    }
    cluster.remove_fault(held);
    for outcome in in_order(&queue, 40) {
        outcome.expect("stored");
    }
    let parked = ["SCHEDULE_TOPIC_XXXX", "rmq_sys_wheel_timer"].map(|topic| cluster.stored_count(topic));
    assert_eq!(parked, [10, 10], "the delays hold");
    let stored = cluster.stored("T");
    let compressed = stored.iter().filter(|message| message.sys_flag & 1 != 0).count();
    assert_eq!(compressed, 5, "large bodies are compressed");
    let unwaited = stored.iter().filter(|message| message.property("WAIT") == Some("false")).count();
    assert_eq!(unwaited, 10);
    assert!(cluster.request_count(320) >= 1, "the others travelled together");
}

#[test]
fn each_topic_and_each_queue_has_its_own_batches() {
    let cluster = cluster(1);
    for topic in ["A", "B"] {
        cluster.create_topic(topic, 2, 2, 6, None);
    }
    cluster.set_recording(true);
    let producer = producer(&cluster, &[PRESSURE]);
    for topic in ["A", "B"] {
        producer.queues(topic, PATIENCE).expect("a route");
    }
    let held = cluster.inject(on_sends(None, Some(12), Fault::Hold));
    let queue = CompletionQueue::new();
    for index in 0..120_usize {
        let topic = if index % 2 == 0 { "A" } else { "B" };
        let destination = match index % 3 {
            0 => Destination::Queue { broker: "broker-0", queue_id: 1 },
            _ => Destination::Any,
        };
        let body = format!("{topic}{}", index % 3);
        let message = Message { destination, ..Message::new(topic, body.as_bytes()) };
        producer.send_queued(&message, None, &queue, Tag(index, 0)).expect("accepted");
    }
    cluster.remove_fault(held);
    for outcome in in_order(&queue, 120) {
        outcome.expect("stored");
    }
    for topic in ["A", "B"] {
        let stored = cluster.stored(topic);
        assert_eq!(stored.len(), 60);
        assert!(stored.iter().all(|message| message.body.starts_with(topic.as_bytes())));
        let fixed = stored.iter().filter(|message| message.body.ends_with(b"0"));
        assert!(fixed.clone().count() == 20 && fixed.clone().all(|message| message.queue_id == 1));
    }
    assert!(cluster.request_count(320) >= 4);
}

#[test]
fn a_batch_to_an_unknown_topic_looks_it_up_first() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[PRESSURE]);
    send_all(&producer, 1, plain, |_| None)[0].as_ref().expect("stored");
    let held = cluster.inject(on_sends(None, None, Fault::Hold));
    for outcome in send_all_held(&cluster, held, &producer, 300, plain) {
        outcome.expect("stored");
    }
    assert_eq!(cluster.stored_count("T"), 301);
    assert!(cluster.request_count(310) < 20, "{} singles", cluster.request_count(310));
    let messages = [Message::new("Other", b"a"), Message::new("Other", b"b")];
    assert_eq!(producer.send_batch(&messages, None).expect("stored").len(), 2);
    assert_eq!(cluster.stored("T").len(), 301);
}

/// Brokers add their region, trace switch and cluster to single messages. 5.5.0 adds nothing to the members of a batch,
/// and 4.9 nothing to singles but the cluster, which it adds to members too.
#[test]
fn automatic_batches_look_like_single_messages() {
    for profile in [Profile::V5, Profile::V4_9] {
        let cluster = MockCluster::start(MockOptions { brokers: 3, profile, ..MockOptions::default() });
        let cluster = cluster.expect("a mock cluster");
        cluster.create_topic("T", 4, 4, 6, None);
        let producer = producer(&cluster, &[PRESSURE]);
        let held = cluster.inject(on_sends(None, None, Fault::Hold));
        for outcome in send_all_held(&cluster, held, &producer, 2000, plain) {
            outcome.expect("stored");
        }
        let (singles, batches) = (cluster.request_count(310), cluster.request_count(320));
        assert!(singles < 40 && batches > 3, "{profile:?}: {singles} singles, {batches} batches");
        let names = |message: &StoredMessage| {
            let own = ["UNIQ_KEY", "WAIT"];
            let names = message.properties.iter().map(|(name, value)| (name.clone(), value.clone()));
            names.filter(|(name, _)| !own.contains(&name.as_str())).collect::<BTreeSet<_>>()
        };
        let seen: BTreeSet<_> = cluster.stored("T").iter().map(names).collect();
        assert_eq!(seen.len(), 1, "{profile:?}: {seen:?}");
        let expected = if profile == Profile::V5 { 3 } else { 1 };
        assert_eq!(seen.first().map(BTreeSet::len), Some(expected), "{profile:?}: {seen:?}");
    }
}

#[test]
fn full_batches_go_to_all_queues() {
    let cluster = with_topic(1, 4);
    let producer = producer(&cluster, &[PRESSURE, ("batch.max.messages", "8")]);
    let held = cluster.inject(on_sends(None, Some(4), Fault::Hold));
    send_all_held(&cluster, held, &producer, 4 + 256 * 8, plain);
    let counts = cluster.queue_counts("T");
    assert!(counts.len() == 4 && counts.iter().all(|(_, count)| *count >= 256), "{counts:?}");
}
