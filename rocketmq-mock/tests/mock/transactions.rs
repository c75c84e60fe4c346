//! Half messages and END_TRANSACTION (protocol 7).

use rocketmq_mock::{Keep, MockCluster, MockOptions, Profile};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::ids::OffsetMessageId;

use crate::support::{Reply, Send, Wire, broker, broker_of};

const HALF: &str = "RMQ_SYS_TRANS_HALF_TOPIC";

fn half(wire: &mut Wire) -> Reply {
    let send = Send { queue_id: 3, sys_flag: 4, ..Send::to("Orders") };
    wire.send(&send.with("UNIQ_KEY", "ID1").with("TRAN_MSG", "true").with("PGROUP", "PG"))
}

fn end(half: &Reply, state: &'static str) -> Vec<(&'static str, String)> {
    let id: OffsetMessageId = half.field("msgId").unwrap().parse().unwrap();
    vec![
        ("producerGroup", "PG".to_owned()),
        ("tranStateTableOffset", half.field("queueOffset").unwrap().to_owned()),
        ("commitLogOffset", id.offset.to_string()),
        ("commitOrRollback", state.to_owned()),
        ("fromTransactionCheck", "false".to_owned()),
        ("msgId", "ID1".to_owned()),
    ]
}

fn end_call(wire: &mut Wire, fields: &[(&'static str, String)]) -> Reply {
    wire.call(request::END_TRANSACTION, &crate::support::pairs(fields), b"")
}

#[test]
fn a_half_message_waits_under_the_half_topic() {
    for profile in [Profile::V5, Profile::V4_9] {
        let (cluster, mut wire) = broker_of(profile);
        for offset in 0..2 {
            let reply = half(&mut wire);
            assert_eq!((reply.code, reply.number("queueId"), reply.number("queueOffset")), (0, 3, offset));
        }
        assert_eq!(cluster.stored_count("Orders"), 0);
        let message = &cluster.stored(HALF)[1];
        assert_eq!((message.queue_id, message.sys_flag), (0, 0));
        assert_eq!(
            (message.property("REAL_TOPIC"), message.property("REAL_QID")),
            (Some("Orders"), Some("3"))
        );
        let transaction_id = (profile == Profile::V5).then_some("ID1");
        assert_eq!(message.property("__transactionId__"), transaction_id);
    }
}

#[test]
fn a_commit_stores_the_message_and_a_second_one_stores_it_again() {
    for keep in [Keep::All, Keep::Last(1)] {
        let cluster = MockCluster::start(MockOptions { keep, ..MockOptions::default() }).unwrap();
        let mut wire = Wire::to_broker(&cluster, "broker-0");
        let reply = half(&mut wire);
        half(&mut wire);
        for count in 1..=2 {
            assert_eq!(end_call(&mut wire, &end(&reply, "8")).code, 0);
            assert_eq!(cluster.stored_count("Orders"), count);
        }
        let message = cluster.stored("Orders").pop().unwrap();
        assert_eq!((message.queue_id, message.queue_offset, message.sys_flag), (3, 1, 8));
        assert_eq!((&message.body[..], message.property("TRAN_MSG")), (&b"hello"[..], Some("true")));
    }
}

#[test]
fn a_oneway_end_acts_in_silence() {
    let (cluster, mut wire) = broker();
    let reply = half(&mut wire);
    for state in ["12", "8"] {
        wire.oneway(request::END_TRANSACTION, &crate::support::pairs(&end(&reply, state)), b"");
    }
    assert_eq!(wire.send(&Send::to("Other")).code, 0);
    assert_eq!(cluster.stored_count("Orders"), 1);
}

#[test]
fn an_unknown_state_is_never_answered() {
    let (cluster, mut wire) = broker();
    let reply = half(&mut wire);
    wire.ask(request::END_TRANSACTION, &crate::support::pairs(&end(&reply, "0")), b"");
    assert!(wire.is_silent());
    assert_eq!(cluster.stored_count("Orders"), 0);
}

#[test]
fn an_end_must_fit_its_half_message() {
    let (cluster, mut wire) = broker();
    let reply = half(&mut wire);
    for (index, value, remark) in [
        (0, "Other", "The producer group wrong"),
        (1, "7", "The transaction state table offset wrong"),
        (2, "1", "Find prepared transaction message failed"),
    ] {
        let mut fields = end(&reply, "8");
        fields[index].1 = value.to_owned();
        let answer = end_call(&mut wire, &fields);
        assert_eq!((answer.code, answer.remark()), (1, remark));
    }
    assert_eq!(cluster.stored_count("Orders"), 0);
}

#[test]
fn a_delay_on_a_half_message_loses_it_to_the_transaction() {
    let (cluster, mut wire) = broker();
    let send = Send::to("Orders").with("TRAN_MSG", "true").with("PGROUP", "PG").with("DELAY", "9");
    let reply = wire.send(&send);
    assert_eq!(reply.code, 0);
    assert_eq!(cluster.stored_count(HALF), 0);
    let parked = &cluster.stored("SCHEDULE_TOPIC_XXXX")[0];
    assert_eq!(parked.property("REAL_TOPIC"), Some(HALF));
    assert_eq!(end_call(&mut wire, &end(&reply, "8")).code, 1);
}
