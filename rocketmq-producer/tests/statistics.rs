//! Statistics against what the mock counted and what callers saw.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use common::{
    LATE, PATIENCE, PRESSURE, becomes_true, enqueue, in_order, ms, on_batches, on_sends, producer, send,
    with_topic,
};
use rocketmq_mock::{Fault, MockCluster};
use rocketmq_producer::{
    CompletionQueue, Destination, Error, ErrorCode, Message, Producer, Receipt, Stats, Tag,
};
use serde_json::Value as Json;

fn stats(producer: &Producer) -> Stats {
    producer.stats().expect("statistics")
}

/// Requests with messages that came to each broker, those that met a fault among them.
fn sends_by_broker(cluster: &MockCluster) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<_, _> = cluster.broker_names().into_iter().map(|name| (name, 0)).collect();
    for request in cluster.requests().iter().filter(|request| matches!(request.code, 310 | 320)) {
        *counts.entry(request.server.clone()).or_default() += 1;
    }
    counts
}

fn attempts_by_broker(stats: &Stats) -> BTreeMap<String, u64> {
    stats.brokers.iter().map(|broker| (broker.name.to_string(), broker.attempts)).collect()
}

/// What callers saw, added up.
#[derive(Default)]
struct Tally {
    accepted: u64,
    bytes: u64,
    stored: u64,
    failed: HashMap<&'static str, u64>,
    retries: u64,
    oneway: u64,
}

impl Tally {
    fn accept(&mut self, message: &Message<'_>) {
        self.accepted += 1;
        self.bytes += message.body.len() as u64;
    }

    fn end(&mut self, outcome: &Result<Receipt, Error>) {
        let attempts = match outcome {
            Ok(receipt) => {
                self.stored += 1;
                receipt.attempts()
            }
            Err(error) => {
                *self.failed.entry(error.name()).or_default() += 1;
                error.attempts()
            }
        };
        self.retries += u64::from(attempts.saturating_sub(1));
    }

    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.bytes += other.bytes;
        self.stored += other.stored;
        self.retries += other.retries;
        self.oneway += other.oneway;
        for (name, count) in &other.failed {
            *self.failed.entry(name).or_default() += count;
        }
    }

    fn check(&self, stats: &Stats) {
        assert_eq!((stats.accepted, stats.accepted_bytes), (self.accepted, self.bytes));
        assert_eq!((stats.succeeded, stats.oneway_written), (self.stored, self.oneway));
        let failed: HashMap<_, _> = stats
            .failed
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(code, count)| (code.name(), count))
            .collect();
        assert_eq!(failed, self.failed);
        assert_eq!(stats.retries, self.retries);
        assert_eq!(stats.accepted, stats.succeeded + stats.failed.total() + stats.oneway_written);
        assert_eq!(stats.latency.count, stats.succeeded);
    }
}

/// One thread's part: each mode in turn, with bodies of different sizes.
fn send_in_all_modes(producer: &Producer, rounds: usize, seed: usize) -> Tally {
    let mut tally = Tally::default();
    let queue = CompletionQueue::new();
    let mut queued = 0;
    for round in 0..rounds {
        let body = vec![b'x'; 1 + (round * 7 + seed) % 50];
        let message = Message::new("T", &body);
        match round % 4 {
            0 => {
                tally.accept(&message);
                tally.end(&producer.send(&message, None));
            }
            1 => {
                tally.accept(&message);
                producer.send_oneway(&message, None).expect("accepted");
                tally.oneway += 1;
            }
            2 => {
                let batch = vec![message; 2 + round % 5];
                let tags: Vec<_> = (0..batch.len()).map(|index| Tag(queued + index, 0)).collect();
                producer.send_batch_queued(&batch, None, &queue, &tags).expect("accepted");
                batch.iter().for_each(|message| tally.accept(message));
                queued += batch.len();
            }
            _ => {
                tally.accept(&message);
                enqueue(producer, &message, &queue, queued);
                queued += 1;
            }
        }
    }
    in_order(&queue, queued).iter().for_each(|outcome| tally.end(outcome));
    tally
}

