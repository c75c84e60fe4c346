//! Latency fault tolerance on a cluster whose brokers misbehave.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::time::Instant;

use common::{PATIENCE, cluster, config, ms, on_sends, producer, send};
use rocketmq_mock::Fault;
use rocketmq_producer::{ErrorCode, Producer};

const ON: (&str, &str) = ("send.latency.enable", "true");

#[test]
fn a_broker_that_refused_is_left_alone() {
    let cluster = cluster(2);
    cluster.create_topic("T", 2, 2, 6, None);
    let producer = producer(&cluster, &[ON]);
    cluster.inject(on_sends(Some("broker-0"), None, Fault::Code { code: 2, remark: None }));
    let attempts: u32 = (0..40).map(|_| send(&producer, "T").expect("stored").attempts()).sum();
    assert_eq!(attempts, 41, "it was tried once");
    cluster.clear_faults();
    for _ in 0..4 {
        assert_eq!(send(&producer, "T").expect("stored").broker_name(), "broker-1", "the ban lasts");
    }
}

#[test]
fn a_slow_broker_gets_less_for_a_while() {
    let cluster = cluster(2);
    cluster.create_topic("T", 1, 1, 6, None);
    let tables = [ON, ("latency.max.ms", "2000"), ("not.available.duration.ms", "60000")];
    let producer = producer(&cluster, &tables);
    for _ in 0..2 {
        send(&producer, "T").expect("warm");
    }
    cluster.inject(on_sends(Some("broker-1"), Some(1), Fault::Delay(ms(2500))));
    for _ in 0..20 {
        send(&producer, "T").expect("stored");
    }
    let counts = cluster.queue_counts("T");
    let of = |name: &str| {
        counts.iter().filter(|((broker, _), _)| broker == name).map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!(of("broker-1"), 2, "one before and the slow one: {counts:?}");
}

/// With every broker banned, those that can be reached are taken: the slow one at first, and the one that was
/// reset as soon as a probe has reached it.
#[test]
fn the_detector_brings_a_broker_back() {
    let cluster = cluster(2);
    cluster.create_topic("T", 1, 1, 6, None);
    let detected = [
        ON,
        ("start.detector.enable", "true"),
        ("detect.interval.ms", "20"),
        ("latency.max.ms", "2000"),
        ("not.available.duration.ms", "60000"),
    ];
    let producer = producer(&cluster, &detected);
    for _ in 0..2 {
        send(&producer, "T").expect("warm");
    }
    cluster.inject(on_sends(Some("broker-0"), Some(1), Fault::Reset));
    cluster.inject(on_sends(Some("broker-1"), Some(1), Fault::Delay(ms(2500))));
    let deadline = Instant::now() + PATIENCE;
    assert_eq!(send(&producer, "T").expect("stored").broker_name(), "broker-1");
    while send(&producer, "T").expect("stored").broker_name() != "broker-0" {
        assert!(Instant::now() < deadline, "broker-0 never came back");
    }
    assert!(cluster.request_count(30) > 0, "it was probed");
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let bad = [("latency.max.ms", "5,4"), ("latency.max.ms", "50"), ("not.available.duration.ms", "1,2")];
    for setting in bad {
        let error = Producer::new(&config("127.0.0.1:1", &[setting])).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::InvalidValue);
        assert!(error.message().contains("latency.max.ms"), "{error}");
    }
}
