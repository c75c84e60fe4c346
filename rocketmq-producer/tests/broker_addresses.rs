//! Brokers that register addresses at which this program does not reach them: `broker.address.map`.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::net::{TcpListener, TcpStream};

use common::{becomes_true, config, producer, send, with_topic};
use rocketmq_producer::{ErrorCode, Producer};

#[test]
fn an_address_of_the_map_is_used_instead_of_the_registered_one_and_both_are_shown() {
    let (named, reached) = (with_topic(1, 1), with_topic(1, 1));
    let registered = named.broker_address("broker-0").expect("running");
    let used = reached.broker_address("broker-0").expect("running");
    let map = format!("{registered}={used}");
    let producer = producer(&named, &[("broker.address.map", &map), ("retry.times", "0")]);
    let receipt = send(&producer, "T").expect("stored");
    assert_eq!((named.stored_count("T"), reached.stored_count("T")), (0, 1), "at the other one");
    let shown = format!("{registered} → {used}");
    assert_eq!(receipt.broker_address(), shown);
    let stats = producer.stats().expect("statistics").to_json();
    assert!(stats.contains(&shown), "{stats}");

    reached.stop_broker("broker-0").expect("stopped");
    let error = loop {
        // The first may meet the end of the connection.
        let error = send(&producer, "T").expect_err("nobody is there");
        if error.code() == ErrorCode::Connect {
            break error;
        }
    };
    assert_eq!(error.broker_address(), Some(&*shown));
    assert!(error.message().contains(&shown), "{error}");
}

/// Serves the same port at another address of this machine. It ends with the test.
fn forward(address: &str) -> String {
    let outside = address.replace("127.0.0.1", "127.0.0.2");
    let listener = TcpListener::bind(&outside).expect("a port");
    let inside = address.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (one, other) =
                (stream.expect("a connection"), TcpStream::connect(&inside).expect("connected"));
            let (back, forth) = (one.try_clone().expect("a copy"), other.try_clone().expect("a copy"));
            for (mut from, mut to) in [(one, other), (forth, back)] {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    outside
}

#[test]
fn a_host_keeps_its_ports_and_all_may_be_where_the_name_server_is() {
    let cluster = with_topic(2, 1);
    let outside = forward(&cluster.name_server());
    for broker in ["broker-0", "broker-1"] {
        forward(&cluster.broker_address(broker).expect("running"));
    }
    for map in ["127.0.0.1=127.0.0.2", "*=@name.server"] {
        let config = config(&outside, &[("broker.address.map", map)]);
        let producer = Producer::new(&config).expect("a producer");
        let receipt = send(&producer, "T").expect("stored");
        let (registered, used) = receipt.broker_address().split_once(" → ").expect("both");
        assert_eq!(used, registered.replace("127.0.0.1", "127.0.0.2"), "{map}");
    }
}

#[test]
fn brokers_are_reached_where_the_name_server_is_now() {
    let cluster = with_topic(1, 1);
    let inside = cluster.name_server();
    let outside = forward(&inside);
    forward(&cluster.broker_address("broker-0").expect("running"));
    let settings = [("broker.address.map", "*=@name.server"), ("route.refresh.interval.ms", "10")];
    let producer = Producer::new(&config(&inside, &settings)).expect("a producer");
    let at = |host: &str| {
        let receipt = send(&producer, "T").expect("stored");
        receipt.broker_address().rsplit(' ').next().is_some_and(|used| used.starts_with(host))
    };
    assert!(at("127.0.0.1:"));
    // The same route, from another host.
    producer.set_name_servers(&outside).expect("addresses");
    assert!(becomes_true(|| at("127.0.0.2:")));
}

#[test]
fn producers_that_share_connections_reach_brokers_alike() {
    let cluster = with_topic(1, 1);
    let _first = producer(&cluster, &[("instance.name", "i")]);
    let mut other = config(&cluster.name_server(), &[("instance.name", "i"), ("broker.address.map", "a=b")]);
    other.set("producer.group", "other").expect("a group");
    let error = Producer::new(&other).expect_err("another map");
    assert_eq!(error.code(), ErrorCode::InvalidValue);
    assert!(error.message().contains("broker.address.map"), "{error}");
}