#[test]
fn counts_of_several_threads_agree_with_callers_and_brokers() {
    for setting in [("batch.auto", "off"), PRESSURE] {
        let cluster = with_topic(3, 4);
        cluster.set_recording(true);
        let producer = producer(&cluster, &[setting]);
        producer.queues("T", PATIENCE).expect("known");
        for (code, times) in [(14, 30), (13, 7), (2, 20)] {
            let fault = Fault::Code { code, remark: None };
            // One-way messages that meet one are lost: those of the first broker.
            cluster.inject(on_sends(Some("broker-0"), Some(times), fault.clone()));
            cluster.inject(on_batches(Some("broker-1"), Some(times), fault));
        }
        let total = Mutex::new(Tally::default());
        thread::scope(|scope| {
            for seed in 0..4 {
                let (producer, total) = (&producer, &total);
                scope.spawn(move || {
                    let tally = send_in_all_modes(producer, 200, seed);
                    total.lock().expect("no panic").add(&tally);
                });
            }
        });
        producer.flush(PATIENCE).expect("all are through");
        let tally = total.into_inner().expect("no panic");
        let now = stats(&producer);
        tally.check(&now);
        assert!(tally.retries >= 50 && tally.failed["BROKER"] >= 7, "the faults were met");
        assert!(cluster.wait_until(PATIENCE, |cluster| {
            sends_by_broker(cluster).values().sum::<u64>() == now.attempts
        }));
        assert_eq!(attempts_by_broker(&now), sends_by_broker(&cluster));
        assert_eq!(now.wire_batches, cluster.request_count(320));
        let requests = cluster.requests();
        let oneway = requests.iter().filter(|request| request.code == 310 && request.flag & 2 != 0).count();
        assert_eq!(now.oneway_written, oneway as u64);
        let sum = |read: fn(&rocketmq_producer::stats::BrokerStats) -> u64| {
            now.brokers.iter().map(read).sum::<u64>()
        };
        assert_eq!(sum(|broker| broker.succeeded) + sum(|broker| broker.failed) + tally.oneway, now.attempts);
        assert!(now.brokers.iter().all(|broker| broker.latency.count == broker.succeeded));
        let lost = cluster.stored_count("T").abs_diff(tally.stored + tally.oneway);
        assert!(lost <= 57, "only one-way messages that met a fault: {lost}");
        assert_eq!((now.in_flight, now.in_flight_bytes), (0, 0));
    }
}

#[test]
fn wire_batches_are_counted_with_their_members() {
    let cluster = with_topic(2, 2);
    let producer = producer(&cluster, &[]);
    let message = Message::new("T", b"12345");
    producer.send_batch(&[message; 7], None).expect("stored");
    producer.send_batch(&[message; 3], None).expect("stored");
    let now = stats(&producer);
    assert_eq!((now.wire_batches, now.wire_batch_messages, now.attempts), (2, 10, 2));
    assert_eq!((now.accepted, now.accepted_bytes, now.succeeded, now.latency.count), (10, 50, 10, 10));
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 14, remark: None }));
    producer.send_batch(&[message; 4], None).expect("stored");
    let now = stats(&producer);
    assert_eq!((now.wire_batches, now.wire_batch_messages, now.attempts, now.retries), (4, 18, 4, 4));
    let failed: u64 = now.brokers.iter().map(|broker| broker.failed).sum();
    let stored: u64 = now.brokers.iter().map(|broker| broker.succeeded).sum();
    assert_eq!(
        (failed, stored, now.succeeded),
        (1, 3, 14),
        "brokers count requests, producers count messages"
    );
}

/// A batch that is taken apart: each of its messages got another attempt.
#[test]
fn messages_of_a_parted_batch_are_retried_ones() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE]);
    producer.queues("T", PATIENCE).expect("a route");
    let held = cluster.inject(on_sends(None, Some(4), Fault::Hold));
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 13, remark: None }));
    let queue = CompletionQueue::new();
    let mut tally = Tally::default();
    let message = Message::new("T", b"body");
    for index in 0..30 {
        tally.accept(&message);
        enqueue(&producer, &message, &queue, index);
    }
    cluster.remove_fault(held);
    in_order(&queue, 30).iter().for_each(|outcome| tally.end(outcome));
    assert!(tally.retries > 0, "the batch was refused");
    tally.check(&stats(&producer));
}

