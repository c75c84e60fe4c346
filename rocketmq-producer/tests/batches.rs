//! Wire batches: those a program makes, and those that form under pressure.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use common::{PATIENCE, PRESSURE, cluster, in_order, ms, on_batches, on_sends, producer, with_topic};
use rocketmq_mock::{Fault, FaultRule, MockCluster, MockOptions, Profile, StoredMessage};
use rocketmq_producer::{
    CompletionQueue, Delivery, Destination, Error, ErrorCode, Message, Persistence, Producer, Receipt, Tag,
};
use rocketmq_protocol::compression;
use rocketmq_protocol::sys_flag::CompressionType;

/// How long a request is held at the mock, so that what follows has to wait for it.
fn hold(times: u32, time: Duration) -> Vec<FaultRule> {
    vec![on_sends(None, Some(times), Fault::Delay(time))]
}

/// Sends bodies `0`, `1`, … and gives the outcomes by number.
fn send_all<'m>(
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

fn plain(_: usize) -> Message<'static> {
    Message::new("T", b"")
}

/// The bodies stored in each queue, in the order of their offsets.
fn stored_by_queue(cluster: &MockCluster) -> HashMap<(String, i32), Vec<String>> {
    let mut queues: HashMap<_, Vec<String>> = HashMap::new();
    for message in cluster.stored("T") {
        let bodies = queues.entry((message.broker, message.queue_id)).or_default();
        bodies.push(String::from_utf8_lossy(&message.body).into_owned());
    }
    queues
}

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
    cluster.inject(on_batches(None, Some(1), Fault::Delay(ms(50))));
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
    cluster.inject(on_sends(None, None, Fault::Delay(ms(50))));
    let outcomes = send_all(&producer, 1000, plain, |_| None);
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
    cluster.inject(on_sends(None, Some(4), Fault::Delay(ms(50))));
    send_all(&producer, 104, plain, |_| None);
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (4, 10));
    let cluster = with_topic(1, 1);
    let producer = common::producer(&cluster, &[PRESSURE, ("batch.max.bytes", "2000")]);
    cluster.set_recording(true);
    cluster.inject(on_sends(None, Some(4), Fault::Delay(ms(50))));
    send_all(&producer, 104, plain, |_| None);
    let sizes =
        cluster.requests().into_iter().filter(|request| request.code == 320).map(|batch| batch.body.len());
    let sizes: Vec<usize> = sizes.collect();
    assert!(sizes.len() >= 4 && sizes.iter().all(|size| (500..=2000).contains(size)), "{sizes:?}");
}

#[test]
fn what_may_not_be_batched_goes_alone() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE]);
    cluster.inject(on_sends(None, None, Fault::Delay(ms(50))));
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
fn messages_of_one_queue_never_overtake_each_other() {
    let cluster = with_topic(2, 2);
    let producer =
        producer(&cluster, &[PRESSURE, ("compress.threshold.bytes", "100"), ("batch.max.messages", "7")]);
    let long = |index: usize| format!("{index:0>200}");
    for fault in hold(3, ms(20)) {
        cluster.inject(fault);
    }
    // Retried, parted and compressed ones among them: all in order.
    cluster.inject(on_batches(None, Some(2), Fault::Code { code: 14, remark: None }));
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 13, remark: None }));
    let queue = CompletionQueue::new();
    let mut expected: HashMap<i32, Vec<String>> = HashMap::new();
    for index in 0..300_usize {
        let queue_id = (index % 2) as i32;
        let body = if index % 11 == 0 { long(index) } else { index.to_string() };
        let destination = Destination::Queue { broker: "broker-1", queue_id };
        let message = Message { destination, ..Message::new("T", body.as_bytes()) };
        producer.send_queued(&message, None, &queue, Tag(index, 0)).expect("accepted");
        expected.entry(queue_id).or_default().push(body);
    }
    for outcome in in_order(&queue, 300) {
        outcome.expect("stored");
    }
    let mut stored: HashMap<i32, Vec<String>> = HashMap::new();
    for message in cluster.stored("T") {
        let body = match message.sys_flag {
            0 => message.body.to_vec(),
            _ => compression::decompress(CompressionType::Zlib, &message.body, 1000).expect("zlib"),
        };
        stored.entry(message.queue_id).or_default().push(String::from_utf8(body).expect("text"));
    }
    assert_eq!(stored, expected);
    assert!(cluster.request_count(320) > 5, "batches formed");
}

