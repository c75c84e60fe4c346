//! Batches (protocol 5.8).

use rocketmq_mock::{MockCluster, Profile};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::{batch, properties};

use crate::support::{Send, broker, broker_of};

fn three_members() -> Vec<u8> {
    let mut body = Vec::new();
    for number in 1..=3 {
        let mut text = String::new();
        properties::push(&mut text, "UNIQ_KEY", &format!("ID{number}"));
        properties::push(&mut text, "TAGS", "t");
        // The last member comes without the closing separator, as some versions write it.
        if number == 3 {
            text.pop();
        }
        batch::push(&mut body, number, &text, format!("body {number}").as_bytes()).unwrap();
    }
    body
}

fn batch_to<'a>(topic: &'a str, body: &'a [u8]) -> Send<'a> {
    Send { code: request::SEND_BATCH_MESSAGE, batch: true, queue_id: 1, body, ..Send::to(topic) }
}

fn unique_ids(cluster: &MockCluster) -> Vec<String> {
    let stored = cluster.stored("Orders");
    stored.iter().map(|message| message.property("UNIQ_KEY").unwrap().to_owned()).collect()
}

#[test]
fn every_member_becomes_a_record() {
    let (cluster, mut wire) = broker();
    let members = three_members();
    wire.send(&Send { queue_id: 1, ..Send::to("Orders") }.with("UNIQ_KEY", "ID0"));
    let reply = wire.send(&batch_to("Orders", &members).with("WAIT", "true"));
    assert_eq!((reply.code, reply.number("queueId"), reply.number("queueOffset")), (0, 1, 1));
    assert_eq!(reply.field("transactionId"), None);
    let stored = cluster.stored("Orders");
    let ids: Vec<&str> = stored[1..].iter().map(|message| message.message_id.as_str()).collect();
    assert_eq!(reply.field("msgId").unwrap(), ids.join(","));
    for (offset, message) in stored.iter().enumerate().skip(1) {
        assert_eq!((message.queue_id, message.queue_offset), (1, offset as i64));
        assert_eq!(message.flag, offset as i32);
        assert_eq!(&message.body[..], format!("body {offset}").as_bytes());
        // 5.5.0 stores the members' properties as they came.
        let expected = [("UNIQ_KEY".to_owned(), format!("ID{offset}")), ("TAGS".to_owned(), "t".to_owned())];
        assert_eq!(message.properties, expected);
    }
}

#[test]
fn a_unique_id_in_the_header_replaces_those_of_the_members_on_4_9_only() {
    let members = three_members();
    for (profile, ids, transaction_id) in [
        (Profile::V5, ["ID1", "ID2", "ID3"], Some("BATCH")),
        (Profile::V4_9, ["BATCH", "BATCH", "BATCH"], None),
    ] {
        let (cluster, mut wire) = broker_of(profile);
        let reply = wire.send(&batch_to("Orders", &members).with("UNIQ_KEY", "BATCH"));
        assert_eq!((reply.code, reply.field("transactionId")), (0, transaction_id));
        assert_eq!(unique_ids(&cluster), ids);
        let cluster_property = cluster.stored("Orders")[2].property("CLUSTER").map(str::to_owned);
        assert_eq!(cluster_property.is_some(), profile == Profile::V4_9);
    }
}

#[test]
fn the_field_makes_the_batch_not_the_code() {
    let (cluster, mut wire) = broker();
    let members = three_members();
    let reply = wire.send(&Send { code: request::SEND_MESSAGE_V2, ..batch_to("Orders", &members) });
    assert_eq!((reply.code, cluster.stored_count("Orders")), (0, 3));
    let reply = wire.send(&Send { batch: false, ..batch_to("Orders", &members) });
    assert_eq!((reply.code, cluster.stored_count("Orders")), (0, 4));
    assert_eq!(cluster.stored("Orders")[3].body, members);
}

#[test]
fn batches_that_brokers_refuse() {
    let members = three_members();
    let over = vec![0; 4 * 1024 * 1024 + 1];
    let broken = &members[..members.len() - 1];
    for (profile, retry, oversize) in [(Profile::V5, 13, 1), (Profile::V4_9, 0, 13)] {
        let (cluster, mut wire) = broker_of(profile);
        assert_eq!(wire.send(&batch_to("Orders", &members).with("DELAY", "3")).code, 13);
        assert_eq!(wire.send(&Send { sys_flag: 4, ..batch_to("Orders", &members) }).code, 13);
        assert_eq!(wire.send(&batch_to("Orders", &over)).code, oversize);
        assert_eq!(wire.send(&batch_to("Orders", broken)).code, 1);
        assert_eq!(wire.send(&batch_to("Orders", b"")).code, 1);
        assert_eq!(cluster.stored_count("Orders"), 0);
        let reply = wire.send(&Send { queue_id: 0, ..batch_to("%RETRY%g", &members) });
        assert_eq!(reply.code, retry);
        if retry == 13 {
            assert_eq!(reply.remark(), "batch request does not support retry group %RETRY%g");
        }
    }
}

#[test]
fn a_batch_to_a_long_derived_topic_is_refused() {
    let (_cluster, mut wire) = broker();
    let topic = format!("%RETRY%{}", "g".repeat(121));
    let reply = wire.send(&Send { queue_id: 0, ..batch_to(&topic, &three_members()) });
    assert_eq!((reply.code, reply.remark()), (13, "message topic length too long 128"));
}