#[test]
fn what_is_refused_at_the_call_is_counted_by_its_reason() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("in.flight.max.messages", "2")]);
    let queue = CompletionQueue::new();
    let good = Message::new("T", b"body");
    for _ in 0..3 {
        producer.send(&Message::new("T", b""), None).expect_err("empty");
    }
    let bad = Message::new("no topic", b"body");
    producer.send_batch(&[good, bad], None).expect_err("a bad name, and no batch");
    (0..2).for_each(|index| enqueue(&producer, &good, &queue, index));
    producer.send_queued(&good, None, &queue, Tag(2, 0)).expect_err("full");
    producer.flush(PATIENCE).expect("answered");
    let now = stats(&producer);
    assert_eq!((now.accepted, now.succeeded, now.in_flight, now.in_flight_bytes), (2, 2, 2, 8));
    let by = |code| now.rejected.get(code);
    assert_eq!((by(ErrorCode::MessageIllegal), by(ErrorCode::QueueFull), now.rejected.total()), (5, 1, 6));
    assert!(in_order(&queue, 2).iter().all(Result::is_ok));
    assert_eq!((stats(&producer).in_flight, cluster.request_count(310)), (0, 2));
    producer.close(PATIENCE).expect("closed");
    send(&producer, "T").expect_err("closed");
    assert_eq!(stats(&producer).rejected.get(ErrorCode::Closed), 1, "they can be read after the close");
}

#[test]
fn what_no_broker_got_is_no_attempt() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("log.level", "off")]);
    let nowhere = Destination::Queue { broker: "broker-9", queue_id: 0 };
    let bound = Message { destination: nowhere, ..Message::new("T", b"body") };
    producer.send(&bound, None).expect_err("no such queue");
    producer.send_oneway(&bound, None).expect("accepted, and lost");
    producer.flush(PATIENCE).expect("over");
    let now = stats(&producer);
    assert_eq!((now.attempts, now.retries, now.oneway_written), (0, 0, 0));
    assert_eq!((now.accepted, now.failed.get(ErrorCode::NoRoute)), (2, 2));
    cluster.crash_broker("broker-0").expect("stopped");
    let error = send(&producer, "T").expect_err("nobody there");
    let now = stats(&producer);
    assert_eq!((now.attempts, now.brokers[0].failed), (3, 3), "connections that could not be made are");
    assert_eq!((error.attempts(), now.retries), (3, 2));
}

#[test]
fn latencies_are_those_of_the_delays() {
    let cluster = with_topic(1, 4);
    let producer = producer(&cluster, &[("batch.auto", "off")]);
    send(&producer, "T").expect("warm");
    let queue = CompletionQueue::new();
    cluster.inject(on_sends(None, Some(10), Fault::Delay(ms(800))));
    for index in 0..199 {
        enqueue(&producer, &Message::new("T", b"body"), &queue, index);
    }
    assert!(in_order(&queue, 199).iter().all(Result::is_ok));
    let now = stats(&producer);
    for latency in [now.latency, now.brokers[0].latency] {
        assert_eq!(latency.count, 200);
        assert!(latency.p50 < ms(800) && latency.p90 < ms(800), "190 were quick: {latency:?}");
        // Percentiles are 1/32 away at most.
        let slow = ms(770)..LATE;
        assert!(slow.contains(&latency.p99) && slow.contains(&latency.p999), "10 were slow: {latency:?}");
        assert!(latency.max >= ms(800) && latency.p999 <= latency.max, "{latency:?}");
        assert!(latency.p50 <= latency.p90 && latency.p90 <= latency.p99 && latency.p99 <= latency.p999);
        assert!(latency.sum >= ms(8000) && latency.mean() >= ms(40), "{latency:?}");
    }
    assert!(now.brokers[0].latency.max <= now.latency.max, "an attempt is a part of its send");
}