#[test]
fn sync_sends_to_a_queue_wait_for_those_before_them() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE]);
    let fixed = Destination::Queue { broker: "broker-0", queue_id: 0 };
    let queue = CompletionQueue::new();
    cluster.inject(on_sends(None, Some(1), Fault::Delay(ms(50))));
    for index in 0..20_usize {
        let body = index.to_string();
        let message = Message { destination: fixed, ..Message::new("T", body.as_bytes()) };
        producer.send_queued(&message, None, &queue, Tag(index, 0)).expect("accepted");
    }
    let batch = [Message { destination: fixed, ..Message::new("T", b"batch") }];
    let sync = Message { destination: fixed, ..Message::new("T", b"sync") };
    assert_eq!(producer.send_batch(&batch, None).expect("stored")[0].queue_offset(), 20);
    assert_eq!(producer.send(&sync, None).expect("stored").queue_offset(), 21);
}

#[test]
fn only_the_guilty_message_of_a_refused_batch_fails() {
    // The mock refuses what it refuses of singles, as brokers do: here by what is in the properties.
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE]);
    cluster.inject(on_sends(None, Some(4), Fault::Delay(ms(50))));
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 1, remark: Some("one is bad".into()) }));
    // The four first go alone, then one refused batch of all others, then each of them alone.
    cluster.inject(FaultRule {
        topic: Some("T".into()),
        ..on_sends(None, Some(1), Fault::Code { code: 13, remark: Some("this one".into()) })
    });
    let outcomes = send_all(&producer, 30, plain, |_| None);
    let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let [error] = failed.as_slice() else { panic!("{} failed", failed.len()) };
    assert_eq!((error.broker_code(), error.remark()), (Some(13), Some("this one")));
    assert_eq!(error.persistence(), Persistence::NotPersisted);
    let reasons: Vec<_> = error.history().iter().map(|attempt| attempt.broker_code).collect();
    assert_eq!(reasons, [Some(1), Some(13)], "in the batch, then alone");
    assert_eq!(cluster.stored_count("T"), 29);
    assert_eq!(cluster.request_count(320), 1, "none of them was batched again");
}

#[test]
fn a_broker_that_knows_no_batches_gets_none_any_more() {
    for (code, batches) in [(3, 1..=4), (29, 3..=6)] {
        let cluster = with_topic(1, 1);
        let producer = producer(&cluster, &[PRESSURE, ("batch.max.messages", "20")]);
        cluster.inject(on_batches(None, None, Fault::Code { code, remark: None }));
        for _ in 0..4 {
            cluster.inject(on_sends(None, Some(4), Fault::Delay(ms(20))));
            for outcome in send_all(&producer, 200, plain, |_| None) {
                outcome.expect("stored alone");
            }
        }
        let sent = cluster.request_count(320);
        assert!(batches.contains(&sent), "code {code}: {sent} batches");
        assert_eq!(cluster.stored_count("T"), 800);
    }
}

#[test]
fn each_message_keeps_its_own_deadline() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE, ("retry.times.async", "0")]);
    cluster.inject(on_sends(None, Some(1), Fault::Delay(ms(50))));
    cluster.inject(on_batches(None, None, Fault::Delay(ms(1500))));
    // Bound to a queue: all behind the first leave in one batch when that is answered.
    let destination = Destination::Queue { broker: "broker-0", queue_id: 0 };
    let message = Message { destination, ..Message::new("T", b"x") };
    let queue = CompletionQueue::new();
    let is_short = |index: usize| index > 0 && index.is_multiple_of(2);
    for index in 0..20 {
        let timeout = if is_short(index) { ms(600) } else { PATIENCE };
        producer.send_queued(&message, Some(timeout), &queue, Tag(index, 0)).expect("accepted");
    }
    let mut reports = Vec::new();
    while reports.len() < 20 {
        assert!(queue.poll(&mut reports, 20, PATIENCE) > 0);
    }
    for report in reports {
        match report.result {
            Ok(receipt) => {
                assert!(!is_short(report.tag.0), "{receipt:?}");
                let waited = receipt.elapsed() >= ms(1500);
                assert_eq!(waited, report.tag.0 > 0, "the batch had its answer: {receipt:?}");
            }
            Err(error) => {
                assert!(is_short(report.tag.0), "{error}");
                assert_eq!(error.code(), ErrorCode::Timeout);
                assert_eq!(error.persistence(), Persistence::PossiblyPersisted);
                assert!((ms(600)..ms(1400)).contains(&error.elapsed()), "{:?}", error.elapsed());
            }
        }
    }
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (1, 1));
}

