//! Topics that nobody needs any more.

use std::collections::BTreeSet;

use rocketmq_producer::{ErrorCode, Producer};

use crate::common::{PRESSURE, becomes_true, cluster, config, enqueue, in_order, send};
use crate::name_server::NameServer;

fn topics(producer: &Producer) -> BTreeSet<String> {
    let stats = producer.stats().expect("statistics");
    stats.topics.iter().map(|topic| topic.name.to_string()).collect()
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

#[test]
fn what_has_no_route_is_not_asked_for_for_ever() {
    let server = NameServer::start();
    let settings = [("route.refresh.interval.ms", "10"), ("topics", "Later")];
    let producer = Producer::new(&config(&server.address(), &settings)).expect("a producer");
    for topic in names("Mistyped", 100) {
        let error = send(&producer, &topic).expect_err("nobody knows it");
        assert_eq!(error.code(), ErrorCode::NoRoute);
    }
    assert!(becomes_true(|| topics(&producer) == BTreeSet::from(["Later".to_owned()])));
    let others = || server.asked_in_all() - server.asked("Later");
    let (before, refreshes) = (others(), server.asked("Later") + 20);
    assert!(
        becomes_true(|| server.asked("Later") >= refreshes),
        "what is configured is asked for all the same"
    );
    // `TBW102` with it, in look-ups only.
    assert_eq!(others(), before);
}

#[test]
fn what_is_not_used_any_more_is_forgotten_and_found_again() {
    for (key, value) in [PRESSURE, ("batch.auto", "off")] {
        let cluster = cluster(1);
        let settings = [
            ("route.refresh.interval.ms", "10"),
            ("topic.expiry.ms", "200"),
            ("topics", "Kept"),
            (key, value),
        ];
        let producer = Producer::new(&config(&cluster.name_server(), &settings)).expect("a producer");
        let queue = rocketmq_producer::CompletionQueue::new();
        for (number, topic) in names("Once", 50).iter().enumerate() {
            enqueue(&producer, &rocketmq_producer::Message::new(topic, b"x"), &queue, number);
        }
        assert!(in_order(&queue, 50).iter().all(Result::is_ok));
        let left = BTreeSet::from(["Kept".to_owned(), "Used".to_owned()]);
        assert!(becomes_true(|| {
            send(&producer, "Used").expect("stored");
            topics(&producer) == left
        }));
        for topic in names("Once", 50) {
            send(&producer, &topic).expect("stored");
        }
        assert!(becomes_true(|| topics(&producer) == BTreeSet::from(["Kept".to_owned()])));
    }
}

#[test]
fn nothing_is_forgotten_without_an_expiry() {
    let cluster = cluster(1);
    let settings = [("route.refresh.interval.ms", "10"), ("topic.expiry.ms", "0")];
    let producer = Producer::new(&config(&cluster.name_server(), &settings)).expect("a producer");
    send(&producer, "T").expect("stored");
    let asked = cluster.request_count(105) + 20;
    assert!(becomes_true(|| cluster.request_count(105) >= asked));
    assert_eq!(topics(&producer).len(), 1);
}
