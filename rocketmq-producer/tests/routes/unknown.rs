//! One name server does not know what another knows.

use std::net::TcpListener;
use std::sync::Arc;

use rocketmq_mock::MockCluster;
use rocketmq_producer::{Error, ErrorCode, Producer};

use crate::common::{Lines, PATIENCE, becomes_true, cluster, config, ms, send, with_topic};
use crate::name_server::{NameServer, route};

/// A producer of these name servers, and its log.
fn producer(servers: &[&str], settings: &[(&str, &str)]) -> (Producer, Arc<Lines>) {
    let mut config = config(&servers.join(";"), settings);
    let lines = Lines::of(&mut config);
    (Producer::new(&config).expect("a producer"), lines)
}

fn with_route(topic: &str, cluster: &MockCluster) -> NameServer {
    let server = NameServer::start();
    server.set(topic, &route(&[("broker-0", &cluster.broker_address("broker-0").expect("an address"))]));
    server
}

const LACKING: &str = "does not know topic";

#[test]
fn a_server_that_was_restarted_is_no_reason_to_fail() {
    let cluster = cluster(1);
    let (empty, knowing) = (NameServer::start(), NameServer::start());
    let address = cluster.broker_address("broker-0").expect("an address");
    let topics: Vec<String> = (0..20).map(|number| format!("T{number}")).collect();
    for topic in &topics {
        cluster.create_topic(topic, 4, 4, 6, None);
        knowing.set(topic, &route(&[("broker-0", &address)]));
    }
    let settings = [("api.timeout.ms", "500")];
    let (producer, lines) = producer(&[&empty.address(), &knowing.address()], &settings);
    // The empty one is the only one that answers, and it is asked from now on.
    knowing.set_silent(true);
    no_route(send(&producer, "T0"));
    assert_eq!(lines.count(LACKING), 0);
    knowing.set_silent(false);
    let asked = empty.asked("T1");
    assert!(becomes_true(|| send(&producer, "T1").is_ok()));
    assert!(empty.asked("T1") > asked);
    for topic in &topics {
        send(&producer, topic).expect("stored");
    }
    assert_eq!(lines.count(LACKING), 1, "told once");
}

#[test]
fn the_default_topic_is_asked_for_everywhere_too() {
    let cluster = cluster(1);
    let (empty, knowing) = (NameServer::start(), with_route("TBW102", &cluster));
    // Each begins with any of them.
    for servers in [[&empty, &knowing], [&knowing, &empty]].repeat(4) {
        let addresses = servers.map(NameServer::address);
        let (producer, _) = producer(&addresses.each_ref().map(String::as_str), &[]);
        send(&producer, "New").expect("stored");
    }
}

#[test]
fn a_refresh_asks_others_too() {
    let cluster = with_topic(2, 4);
    let servers = [NameServer::start(), NameServer::start()];
    let address = |broker: &str| cluster.broker_address(broker).expect("an address");
    let (a, b) = (address("broker-0"), address("broker-1"));
    servers.iter().for_each(|server| server.set("T", &route(&[("broker-0", &a)])));
    let addresses = servers.each_ref().map(NameServer::address);
    let settings = [("route.refresh.interval.ms", "10")];
    let (producer, _) = producer(&addresses.each_ref().map(String::as_str), &settings);
    send(&producer, "T").expect("stored");
    // Whichever is chosen: the other one knows.
    for (knowing, forgetful) in [(0, 1), (1, 0)] {
        let brokers = [("broker-0", a.as_str()), ("broker-1", b.as_str())];
        servers[knowing].set("T", &route(&brokers[..2 - knowing]));
        servers[forgetful].forget("T");
        let queues = 4 * (2 - knowing);
        assert!(becomes_true(|| producer.queues("T", PATIENCE).expect("queues").len() == queues));
    }
}

#[track_caller]
fn no_route(result: Result<rocketmq_producer::Receipt, Error>) {
    assert_eq!(result.expect_err("nobody knows it").code(), ErrorCode::NoRoute);
}

#[test]
fn what_nobody_knows_does_not_exist_though_one_is_dead_or_silent() {
    let empty = NameServer::start();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("an address").to_string();
    for other in ["127.0.0.1:1", silent.as_str()] {
        for servers in [[empty.address().as_str(), other], [other, empty.address().as_str()]] {
            let (producer, _) = producer(&servers, &[("api.timeout.ms", "1000")]);
            for topic in ["A", "B"] {
                no_route(producer.send(&rocketmq_producer::Message::new(topic, b"x"), Some(ms(20_000))));
            }
        }
    }
}

#[test]
fn what_a_silent_server_may_know_is_worth_another_try() {
    let (empty, silent) = (NameServer::start(), with_route("T", &with_topic(1, 4)));
    silent.set_silent(true);
    let (producer, _) = producer(&[&empty.address(), &silent.address()], &[("api.timeout.ms", "1000")]);
    let error = send(&producer, "T").expect_err("the one that knows it is silent");
    assert_eq!(error.code(), ErrorCode::NoRoute);
    assert!(error.is_retriable(), "{error}");
    assert!(error.message().contains(&format!("{} did not answer", silent.address())), "{error}");
    silent.set_silent(false);
    let known = producer.queues("Other", PATIENCE).expect_err("both answer");
    assert!(known.code() == ErrorCode::NoRoute && !known.is_retriable(), "{known}");
}