#[test]
fn what_waits_in_a_lane_is_over_by_its_deadline_and_at_the_close() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE, ("retry.times.async", "0")]);
    cluster.inject(on_sends(None, None, Fault::NoAnswer));
    let destination = Destination::Queue { broker: "broker-0", queue_id: 0 };
    let bound = |_| Message { destination, ..Message::new("T", b"") };
    let outcomes = send_all(&producer, 10, bound, |index| Some(ms(if index < 1 { 2000 } else { 100 })));
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
        let limit = if index < 1 { 2300 } else { 400 };
        assert!(error.elapsed() < ms(limit), "{index}: {:?}", error.elapsed());
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
    queue.poll(&mut reports, 3, ms(0));
    assert_eq!(queue.poll(&mut reports, 1, PATIENCE), 1, "what cannot be batched does not linger");
}

#[test]
fn each_topic_and_each_queue_has_its_own_batches() {
    let cluster = cluster(1);
    for topic in ["A", "B"] {
        cluster.create_topic(topic, 2, 2, 6, None);
    }
    cluster.set_recording(true);
    let producer = producer(&cluster, &[PRESSURE]);
    cluster.inject(on_sends(None, Some(12), Fault::Delay(ms(30))));
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
    for outcome in send_all(&producer, 300, plain, |_| None) {
        outcome.expect("stored");
    }
    assert_eq!(cluster.stored_count("T"), 300);
    assert!(cluster.request_count(310) < 20, "{} singles", cluster.request_count(310));
    let messages = [Message::new("Other", b"a"), Message::new("Other", b"b")];
    assert_eq!(producer.send_batch(&messages, None).expect("stored").len(), 2);
    assert_eq!(stored_by_queue(&cluster).values().map(Vec::len).sum::<usize>(), 300);
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
        cluster.inject(on_sends(None, None, Fault::Delay(ms(50))));
        for outcome in send_all(&producer, 2000, plain, |_| None) {
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

#[test]
fn full_batches_go_to_all_queues() {
    let cluster = with_topic(1, 4);
    let producer = producer(&cluster, &[PRESSURE, ("batch.max.messages", "8")]);
    cluster.inject(on_sends(None, Some(4), Fault::Delay(ms(100))));
    send_all(&producer, 4 + 256 * 8, plain, |_| None);
    let counts = cluster.queue_counts("T");
    assert!(counts.len() == 4 && counts.iter().all(|(_, count)| *count >= 256), "{counts:?}");
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
    let outcomes = send_all(&producer, 200, plain, |_| Some(ms(500)));
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
        cluster.inject(fault(None, None, Fault::Delay(ms(600))));
    }
    for outcome in send_all(&producer, 50, plain, |_| Some(ms(1000))) {
        outcome.expect("stored in time");
    }
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (5, 1));
}

#[test]
fn what_waits_for_a_silent_broker_has_time_for_another() {
    let cluster = with_topic(2, 1);
    let limit = ("send.max.timeout.per.request.ms", "300");
    let producer = producer(&cluster, &[PRESSURE, limit, ("batch.max.messages", "16")]);
    for _ in 0..2 {
        producer.send(&Message::new("T", b"x"), None).expect("both brokers are known from then on");
    }
    for fault in [on_sends, on_batches] {
        cluster.inject(fault(Some("broker-1"), None, Fault::NoAnswer));
    }
    for outcome in send_all(&producer, 500, plain, |_| Some(ms(2000))) {
        assert_eq!(outcome.expect("stored").broker_name(), "broker-0");
    }
}
