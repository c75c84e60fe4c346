//! Routes and the cluster list (protocol 2.6, 3.1).

use rocketmq_mock::{MockCluster, MockOptions, Profile};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::route::{ClusterInfo, TopicRoute};

use crate::support::{Json, Reply, Rocketmq, Send, Wire, cluster};

fn three_brokers() -> (MockCluster, Wire) {
    let cluster = MockCluster::start(MockOptions { brokers: 3, ..MockOptions::default() }).unwrap();
    let wire = Wire::to_name_server(&cluster);
    (cluster, wire)
}

fn ask(wire: &mut Wire, topic: &str) -> Reply {
    wire.call(request::GET_ROUTEINFO_BY_TOPIC, &[("topic", topic), ("acceptStandardJsonOnly", "true")], b"")
}

fn route(wire: &mut Wire, topic: &str) -> TopicRoute {
    let reply = ask(wire, topic);
    assert_eq!(reply.code, 0, "{reply:?}");
    TopicRoute::parse(&reply.body).unwrap()
}

/// (broker, read queues, write queues, perm) of a route.
fn queues(route: &TopicRoute) -> Vec<(&str, i32, i32, i32)> {
    let datas = route.queue_datas.iter();
    datas.map(|data| (&*data.broker_name, data.read_queue_nums, data.write_queue_nums, data.perm)).collect()
}

#[test]
fn a_topic_is_routed_to_the_brokers_that_have_it() {
    let (cluster, mut wire) = three_brokers();
    cluster.create_topic("Orders", 8, 4, 6, None);
    cluster.create_topic("Orders", 2, 2, 4, Some(&["broker-2", "no-such"]));
    cluster.create_topic("Local", 1, 1, 6, Some(&["broker-1"]));
    let orders = route(&mut wire, "Orders");
    assert_eq!(queues(&orders), [("broker-0", 8, 4, 6), ("broker-1", 8, 4, 6), ("broker-2", 2, 2, 4)]);
    for data in &orders.broker_datas {
        assert_eq!(data.cluster, "DefaultCluster");
        assert_eq!(data.master(), cluster.broker_address(&data.broker_name).as_deref());
    }
    assert_eq!(queues(&route(&mut wire, "Local")), [("broker-1", 1, 1, 6)]);
}

#[test]
fn an_unknown_topic_has_no_route_until_a_send_makes_it() {
    let (cluster, mut wire) = three_brokers();
    let reply = ask(&mut wire, "Orders");
    assert_eq!(reply.code, 17);
    assert!(reply.remark().starts_with("No topic route info in name server for the topic: Orders"));
    let mut broker = Wire::to_broker(&cluster, "broker-1");
    assert_eq!(broker.send(&Send::to("Orders")).code, 0);
    assert_eq!(queues(&route(&mut wire, "Orders")), [("broker-1", 4, 4, 6)]);
}

#[test]
fn the_default_topic_comes_and_goes_with_auto_creation() {
    let (cluster, mut wire) = three_brokers();
    assert_eq!(queues(&route(&mut wire, "TBW102"))[0], ("broker-0", 8, 8, 7));
    cluster.set_auto_create(false);
    assert_eq!(ask(&mut wire, "TBW102").code, 17);
    let closed = MockCluster::start(MockOptions { auto_create: false, ..MockOptions::default() }).unwrap();
    assert_eq!(ask(&mut Wire::to_name_server(&closed), "TBW102").code, 17);
}

#[test]
fn ids_are_quoted_for_clients_that_can_read_it() {
    let (_cluster, mut wire) = three_brokers();
    for (version, standard, quoted) in [
        (473, None, true),
        (401, None, true),
        (399, None, false),
        (399, Some("true"), true),
        (399, Some("false"), false),
    ] {
        wire.version = version;
        let mut fields = vec![("topic", "TBW102")];
        fields.extend(standard.map(|value| ("acceptStandardJsonOnly", value)));
        let body = String::from_utf8(wire.call(request::GET_ROUTEINFO_BY_TOPIC, &fields, b"").body).unwrap();
        assert_eq!(body.contains("{\"0\":\"127.0.0.1:"), quoted, "{body}");
        assert_eq!(body.contains("{0:\"127.0.0.1:"), !quoted, "{body}");
    }
}

