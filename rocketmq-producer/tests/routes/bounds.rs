//! Counts that a name server says are not believed.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rocketmq_producer::{ErrorCode, Producer};

use crate::common::{Lines, PATIENCE, becomes_true, cluster, config, send, with_topic};
use crate::name_server::{NameServer, route};

#[test]
fn a_count_beyond_its_bound_fails_the_send_and_says_so() {
    let cluster = cluster(1);
    let producer = Producer::new(&config(&cluster.name_server(), &[])).expect("a producer");
    for count in [i32::MAX, 65_537, -1, i32::MIN] {
        cluster.create_topic("T", 1, count, 6, None);
        let error = send(&producer, "T").expect_err("refused");
        assert_eq!(error.code(), ErrorCode::Protocol, "{error}");
        for part in ["writeQueueNums", "broker-0", &count.to_string(), "65536", &cluster.name_server()] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }
    cluster.create_topic("T", 1, 65_536, 6, None);
    send(&producer, "T").expect("stored");
    assert_eq!(producer.queues("T", PATIENCE).expect("queues").len(), 65_536);
}

#[test]
fn a_refresh_beyond_a_bound_leaves_what_is_known() {
    let cluster = with_topic(2, 4);
    let mut config = config(&cluster.name_server(), &[("route.refresh.interval.ms", "10")]);
    let lines = Lines::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    send(&producer, "T").expect("stored");
    cluster.create_topic("T", 4, i32::MAX, 6, Some(&["broker-1"]));
    assert!(becomes_true(|| lines.count("2147483647") > 0), "told in the log");
    assert_eq!(producer.queues("T", PATIENCE).expect("queues").len(), 8);
    send(&producer, "T").expect("stored");
    cluster.create_topic("T", 5, 5, 6, None);
    assert!(becomes_true(|| producer.queues("T", PATIENCE).expect("queues").len() == 10));
}

/// Many brokers at one port of this machine, each at another address; the number of connections to them.
fn brokers(count: usize) -> (Vec<(String, String)>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let accepted = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&accepted);
    thread::spawn(move || {
        let mut connections = Vec::new();
        for stream in listener.incoming() {
            connections.extend(stream);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let address = |number: usize| format!("127.1.{}.{}:{port}", number / 250, number % 250 + 1);
    ((0..count).map(|number| (format!("b{number}"), address(number))).collect(), accepted)
}

fn as_refs(brokers: &[(String, String)]) -> Vec<(&str, &str)> {
    brokers.iter().map(|(name, address)| (name.as_str(), address.as_str())).collect()
}

#[test]
fn heartbeats_do_not_take_all_descriptors() {
    const BOUND: usize = 256;
    let (brokers, accepted) = brokers(2 * BOUND);
    let server = NameServer::start();
    server.set("T", &route(&as_refs(&brokers)));
    let settings =
        [("heartbeat.interval.ms", "50"), ("api.timeout.ms", "30000"), ("route.refresh.interval.ms", "20")];
    let producer = Producer::new(&config(&server.address(), &settings)).expect("a producer");
    assert_eq!(producer.queues("T", PATIENCE).expect("queues").len(), 2 * BOUND * 4);
    assert!(becomes_true(|| accepted.load(Ordering::SeqCst) >= BOUND));
    // Some rounds later there are no more, though every heartbeat went unanswered.
    let rounds = server.asked("T") + 10;
    assert!(becomes_true(|| {
        producer.queues("T", PATIENCE).expect("queues");
        server.asked("T") >= rounds
    }));
    assert_eq!(accepted.load(Ordering::SeqCst), BOUND);
}

#[test]
fn the_largest_route_there_may_be_is_taken() {
    let brokers: Vec<_> =
        (0..4096).map(|n| (format!("{n:0>200}"), format!("127.0.0.1:{}", n % 9 + 1))).collect();
    let server = NameServer::start();
    server.set("large", &route(&as_refs(&brokers)));
    let producer = Producer::new(&config(&server.address(), &[])).expect("a producer");
    assert_eq!(producer.queues("large", PATIENCE).expect("queues").len(), 4 * 4096);
}
