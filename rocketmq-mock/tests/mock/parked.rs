//! Delay levels and timers (protocol 5.7, 14.6).

use std::time::{SystemTime, UNIX_EPOCH};

use rocketmq_mock::Profile;
use rocketmq_protocol::recall::RecallHandle;

use crate::support::{PATIENCE, Send, broker, broker_of};

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

#[test]
fn a_delayed_message_is_parked_by_its_level() {
    for profile in [Profile::V5, Profile::V4_9] {
        let (cluster, mut wire) = broker_of(profile);
        for (level, queue, offset) in [("3", 2, 0), ("18", 17, 0), ("99", 17, 1), ("3", 2, 1)] {
            let reply = wire.send(&Send { queue_id: 3, ..Send::to("Orders") }.with("DELAY", level));
            assert_eq!((reply.code, reply.number("queueId"), reply.number("queueOffset")), (0, 3, offset));
            let parked = cluster.stored("SCHEDULE_TOPIC_XXXX").pop().unwrap();
            assert_eq!((parked.queue_id, parked.message_id.as_str()), (queue, reply.field("msgId").unwrap()));
            assert_eq!(parked.property("REAL_TOPIC"), Some("Orders"));
            assert_eq!(parked.property("REAL_QID"), Some("3"));
            assert_eq!(reply.field("recallHandle"), None);
        }
        assert_eq!(cluster.stored_count("Orders"), 0);
        for level in ["0", "-1"] {
            assert_eq!(wire.send(&Send::to("Orders").with("DELAY", level)).code, 0);
        }
        assert_eq!(cluster.stored_count("Orders"), 2);
        let reply = wire.send(&Send::to("Orders").with("DELAY", "soon"));
        assert_eq!((reply.code, reply.fields.len()), (1, 0));
        assert!(reply.remark().contains("NumberFormatException"));
    }
}

#[test]
fn a_delayed_message_is_delivered_in_time() {
    let (cluster, mut wire) = broker();
    let reply =
        wire.send(&Send { queue_id: 2, ..Send::to("Orders") }.with("DELAY", "1").with("UNIQ_KEY", "ID1"));
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.stored_count("Orders") == 1));
    let delivered = &cluster.stored("Orders")[0];
    let parked = &cluster.stored("SCHEDULE_TOPIC_XXXX")[0];
    assert!(delivered.store_timestamp - parked.store_timestamp >= 1000);
    assert_eq!((delivered.queue_id, delivered.queue_offset), (2, 0));
    assert_eq!(delivered.property("UNIQ_KEY"), Some("ID1"));
    assert_eq!(delivered.property("DELAY"), None);
    assert_ne!(delivered.message_id, reply.field("msgId").unwrap());
    assert_eq!(delivered.body, parked.body);
}

#[test]
fn a_stopped_broker_delivers_when_it_is_back() {
    let (cluster, mut wire) = broker();
    wire.send(&Send::to("Orders").with("DELAY", "1"));
    cluster.stop_broker("broker-0").unwrap();
    let parked = cluster.stored("SCHEDULE_TOPIC_XXXX")[0].store_timestamp;
    let due = std::time::Duration::from_millis((parked + 1100 - now()).max(0) as u64);
    assert!(!cluster.wait_until(due, |cluster| cluster.stored_count("Orders") > 0));
    cluster.start_broker("broker-0").unwrap();
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.stored_count("Orders") == 1));
}

#[test]
fn a_timer_message_is_parked_in_the_wheel() {
    let (cluster, mut wire) = broker();
    let exact = (now() / 1000 + 3600) * 1000;
    for (offset, (name, value)) in [
        ("TIMER_DELAY_SEC", "3600".to_owned()),
        ("TIMER_DELAY_MS", "3600000".to_owned()),
        ("TIMER_DELIVER_MS", exact.to_string()),
    ]
    .into_iter()
    .enumerate()
    {
        let reply =
            wire.send(&Send { queue_id: 1, ..Send::to("Orders") }.with(name, &value).with("UNIQ_KEY", "ID1"));
        assert_eq!(
            (reply.code, reply.number("queueId"), reply.number("queueOffset")),
            (0, 1, offset as i64),
            "{name}"
        );
        let parked = cluster.stored("rmq_sys_wheel_timer").pop().unwrap();
        assert_eq!((parked.queue_id, parked.message_id.as_str()), (0, reply.field("msgId").unwrap()));
        assert_eq!((parked.property("REAL_TOPIC"), parked.property("REAL_QID")), (Some("Orders"), Some("1")));
        let out: i64 = parked.property("TIMER_OUT_MS").unwrap().parse().unwrap();
        assert_eq!(out % 1000, 0);
        if name == "TIMER_DELIVER_MS" {
            assert_eq!(out, exact - 1000);
        }
        let handle: RecallHandle = reply.field("recallHandle").unwrap().parse().unwrap();
        assert_eq!((handle.topic.as_str(), handle.broker_name.as_str()), ("Orders", "broker-0"));
        assert_eq!((handle.timestamp_ms, handle.unique_id.as_str()), (out + 1, "ID1"));
    }
    assert_eq!(cluster.stored_count("Orders"), 0);
}

#[test]
fn timers_that_are_no_timers() {
    let (cluster, mut wire) = broker();
    // Too late, too far, no number; a delay level wins.
    assert_eq!(wire.send(&Send::to("Orders").with("TIMER_DELIVER_MS", "1000")).code, 0);
    assert_eq!(cluster.stored_count("Orders"), 1);
    for value in ["259201", "tomorrow"] {
        let reply = wire.send(&Send::to("Orders").with("TIMER_DELAY_SEC", value));
        assert_eq!(reply.code, 13);
        assert!(reply.remark().starts_with("timer message illegal, "));
        assert_eq!(reply.field("MSG_REGION"), Some("DefaultRegion"));
    }
    wire.send(&Send::to("Orders").with("TIMER_DELAY_SEC", "60").with("DELAY", "5"));
    assert_eq!(
        (cluster.stored_count("SCHEDULE_TOPIC_XXXX"), cluster.stored_count("rmq_sys_wheel_timer")),
        (1, 0)
    );
}

#[test]
fn a_4_9_broker_knows_no_timers() {
    let (cluster, mut wire) = broker_of(Profile::V4_9);
    assert_eq!(wire.send(&Send::to("Orders").with("TIMER_DELAY_SEC", "60")).code, 0);
    assert_eq!(cluster.stored_count("Orders"), 1);
}

#[test]
fn a_due_timer_message_is_delivered() {
    let (cluster, mut wire) = broker();
    let reply = wire.send(&Send::to("Orders").with("TIMER_DELIVER_MS", &(now() + 1200).to_string()));
    assert_eq!(reply.code, 0);
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.stored_count("Orders") == 1));
    assert_eq!(cluster.stored_count("rmq_sys_wheel_timer"), 1);
}