#[test]
fn the_cluster_list_names_every_broker() {
    let (cluster, mut wire) = three_brokers();
    let reply = wire.call(request::GET_BROKER_CLUSTER_INFO, &[], b"");
    assert!(String::from_utf8_lossy(&reply.body).contains("{0:\""));
    let info = ClusterInfo::parse(&reply.body).unwrap();
    assert_eq!(info.clusters["DefaultCluster"], cluster.broker_names());
    for name in cluster.broker_names() {
        assert_eq!(info.brokers[&name].master(), cluster.broker_address(&name).as_deref());
    }
}

#[test]
fn answers_come_in_the_profile_s_encoding() {
    for (profile, expected) in [(Profile::V5, Json), (Profile::V4_9, Rocketmq)] {
        let cluster = cluster(profile);
        let mut wire = Wire::to_name_server(&cluster);
        wire.encoding = Rocketmq;
        assert_eq!(ask(&mut wire, "TBW102").encoding, expected);
        assert_eq!(ask(&mut wire, "None").encoding, expected);
    }
}

#[test]
fn an_unknown_code_is_refused_by_5_x_and_passed_over_by_4_9() {
    let (_cluster, mut wire) = three_brokers();
    wire.encoding = Rocketmq;
    let unknown = wire.call(9999, &[], b"");
    assert_eq!((unknown.code, unknown.encoding), (3, Json));
    assert_eq!(unknown.remark(), " request type 9999 not supported");
    let old = cluster(Profile::V4_9);
    let mut wire = Wire::to_name_server(&old);
    wire.ask(9999, &[], b"");
    // Servers answer a connection in order: the next answer is that to the next request.
    assert_eq!(ask(&mut wire, "TBW102").code, 0);
}

/// The route of a topic for a client in a zone.
fn zone_route(wire: &mut Wire, mode: &str, zone: &str) -> String {
    let fields = [
        ("topic", "TBW102"),
        ("acceptStandardJsonOnly", "true"),
        ("__ZONE_MODE", mode),
        ("__ZONE_NAME", zone),
    ];
    let reply = wire.call(request::GET_ROUTEINFO_BY_TOPIC, &fields, b"");
    assert_eq!(reply.code, 0);
    String::from_utf8(reply.body).unwrap()
}

#[test]
fn a_client_in_zone_mode_sees_its_own_zone_in_unquoted_json() {
    let (cluster, mut wire) = three_brokers();
    cluster.set_zone("broker-0", Some("east")).unwrap();
    cluster.set_zone("broker-1", Some("west")).unwrap();
    assert!(cluster.set_zone("broker-9", Some("west")).is_err());
    let brokers = |body: &str| -> Vec<String> {
        let route = TopicRoute::parse(body.as_bytes()).unwrap();
        let of_queues: Vec<String> = route.queue_datas.iter().map(|data| data.broker_name.clone()).collect();
        let of_brokers: Vec<&str> = route.broker_datas.iter().map(|data| &*data.broker_name).collect();
        assert_eq!(of_queues, of_brokers);
        of_queues
    };
    let all = ["broker-0", "broker-1", "broker-2"];
    for (mode, zone, seen) in [
        ("true", "west", &all[1..2]),
        ("TRUE", "East", &all[..1]),
        ("true", "north", &[]),
        ("true", " ", &all[..]),
        ("false", "west", &all[..]),
    ] {
        let body = zone_route(&mut wire, mode, zone);
        assert_eq!(brokers(&body), seen, "{mode} {zone}");
        assert_eq!(body.contains("{0:"), seen.len() == 1, "{body}");
    }
    assert!(zone_route(&mut wire, "false", "west").contains("\"zoneName\":\"west\""));
    cluster.set_zone("broker-1", None).unwrap();
    assert!(brokers(&zone_route(&mut wire, "true", "west")).is_empty());
}

#[test]
fn a_4_9_name_server_knows_no_zones() {
    let cluster = cluster(Profile::V4_9);
    cluster.set_zone("broker-0", Some("east")).unwrap();
    let body = zone_route(&mut Wire::to_name_server(&cluster), "true", "west");
    assert!(body.contains("{\"0\":") && !body.contains("zoneName"), "{body}");
}
