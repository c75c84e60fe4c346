//! The story of a failed send: every attempt with its broker, its time and its reason.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::{cluster, config, enqueue, in_order, ms, on_sends, producer};
use rocketmq_mock::{Fault, FaultRule, MockCluster};
use rocketmq_producer::{
    CompletionQueue, Error, ErrorCode, FailedAttempt, Message, Persistence, Producer, Tag,
};
use rocketmq_protocol::encode::{NoFields, Preamble, encode_frame};
use rocketmq_protocol::frame;
use rocketmq_protocol::header::{Header, flag};
use rocketmq_protocol::language::Language;
use rocketmq_protocol::route::{BrokerData, TopicRoute};

/// Of an attempt that is not the last, and of the whole send.
const LIMIT: Duration = ms(1000);
const TIMEOUT: Duration = ms(4000);

/// The first broker refuses, the second is silent, the third resets; after four attempts it is over.
fn broken_cluster() -> (MockCluster, Producer) {
    let cluster = cluster(3);
    cluster.create_topic("T", 1, 1, 6, None);
    let faults = [Fault::Code { code: 2, remark: Some("busy".into()) }, Fault::NoAnswer, Fault::Reset];
    for (broker, fault) in cluster.broker_names().iter().zip(faults) {
        for code in [310, 320] {
            cluster.inject(FaultRule {
                request_code: Some(code),
                ..on_sends(Some(broker), None, fault.clone())
            });
        }
    }
    let producer = producer(
        &cluster,
        &[
            ("send.max.timeout.per.request.ms", "1000"),
            ("send.timeout.ms", "4000"),
            ("retry.times", "3"),
            ("retry.times.async", "3"),
            // The attempts make up the whole time.
            ("retry.backoff.ms", "0"),
            ("log.level", "off"),
        ],
    );
    (cluster, producer)
}

/// What every attempt at this broker tells.
fn check_attempt(cluster: &MockCluster, attempt: &FailedAttempt, is_last: bool) {
    let told = (attempt.code, attempt.broker_code);
    let (expected, text) = match &*attempt.broker_name {
        "broker-0" => ((ErrorCode::Broker, Some(2)), "code 2 SYSTEM_BUSY: busy"),
        "broker-1" => ((ErrorCode::Timeout, None), "no answer in time"),
        _ => ((ErrorCode::ConnectionLost, None), "connection lost: "),
    };
    assert_eq!(told, expected, "{attempt:?}");
    assert!(attempt.message.starts_with(text), "{attempt:?}");
    assert_eq!(cluster.broker_address(&attempt.broker_name).as_deref(), Some(&*attempt.broker_address));
    let range = match (told.0, is_last) {
        (ErrorCode::Timeout, false) => LIMIT..LIMIT * 2,
        (ErrorCode::Timeout, true) => LIMIT / 2..TIMEOUT,
        _ => Duration::ZERO..LIMIT,
    };
    assert!(range.contains(&attempt.elapsed), "{attempt:?} should take {range:?}");
}

/// Checks a whole story, and gives the brokers in order.
fn check_story(cluster: &MockCluster, error: &Error) -> Vec<String> {
    let history = error.history();
    assert_eq!((error.attempts(), history.len()), (4, 4), "{error:?}");
    for (index, attempt) in history.iter().enumerate() {
        check_attempt(cluster, attempt, index == 3);
    }
    let last = &history[3];
    assert_eq!(
        (error.code(), error.broker_code()),
        (last.code, last.broker_code),
        "the error is the last one's"
    );
    assert_eq!(error.broker_address(), Some(&*last.broker_address));
    for part in [&*last.message, &*last.broker_name, "4 attempt(s)"] {
        assert!(error.message().contains(part), "{error} should name {part}");
    }
    assert_eq!(error.persistence(), Persistence::PossiblyPersisted, "two of three may have stored it");
    let total: Duration = history.iter().map(|attempt| attempt.elapsed).sum();
    assert!(
        total <= error.elapsed() && error.elapsed() < total + LIMIT,
        "{total:?} of {:?}",
        error.elapsed()
    );
    let brokers: Vec<_> = history.iter().map(|attempt| attempt.broker_name.to_string()).collect();
    assert_eq!(brokers[..3].iter().collect::<BTreeSet<_>>().len(), 3, "each in turn: {brokers:?}");
    brokers
}

/// The stories by the broker they begin with, without what differs from time to time.
type Stories = BTreeMap<String, Vec<String>>;

/// Sends begin with one broker after the other, as each takes four of three; now and then one is passed by.
fn stories(cluster: &MockCluster, mut send: impl FnMut() -> Vec<Error>) -> Stories {
    let mut stories = Stories::new();
    for _ in 0..30 {
        if stories.len() == 3 {
            break;
        }
        for error in send() {
            let brokers = check_story(cluster, &error);
            let reasons = error.history().iter().map(|attempt| {
                let reason = (attempt.code.name(), attempt.broker_code, &attempt.message);
                format!("{} {reason:?}", attempt.broker_name)
            });
            stories.insert(brokers[0].clone(), reasons.collect());
        }
    }
    assert_eq!(stories.len(), 3, "all three orders were seen");
    stories
}