#[test]
fn a_retried_send_takes_longer_than_its_last_attempt() {
    let cluster = with_topic(2, 1);
    let producer = producer(&cluster, &[("send.max.timeout.per.request.ms", "1000")]);
    cluster.inject(on_sends(None, Some(1), Fault::NoAnswer));
    let receipt = send(&producer, "T").expect("the other broker");
    let now = stats(&producer);
    assert!(now.latency.max >= ms(1000) && now.latency.max <= receipt.elapsed() + LATE, "{:?}", now.latency);
    let attempts = now.brokers.iter().map(|broker| broker.latency.max);
    assert!(attempts.max().expect("two brokers") < ms(1000), "{:?}", now.brokers);
}

#[test]
fn bans_and_unreachable_brokers_can_be_seen() {
    let cluster = with_topic(2, 1);
    let producer = producer(&cluster, &[("send.latency.enable", "true"), ("retry.times", "1")]);
    producer.queues("T", PATIENCE).expect("known");
    let broker = |index: usize| stats(&producer).brokers.swap_remove(index);
    for index in 0..2 {
        let fine = broker(index);
        assert!(fine.available && fine.reachable && fine.banned_for.is_zero(), "{fine:?}");
        assert_eq!(fine.address.as_deref(), cluster.broker_address(&fine.name).as_deref());
    }
    cluster.inject(on_sends(Some("broker-0"), None, Fault::Code { code: 14, remark: None }));
    for _ in 0..2 {
        assert_eq!(send(&producer, "T").expect("stored").broker_name(), "broker-1");
    }
    let refused = broker(0);
    assert!(!refused.available && !refused.reachable, "{refused:?}");
    assert!(refused.banned_for > ms(0) && refused.banned_for <= ms(10_000), "{:?}", refused.banned_for);
    assert!(broker(0).banned_for < refused.banned_for, "time passes");
    assert!(broker(1).available && broker(1).reachable);
    cluster.inject(on_sends(Some("broker-1"), Some(1), Fault::Delay(ms(560))));
    send(&producer, "T").expect("stored");
    let slow = broker(1);
    assert!(!slow.available && slow.reachable, "{slow:?}");
    assert!(slow.banned_for > ms(1000) && slow.banned_for <= ms(2000), "{:?}", slow.banned_for);

    let text = stats(&producer).to_json();
    let json: Json = serde_json::from_str(&text).expect("JSON");
    let of = |name: &str, key: &str| json["brokers"][name][key].clone();
    assert_eq!((of("broker-0", "available"), of("broker-0", "reachable")), (false.into(), false.into()));
    assert_eq!((of("broker-1", "available"), of("broker-1", "reachable")), (false.into(), true.into()));
    assert!(
        of("broker-0", "banned_ms").as_u64().is_some_and(|left| (5_000..=10_000).contains(&left)),
        "{text}"
    );

    let plain = common::producer(&cluster, &[]);
    send(&plain, "T").expect("stored");
    assert!(stats(&plain).brokers.iter().all(|broker| broker.available && broker.banned_for.is_zero()));
}

#[test]
fn the_age_of_a_route_grows_until_it_is_confirmed() {
    let cluster = with_topic(2, 3);
    let age = |producer: &Producer| stats(producer).topics[0].route_age;
    let slow = producer(&cluster, &[]);
    assert!(stats(&slow).topics.is_empty());
    slow.queues("T", PATIENCE).expect("known");
    let young = age(&slow).expect("a route");
    assert!(young < PATIENCE && age(&slow).is_some_and(|older| older > young));
    assert_eq!(stats(&slow).topics[0].writable_queues, 6);
    let fast = producer(&cluster, &[("route.refresh.interval.ms", "10")]);
    fast.queues("T", PATIENCE).expect("known");
    let last = std::cell::Cell::new(Duration::ZERO);
    let is_younger = || age(&fast).is_some_and(|age| age < last.replace(age));
    for _ in 0..3 {
        assert!(becomes_true(is_younger), "confirmed, though the route is the same");
    }
    cluster.set_auto_create(false);
    send(&slow, "Missing").expect_err("no such topic");
    let missing = stats(&slow).topics.into_iter().find(|topic| &*topic.name == "Missing").expect("asked for");
    assert_eq!((missing.route_age, missing.writable_queues), (None, 0));
}

