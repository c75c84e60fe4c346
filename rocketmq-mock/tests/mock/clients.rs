//! Heartbeats and registrations (protocol 2.5).

use rocketmq_mock::{Profile, Registration};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::heartbeat::HeartbeatData;

use crate::support::{PATIENCE, Wire, broker, broker_of};

fn beat(groups: &[&str]) -> Vec<u8> {
    let producer_groups = groups.iter().map(|group| (*group).to_owned()).collect();
    HeartbeatData { client_id: "127.0.0.1@1".to_owned(), producer_groups }.to_json()
}

fn registration(group: &str) -> Registration {
    Registration { broker: "broker-0".into(), group: group.into(), client_id: "127.0.0.1@1".into() }
}

#[test]
fn a_heartbeat_registers_and_unregistering_takes_it_back() {
    let (cluster, mut wire) = broker();
    for _ in 0..2 {
        let reply = wire.call(request::HEART_BEAT, &[], &beat(&["B", "A"]));
        assert_eq!((reply.code, reply.version), (0, 513));
        assert_eq!(reply.field("IS_SUPPORT_HEART_BEAT_V2"), Some("true"));
    }
    assert_eq!(cluster.registrations(), [registration("A"), registration("B")]);
    let leave = [("clientID", "127.0.0.1@1"), ("producerGroup", "A")];
    assert_eq!(wire.call(request::UNREGISTER_CLIENT, &leave, b"").code, 0);
    assert_eq!(cluster.registrations(), [registration("B")]);
    assert_eq!(cluster.request_count(request::HEART_BEAT), 2);
}

#[test]
fn a_registration_ends_with_its_connection() {
    let (cluster, mut wire) = broker();
    let mut other = Wire::to_broker(&cluster, "broker-0");
    wire.call(request::HEART_BEAT, &[], &beat(&["A"]));
    other.call(request::HEART_BEAT, &[], &beat(&["A"]));
    assert_eq!(cluster.registrations().len(), 2);
    drop(wire);
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.registrations().len() == 1));
    assert_eq!(cluster.connection_count("broker-0"), 1);
}

#[test]
fn heartbeats_of_4_9_say_nothing_and_broken_ones_fail() {
    let (cluster, mut wire) = broker_of(Profile::V4_9);
    let reply = wire.call(request::HEART_BEAT, &[], &beat(&["A"]));
    assert_eq!((reply.code, reply.version, reply.fields.len()), (0, 407, 0));
    assert_eq!(wire.call(request::HEART_BEAT, &[], b"{").code, 1);
    assert_eq!(cluster.registrations().len(), 1);
}