#[test]
fn every_attempt_is_told_alike_in_every_mode() {
    let (cluster, producer) = broken_cluster();
    let message = Message::new("T", b"body");
    let sync = stories(&cluster, || vec![producer.send(&message, None).expect_err("all are broken")]);
    let queued = stories(&cluster, || {
        let queue = CompletionQueue::new();
        enqueue(&producer, &message, &queue, 0);
        in_order(&queue, 1).into_iter().map(|outcome| outcome.expect_err("all are broken")).collect()
    });
    assert_eq!(sync, queued);
    let batch = stories(&cluster, || {
        vec![producer.send_batch(&[message; 2], None).expect_err("all are broken").error]
    });
    assert_eq!(sync, batch);
    let members = stories(&cluster, || {
        let queue = CompletionQueue::new();
        producer.send_batch_queued(&[message; 2], None, &queue, &[Tag(0, 0), Tag(1, 0)]).expect("accepted");
        let outcomes = in_order(&queue, 2).into_iter();
        let errors: Vec<_> = outcomes.map(|outcome| outcome.expect_err("all are broken")).collect();
        let brokers = |error: &Error| {
            error.history().iter().map(|attempt| attempt.broker_name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(brokers(&errors[0]), brokers(&errors[1]), "they travel together");
        errors
    });
    assert_eq!(sync, members);
}

#[test]
fn what_was_not_attempted_has_no_story() {
    let (cluster, producer) = broken_cluster();
    cluster.set_auto_create(false);
    let error = producer.send(&Message::new("Missing", b"x"), None).expect_err("no route");
    assert!(error.history().is_empty() && error.attempts() == 0, "{error:?}");
    let error = producer.send(&Message::new("T", b""), None).expect_err("refused");
    assert!(error.history().is_empty() && error.attempts() == 0, "{error:?}");
}

#[test]
fn a_receipt_outweighs_a_later_refusal() {
    let cluster = cluster(2);
    cluster.create_topic("T", 1, 1, 6, None);
    let producer =
        producer(&cluster, &[("retry.another.broker.when.not.store.ok", "true"), ("retry.times", "1")]);
    cluster.inject(on_sends(None, Some(1), Fault::StoredButCode { code: 10 }));
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 13, remark: None }));
    let receipt = producer.send(&Message::new("T", b"x"), None).expect("it is stored all the same");
    assert_eq!(receipt.attempts(), 1, "that of the receipt");
    assert_eq!(cluster.request_count(310), 2);
}

/// A name server with one answer, whatever is asked. It serves one connection until its end.
fn name_server(route: &TopicRoute) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let body = route.to_json(true);
    let serve = move || {
        let (mut socket, _) = listener.accept().expect("a caller");
        let (mut inbound, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            let read = socket.read(&mut chunk).unwrap_or_default();
            if read == 0 {
                return;
            }
            inbound.extend_from_slice(&chunk[..read]);
            while let Some((request, len)) = frame::split(&inbound).expect("a frame") {
                let opaque = Header::decode(request.encoding, request.header).expect("a header").opaque;
                let language = Language::Java;
                let preamble =
                    Preamble { code: 0, language, version: 400, opaque, flag: flag::RESPONSE, remark: None };
                let mut answer = Vec::new();
                encode_frame(&mut answer, request.encoding, &preamble, &NoFields, &[&body]).expect("a frame");
                socket.write_all(&answer).expect("written");
                inbound.drain(..len);
            }
        }
    };
    (address, thread::spawn(serve))
}

/// An order configuration may name brokers that no master is known of.
#[test]
fn a_broker_without_a_master_is_named_and_the_next_attempt_goes_elsewhere() {
    let cluster = cluster(1);
    cluster.create_topic("T", 1, 1, 6, None);
    let known = BrokerData {
        broker_name: "broker-0".to_owned(),
        broker_addrs: BTreeMap::from([(0, cluster.broker_address("broker-0").expect("an address"))]),
        ..BrokerData::default()
    };
    for (order, stored) in [("ghost:3;broker-0:1", true), ("ghost:3", false)] {
        let route = TopicRoute {
            order_topic_conf: Some(order.to_owned()),
            broker_datas: vec![known.clone()],
            ..TopicRoute::default()
        };
        let (address, served) = name_server(&route);
        let producer = Producer::new(&config(&address, &[])).expect("a producer");
        for _ in 0..4 {
            match producer.send(&Message::new("T", b"x"), None) {
                Ok(receipt) => assert!(stored && receipt.attempts() <= 2, "{receipt:?}"),
                Err(error) => {
                    assert!(!stored, "{error}");
                    assert_eq!((error.code(), error.history().len()), (ErrorCode::NoRoute, 3));
                    for attempt in error.history() {
                        assert_eq!((&*attempt.broker_name, &*attempt.broker_address), ("ghost", ""));
                    }
                }
            }
        }
        producer.close(ms(1000)).expect("closed");
        drop(producer);
        served.join().expect("served");
    }
}

/// A batch stays one batch when the broker of its queue has no master.
#[test]
fn a_batch_whose_broker_has_no_master_goes_elsewhere_as_one() {
    let cluster = cluster(1);
    cluster.create_topic("T", 4, 4, 6, None);
    let known = BrokerData {
        broker_name: "broker-0".to_owned(),
        broker_addrs: BTreeMap::from([(0, cluster.broker_address("broker-0").expect("an address"))]),
        ..BrokerData::default()
    };
    let route = TopicRoute {
        order_topic_conf: Some("ghost:1;broker-0:4".to_owned()),
        broker_datas: vec![known],
        ..TopicRoute::default()
    };
    let (address, served) = name_server(&route);
    let producer = Producer::new(&config(&address, &[])).expect("a producer");
    let messages = [Message::new("T", b"x"); 8];
    for _ in 0..5 {
        let receipts = producer.send_batch(&messages, None).expect("stored");
        assert!(receipts.windows(2).all(|pair| pair[0].queue_id() == pair[1].queue_id()), "one queue");
    }
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (0, 5));
    producer.close(ms(1000)).expect("closed");
    drop(producer);
    served.join().expect("served");
}