/// The samples of a text in Prometheus's format: name and labels but for those of the producer, and the value.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (place, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = place.strip_suffix('}').and_then(|place| place.split_once('{')).expect("labels");
        let own: Vec<_> = labels
            .split(',')
            .filter(|label| !label.starts_with("group=") && !label.starts_with("client_id="))
            .collect();
        let key = format!("{name}{{{}}}", own.join(","));
        assert!(samples.insert(key, value.parse().expect("a number")).is_none(), "twice: {line}");
    }
    samples
}

#[test]
fn json_and_prometheus_texts_say_what_the_struct_says() {
    let cluster = with_topic(2, 2);
    let producer = producer(&cluster, &[("send.latency.enable", "true"), ("log.level", "off")]);
    cluster.inject(on_sends(None, Some(2), Fault::Code { code: 14, remark: None }));
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 13, remark: None }));
    let message = Message::new("T", b"12345");
    for _ in 0..20 {
        producer.send(&message, None).expect("stored");
    }
    producer.send_batch(&[message; 5], None).expect_err("refused");
    producer.send_batch(&[message; 6], None).expect("stored");
    producer.send_oneway(&message, None).expect("accepted");
    producer.send(&Message::new("T", b""), None).expect_err("empty");
    producer.flush(PATIENCE).expect("over");
    let now = stats(&producer);
    let json: Json = serde_json::from_str(&now.to_json()).expect("JSON");
    let prometheus = samples(&now.to_prometheus());
    assert_eq!(
        (json["group"].as_str(), json["client_id"].as_str()),
        (Some("test-group"), Some(producer.client_id()))
    );
    let everywhere = |path: &str, sample: &str, value: u64| {
        let in_json = path.split('.').fold(&json, |json, key| &json[key]);
        assert_eq!(in_json.as_u64(), Some(value), "{path}");
        assert_eq!(now.get(path), Some(value as f64), "{path}");
        assert_eq!(prometheus.get(sample), Some(&(value as f64)), "{sample}");
    };
    let counters = [
        ("accepted", 32, now.accepted),
        ("succeeded", 26, now.succeeded),
        ("oneway_written", 1, now.oneway_written),
        ("attempts", 25, now.attempts),
        ("retries", 2, now.retries),
        ("wire_batches", 2, now.wire_batches),
        ("wire_batch_messages", 11, now.wire_batch_messages),
    ];
    for (name, expected, value) in counters {
        assert_eq!(value, expected, "{name}");
        everywhere(name, &format!("rmq_producer_{name}_total{{}}"), value);
    }
    everywhere("failed.BROKER", "rmq_producer_failed_total{code=\"BROKER\"}", 5);
    everywhere("rejected.MESSAGE_ILLEGAL", "rmq_producer_rejected_total{code=\"MESSAGE_ILLEGAL\"}", 1);
    everywhere("latency_us.count", "rmq_producer_latency_seconds_count{}", 26);
    everywhere("in_flight", "rmq_producer_in_flight{}", 0);
    everywhere("topics.T.writable_queues", "rmq_producer_topic_writable_queues{topic=\"T\"}", 4);
    for broker in &now.brokers {
        for (name, value) in
            [("attempts", broker.attempts), ("succeeded", broker.succeeded), ("failed", broker.failed)]
        {
            let sample = format!("rmq_producer_broker_{name}_total{{broker=\"{}\"}}", broker.name);
            everywhere(&format!("brokers.{}.{name}", broker.name), &sample, value);
        }
    }
    assert_eq!(prometheus["rmq_producer_latency_seconds{quantile=\"0.5\"}"], now.latency.p50.as_secs_f64());
    assert_eq!(json["latency_us"]["p50"].as_u64(), u64::try_from(now.latency.p50.as_micros()).ok());
}
