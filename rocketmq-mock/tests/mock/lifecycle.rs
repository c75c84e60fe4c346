//! Servers that stop and start, routes that change, many connections.

use std::io::ErrorKind;
use std::net::TcpStream;

use rocketmq_mock::{MockCluster, MockOptions, NAME_SERVER};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::route::TopicRoute;

use crate::support::{PATIENCE, Send, Wire};

fn two_brokers() -> MockCluster {
    let cluster = MockCluster::start(MockOptions { brokers: 2, ..MockOptions::default() }).unwrap();
    cluster.create_topic("Orders", 4, 4, 6, None);
    cluster
}

/// Brokers in the route of the topic.
fn routed(wire: &mut Wire, topic: &str) -> Vec<String> {
    let reply = wire.call(request::GET_ROUTEINFO_BY_TOPIC, &[("topic", topic)], b"");
    let route = TopicRoute::parse(&reply.body).unwrap_or_default();
    route.broker_datas.into_iter().map(|data| data.broker_name).collect()
}

fn refused(address: &str) -> bool {
    matches!(TcpStream::connect(address), Err(error) if error.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn a_stopped_broker_refuses_and_comes_back_on_its_port() {
    let cluster = two_brokers();
    let address = cluster.broker_address("broker-1").unwrap();
    let mut names = Wire::to_name_server(&cluster);
    for round in 0..3 {
        let mut wire = Wire::to_broker(&cluster, "broker-1");
        assert_eq!(wire.send(&Send::to("Orders")).number("queueOffset"), round);
        assert_eq!(routed(&mut names, "Orders"), ["broker-0", "broker-1"]);
        cluster.stop_broker("broker-1").unwrap();
        assert!(refused(&address));
        assert_eq!(wire.end(), ErrorKind::ConnectionReset);
        assert_eq!(cluster.connection_count("broker-1"), 0);
        assert_eq!(routed(&mut names, "Orders"), ["broker-0"]);
        cluster.stop_broker("broker-1").unwrap();
        cluster.start_broker("broker-1").unwrap();
        cluster.start_broker("broker-1").unwrap();
        assert_eq!(cluster.broker_address("broker-1").unwrap(), address);
    }
}

#[test]
fn a_crashed_broker_stays_in_the_routes() {
    let cluster = two_brokers();
    let mut names = Wire::to_name_server(&cluster);
    cluster.crash_broker("broker-0").unwrap();
    assert!(refused(&cluster.broker_address("broker-0").unwrap()));
    assert_eq!(routed(&mut names, "Orders"), ["broker-0", "broker-1"]);
    cluster.show_in_routes("broker-0", false).unwrap();
    assert_eq!(routed(&mut names, "Orders"), ["broker-1"]);
    cluster.start_broker("broker-0").unwrap();
    assert_eq!(routed(&mut names, "Orders"), ["broker-0", "broker-1"]);
}

#[test]
fn unknown_brokers_are_an_error() {
    let cluster = two_brokers();
    for outcome in [
        cluster.stop_broker("broker-2"),
        cluster.start_broker("broker-2"),
        cluster.crash_broker(NAME_SERVER),
        cluster.show_in_routes("broker-2", true),
    ] {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(cluster.broker_address("broker-2"), None);
}

#[test]
fn the_name_server_stops_and_starts() {
    let cluster = two_brokers();
    let mut names = Wire::to_name_server(&cluster);
    let mut broker = Wire::to_broker(&cluster, "broker-0");
    cluster.stop_name_server().unwrap();
    assert_eq!(names.end(), ErrorKind::ConnectionReset);
    assert!(refused(&cluster.name_server()));
    assert_eq!(broker.send(&Send::to("Orders")).code, 0);
    cluster.start_name_server().unwrap();
    assert_eq!(routed(&mut Wire::to_name_server(&cluster), "Orders").len(), 2);
}

#[test]
fn a_route_changes_under_a_client() {
    let cluster = two_brokers();
    let mut names = Wire::to_name_server(&cluster);
    cluster.create_topic("Orders", 4, 4, 4, Some(&["broker-0"]));
    let reply = names.call(request::GET_ROUTEINFO_BY_TOPIC, &[("topic", "Orders")], b"");
    let perms: Vec<i32> =
        TopicRoute::parse(&reply.body).unwrap().queue_datas.iter().map(|data| data.perm).collect();
    assert_eq!(perms, [4, 6]);
    cluster.delete_topic("Orders");
    assert!(routed(&mut names, "Orders").is_empty());
}

#[test]
fn stopping_ends_everything_and_keeps_what_was_stored() {
    let cluster = two_brokers();
    let mut wire = Wire::to_broker(&cluster, "broker-0");
    wire.send(&Send::to("Orders"));
    let addresses = [cluster.name_server(), cluster.broker_address("broker-1").unwrap()];
    cluster.stop();
    cluster.stop();
    assert_eq!(wire.end(), ErrorKind::ConnectionReset);
    assert!(addresses.iter().all(|address| refused(address)));
    assert_eq!(cluster.stored_count("Orders"), 1);
    assert_eq!(cluster.start_broker("broker-0").unwrap_err().kind(), ErrorKind::NotConnected);
    drop(cluster);
}

#[test]
fn options_are_checked() {
    for brokers in [0, 101] {
        let error = MockCluster::start(MockOptions { brokers, ..MockOptions::default() }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    let first = MockCluster::start(MockOptions::default()).unwrap();
    let name_server_port = first.name_server().rsplit_once(':').unwrap().1.parse().unwrap();
    let second = MockCluster::start(MockOptions { name_server_port, ..MockOptions::default() });
    assert_eq!(second.unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(first);
    let third = MockCluster::start(MockOptions { name_server_port, ..MockOptions::default() }).unwrap();
    assert!(third.name_server().ends_with(&format!(":{name_server_port}")));
}

#[test]
fn many_brokers_and_many_connections() {
    let cluster = MockCluster::start(MockOptions { brokers: 100, ..MockOptions::default() }).unwrap();
    let mut names = Wire::to_name_server(&cluster);
    assert_eq!(routed(&mut names, "TBW102").len(), 100);
    let mut wires: Vec<Wire> =
        (0..400).map(|number| Wire::to_broker(&cluster, &format!("broker-{}", number % 4))).collect();
    let connected = |cluster: &MockCluster| {
        (0..4).all(|number| cluster.connection_count(&format!("broker-{number}")) == 100)
    };
    assert!(cluster.wait_until(PATIENCE, connected));
    let send = Send::to("Orders");
    let fields = send.fields();
    for wire in &mut wires {
        wire.ask(send.code, &crate::support::pairs(&fields), send.body);
    }
    for wire in &mut wires {
        assert_eq!(wire.reply().unwrap().code, 0);
    }
    assert_eq!(cluster.stored_count("Orders"), 400);
    drop(wires);
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.connection_count("broker-0") == 0));
}

#[test]
fn waiting_ends_in_time() {
    let cluster = two_brokers();
    let begin = std::time::Instant::now();
    let timeout = std::time::Duration::from_millis(50);
    assert!(!cluster.wait_until(timeout, |cluster| cluster.stored_count("Orders") > 0));
    assert!(begin.elapsed() >= timeout);
}
