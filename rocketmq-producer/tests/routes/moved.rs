//! A broker that comes back under its name at another address.

use std::time::Instant;

use rocketmq_mock::MockCluster;
use rocketmq_producer::{CompletionQueue, Destination, ErrorCode, Message, Producer};

use socket2::{Domain, Socket, Type};

use crate::common::{PATIENCE, becomes_true, config, enqueue, in_order, ms, poll, send, with_topic};
use crate::name_server::{NameServer, route};

/// Routes are refreshed by need only.
const NO_REFRESH: (&str, &str) = ("route.refresh.interval.ms", "3600000");

fn address(cluster: &MockCluster) -> String {
    cluster.broker_address("broker-0").expect("an address")
}

/// A port that refuses connections, and that nobody else gets.
fn refusing() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
    socket.bind(&any.into()).expect("a port");
    socket
}

fn producer(server: &NameServer, settings: &[(&str, &str)]) -> Producer {
    let settings = [&[NO_REFRESH, ("send.timeout.ms", "20000")], settings].concat();
    Producer::new(&config(&server.address(), &settings)).expect("a producer")
}

#[test]
fn sends_follow_the_only_broker_to_its_new_address() {
    for settings in [[("retry.backoff.ms", "100")], [("retry.backoff.ms", "0")]] {
        let (old, new) = (with_topic(1, 4), with_topic(1, 4));
        let server = NameServer::start();
        server.set("T", &route(&[("broker-0", &address(&old))]));
        let producer = producer(&server, &settings);
        send(&producer, "T").expect("stored");
        old.stop();
        server.set("T", &route(&[("broker-0", &address(&new))]));
        // Also those that may go nowhere else, and those that nobody waits for.
        let bound = Message {
            destination: Destination::Queue { broker: "broker-0", queue_id: 1 },
            ..Message::new("T", b"bound")
        };
        let queue = CompletionQueue::new();
        for number in 0..50 {
            send(&producer, "T").expect("stored");
            enqueue(&producer, &bound, &queue, number);
        }
        assert!(in_order(&queue, 50).iter().all(Result::is_ok));
        assert_eq!(new.stored_count("T"), 100, "not one was lost");
        assert!(server.asked("T") <= 3, "{}", server.asked("T"));
    }
}

/// A topic whose only broker has gone from one address to the other, and a name server that knows it but keeps its answers back.
struct Moving {
    new: MockCluster,
    server: NameServer,
    producer: Producer,
    queue: CompletionQueue,
}

impl Moving {
    fn begin(settings: &[(&str, &str)]) -> Self {
        let (old, new) = (with_topic(1, 4), with_topic(1, 4));
        let server = NameServer::start();
        server.set("T", &route(&[("broker-0", &address(&old))]));
        let producer = producer(&server, settings);
        send(&producer, "T").expect("stored");
        server.set_silent(true);
        old.stop();
        server.set("T", &route(&[("broker-0", &address(&new))]));
        Self { new, server, producer, queue: CompletionQueue::new() }
    }

    /// Enqueues sends, and waits until the name server is asked where the broker is.
    fn send(&self, count: usize) {
        for number in 0..count {
            enqueue(&self.producer, &Message::new("T", b"x"), &self.queue, number);
        }
        assert!(becomes_true(|| self.server.asked("T") == 2));
    }
}

#[test]
fn a_send_waits_until_the_name_server_says_where_its_only_broker_is() {
    for backoff in ["0", "10"] {
        let moving = Moving::begin(&[("retry.backoff.ms", backoff)]);
        moving.send(100);
        // All attempts together would take less time.
        assert_eq!(poll(&moving.queue, &mut Vec::new(), 1, ms(500)), 0, "the question is open");
        moving.server.answer_all();
        assert!(in_order(&moving.queue, 100).iter().all(Result::is_ok));
        assert_eq!(moving.new.stored_count("T"), 100, "not one was lost");
    }
}

#[test]
fn a_send_waits_no_longer_than_its_time_for_a_name_server_that_is_silent() {
    let moving = Moving::begin(&[("send.timeout.ms", "1000"), ("api.timeout.ms", "3600000")]);
    moving.send(10);
    for result in in_order(&moving.queue, 10) {
        let error = result.expect_err("nobody knows where the broker is");
        assert_eq!(error.code(), ErrorCode::Connect);
        assert!(error.attempts() > 1, "there was time for another attempt: {error}");
    }
}

#[test]
fn a_close_ends_sends_that_wait_for_the_name_server() {
    let moving = Moving::begin(&[]);
    moving.send(10);
    moving.producer.close(ms(0)).expect_err("sends were left");
    for result in in_order(&moving.queue, 10) {
        assert_eq!(result.expect_err("closed").code(), ErrorCode::Closed);
    }
}

#[test]
fn batches_follow_too() {
    let (old, new) = (with_topic(1, 4), with_topic(1, 4));
    let server = NameServer::start();
    server.set("T", &route(&[("broker-0", &address(&old))]));
    let producer = producer(&server, &[]);
    let batch = [Message::new("T", b"a"), Message::new("T", b"b")];
    producer.send_batch(&batch, None).expect("stored");
    old.stop();
    server.set("T", &route(&[("broker-0", &address(&new))]));
    for _ in 0..10 {
        producer.send_batch(&batch, None).expect("stored");
    }
    assert_eq!(new.stored_count("T"), 20);
}

#[test]
fn a_name_server_that_hears_of_it_late_is_asked_about_once_a_second() {
    let (old, new) = (refusing(), with_topic(1, 4));
    let old = old.local_addr().expect("an address").as_socket().expect("of the internet").to_string();
    let server = NameServer::start();
    server.set("T", &route(&[("broker-0", &old)]));
    let producer = producer(&server, &[]);
    let started = Instant::now();
    // The first time, at the first failure, and twice after a second each.
    while server.asked("T") < 4 {
        send(&producer, "T").expect_err("nobody is there");
    }
    assert!(started.elapsed().as_millis() >= 1900, "{:?}", started.elapsed());
    server.set("T", &route(&[("broker-0", &address(&new))]));
    assert!(becomes_true(|| send(&producer, "T").is_ok()));
    // From then on nobody doubts.
    let asked = server.asked("T");
    for _ in 0..100 {
        send(&producer, "T").expect("stored");
    }
    assert!(server.asked("T") <= asked + 1);
}

#[test]
fn a_broker_that_its_route_gave_no_master_gets_one() {
    let cluster = with_topic(1, 4);
    let server = NameServer::start();
    let mut there = route(&[("broker-0", &address(&cluster))]);
    there.order_topic_conf = Some("broker-0:4".to_owned());
    let mut away = there.clone();
    away.broker_datas.clear();
    server.set("T", &away);
    let producer = producer(&server, &[]);
    assert_eq!(producer.queues("T", PATIENCE).expect("queues").len(), 4);
    server.set("T", &there);
    send(&producer, "T").expect("stored");
}

#[test]
fn a_doubt_takes_no_broker_from_a_topic_that_is_new() {
    let cluster = crate::common::cluster(2);
    let producer = Producer::new(&config(&cluster.name_server(), &[NO_REFRESH, ("retry.times", "9")]))
        .expect("a producer");
    let first = send(&producer, "New").expect("stored");
    // The broker that made the topic is away, and the name server has not noticed.
    cluster.crash_broker(first.broker_name()).expect("crashed");
    for _ in 0..20 {
        let receipt = send(&producer, "New").expect("stored by the other one");
        assert_ne!(receipt.broker_name(), first.broker_name());
    }
}
