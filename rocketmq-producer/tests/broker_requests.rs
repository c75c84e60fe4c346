//! What brokers ask a client reaches the producer that they name.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;

use common::{Lines, PATIENCE, becomes_true, config, send, with_topic};
use rocketmq_mock::MockCluster;
use rocketmq_producer::{Config, Producer};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::encode::{Preamble, encode_frame};
use rocketmq_protocol::frame::HeaderEncoding;
use rocketmq_protocol::header::flag;
use rocketmq_protocol::language::Language;
use rocketmq_protocol::record::Record;
use rocketmq_protocol::requests::CheckTransactionStateRequest;

/// The frame in which a broker asks a group about a half message (protocol 7.3).
fn transaction_check(properties: &str) -> Vec<u8> {
    let host: SocketAddr = ([127, 0, 0, 1], 10911).into();
    let half = Record {
        body_crc: 0,
        queue_id: 0,
        flag: 0,
        queue_offset: 0,
        physical_offset: 7,
        sys_flag: 0,
        born_timestamp: 0,
        born_host: host,
        store_timestamp: 0,
        store_host: host,
        reconsume_times: 0,
        prepared_transaction_offset: 0,
        body: b"half",
        topic: "T".into(),
        properties: properties.into(),
    };
    let mut record = Vec::new();
    half.encode(&mut record).expect("a record");
    let fields = CheckTransactionStateRequest {
        topic: None,
        tran_state_table_offset: 1,
        commit_log_offset: 7,
        message_id: None,
        transaction_id: None,
        offset_message_id: None,
        broker_name: None,
    };
    let preamble = Preamble {
        code: request::CHECK_TRANSACTION_STATE,
        language: Language::Java,
        version: 0,
        opaque: 1,
        flag: flag::ONEWAY,
        remark: None,
    };
    let mut frame = Vec::new();
    encode_frame(&mut frame, HeaderEncoding::Json, &preamble, &fields, &[&record]).expect("a frame");
    frame
}

fn of_group(cluster: &MockCluster, group: &str) -> (Config, Arc<Lines>) {
    let settings = [("producer.group", group), ("instance.name", "shared"), ("log.level", "info")];
    let mut config = config(&cluster.name_server(), &settings);
    let lines = Lines::of(&mut config);
    (config, lines)
}

#[test]
fn each_group_of_a_client_hears_what_it_is_asked_and_no_other() {
    let cluster = with_topic(1, 1);
    // The log of a client instance is that of its first producer.
    let ((a, lines), (b, _)) = (of_group(&cluster, "A"), of_group(&cluster, "B"));
    let [a, b] = [a, b].map(|config| Producer::new(&config).expect("a producer"));
    for producer in [&a, &b] {
        send(producer, "T").expect("stored");
    }
    assert_eq!(a.client_id(), b.client_id());
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.registrations().len() == 2));
    let asked = |group: &str| lines.count(&format!("asks group {group} about a transaction on topic T"));

    assert_eq!(cluster.push("B", &transaction_check("PGROUP\u{1}B\u{2}")), 1);
    assert!(becomes_true(|| asked("B") == 1));
    assert_eq!(asked("A"), 0);

    // To the connection that A has, too: the group is what the message says.
    assert_eq!(cluster.push("A", &transaction_check("PGROUP\u{1}nobody\u{2}")), 1);
    assert!(becomes_true(|| lines.count("group \"nobody\", which is not here") == 1));
    cluster.push("A", &transaction_check(""));
    assert!(becomes_true(|| lines.count("group \"\", which is not here") == 1));
    cluster.push("A", &transaction_check("PGROUP\u{1}A\u{2}"));
    assert!(becomes_true(|| asked("A") == 1));
    assert_eq!(asked("B"), 1);

    let broker = cluster.broker_names().remove(0);
    // A producer that has gone is not asked; the connection is still good.
    b.close(PATIENCE).expect("closed");
    cluster.push("A", &transaction_check("PGROUP\u{1}B\u{2}"));
    assert!(becomes_true(|| lines.count("group \"B\", which is not here") == 1));
    let before = cluster.connection_count(&broker);
    send(&a, "T").expect("stored");
    assert_eq!(cluster.connection_count(&broker), before);
}
