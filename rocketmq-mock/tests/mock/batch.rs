//! Batches (protocol 5.8).

use rocketmq_mock::{Fault, FaultRule, MockCluster, Profile};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::{batch, properties, sys_flag};

use crate::support::{Reply, Send, Wire, broker, broker_of};

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
        batch::push(&mut body, number, &[&text], format!("body {number}").as_bytes()).unwrap();
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

/// One member with a property of so many bytes, its name and separators included.
fn member_of(length: usize) -> Vec<u8> {
    let mut body = Vec::new();
    batch::push(&mut body, 0, &[&format!("p\u{1}{}\u{2}", "x".repeat(length - 3))], b"b").unwrap();
    body
}

#[test]
fn one_broken_member_spoils_the_batch() {
    for profile in [Profile::V5, Profile::V4_9] {
        let (cluster, mut wire) = broker_of(profile);
        let good = three_members();
        // The length of the properties of the only member is not positive any more.
        let mut too_long = member_of(32_767);
        let at = too_long.len() - 32_767 - 2;
        too_long[at..at + 2].copy_from_slice(&33_000_u16.to_be_bytes());
        for bad in [&too_long[..], b"abc", &good[..40]] {
            let reply = wire.send(&batch_to("Orders", &[&good, bad].concat()));
            assert_eq!((reply.code, reply.fields.len()), (1, 0));
        }
        assert_eq!(cluster.stored_count("Orders"), 0);
        let mut without_size = good.clone();
        without_size[..4].fill(0);
        assert_eq!(wire.send(&batch_to("Orders", &without_size)).code, 0);
        assert_eq!(cluster.stored_count("Orders"), 3);
    }
}

#[test]
fn a_4_9_broker_loses_a_member_whose_properties_grow_too_long() {
    for (profile, kept) in [(Profile::V5, 3), (Profile::V4_9, 2)] {
        let (cluster, mut wire) = broker_of(profile);
        let members = [member_of(100), member_of(32_760), member_of(100)].concat();
        let reply = wire.send(&batch_to("Orders", &members));
        assert_eq!((reply.code, reply.field("msgId").unwrap().split(',').count()), (0, 3));
        assert_eq!((cluster.stored("Orders").len(), cluster.stored_count("Orders")), (kept, 3));
    }
}

#[test]
fn properties_of_the_batch_are_measured_where_members_get_them() {
    for (profile, code) in [(Profile::V5, 0), (Profile::V4_9, 1)] {
        let (_cluster, mut wire) = broker_of(profile);
        let members = three_members();
        let send = |length: usize| batch_to("Orders", &members).with("p", &"x".repeat(length));
        assert_eq!(wire.send(&send(32_000)).code, 0);
        assert_eq!(wire.send(&send(32_760)).code, code);
    }
}

#[test]
fn what_the_properties_of_a_batch_may_not_say() {
    for (profile, code, in_orders) in [(Profile::V5, 13, 3), (Profile::V4_9, 0, 9)] {
        let (cluster, mut wire) = broker_of(profile);
        let members = three_members();
        let mut send = |name, value| wire.send(&batch_to("Orders", &members).with(name, value)).code;
        assert_eq!(send("INNER_NUM", "3"), code);
        assert_eq!(send("TIMER_DELAY_SEC", "soon"), code);
        assert_eq!(send("DELAY", "soon"), 1);
        // 5.5.0 moves the members to the timer wheel, where nothing tells what is to become of them.
        assert_eq!(send("TIMER_DELAY_SEC", "1000"), 0);
        assert_eq!(cluster.stored_count("Orders") + cluster.stored_count("rmq_sys_wheel_timer"), in_orders);
        assert_eq!(cluster.stored_count("rmq_sys_wheel_timer") == 3, profile == Profile::V5);
    }
}

fn batch_topic(profile: Profile) -> (MockCluster, Wire) {
    let (cluster, wire) = broker_of(profile);
    cluster.create_topic("Orders", 4, 4, 6, None);
    cluster.set_topic_attributes("Orders", "+queue.type=BatchCQ").unwrap();
    (cluster, wire)
}

/// Number of ids, offset, id of the batch, transaction id.
fn outcome(reply: &Reply) -> (usize, i64, Option<&str>, Option<&str>) {
    assert_eq!(reply.code, 0, "{reply:?}");
    let ids = reply.field("msgId").unwrap().split(',').count();
    (ids, reply.number("queueOffset"), reply.field("batchUniqId"), reply.field("transactionId"))
}

#[test]
fn a_batch_topic_stores_a_batch_with_a_unique_id_as_one_record() {
    let (cluster, mut wire) = batch_topic(Profile::V5);
    let members = three_members();
    let whole = |id| batch_to("Orders", &members).with("UNIQ_KEY", id).with("INNER_NUM", "9");
    assert_eq!(outcome(&wire.send(&whole("B1"))), (1, 0, Some("B1"), Some("B1")));
    // Without a unique id of its own it is taken apart.
    assert_eq!(outcome(&wire.send(&batch_to("Orders", &members))), (3, 3, None, None));
    let single = Send { queue_id: 1, ..Send::to("Orders") }.with("UNIQ_KEY", "S");
    assert_eq!(outcome(&wire.send(&single)), (1, 6, None, Some("S")));
    let by_field = Send { code: request::SEND_MESSAGE_V2, ..whole("B2") };
    assert_eq!(outcome(&wire.send(&by_field)), (1, 7, Some("B2"), Some("B2")));
    assert_eq!(cluster.stored_count("Orders"), 10);

    let stored = cluster.stored("Orders");
    let offsets: Vec<i64> = stored.iter().map(|message| message.queue_offset).collect();
    assert_eq!(offsets, (0..10).collect::<Vec<i64>>());
    let ids: Vec<&str> = stored.iter().map(|message| message.property("UNIQ_KEY").unwrap()).collect();
    assert_eq!(ids, ["ID1", "ID2", "ID3", "ID1", "ID2", "ID3", "S", "ID1", "ID2", "ID3"]);
    let is_whole = |index: usize| stored[index].sys_flag & sys_flag::INNER_BATCH != 0;
    assert_eq!([0, 2, 3, 6, 7].map(is_whole), [true, true, false, false, true]);
    assert_eq!((&stored[2].body[..], stored[2].flag), (&b"body 3"[..], 3));
    assert_eq!(stored[0].message_id, stored[2].message_id);

    let found = |wire: &mut Wire, key| {
        let fields = [
            ("topic", "Orders"),
            ("key", key),
            ("maxNum", "32"),
            ("beginTimestamp", "0"),
            ("endTimestamp", "9223372036854775807"),
        ];
        let reply = wire.call(request::QUERY_MESSAGE, &fields, b"");
        let records = rocketmq_protocol::record::iter(&reply.body).map(Result::unwrap);
        records.map(|record| (record.body.to_vec(), record.properties.to_string())).collect::<Vec<_>>()
    };
    let batch = found(&mut wire, "B2");
    assert_eq!(batch.len(), 1);
    assert_eq!(batch[0].0, members);
    assert_eq!(properties::get(&batch[0].1, "INNER_NUM"), Some("3"));
    assert_eq!(properties::get(&batch[0].1, "INNER_BASE"), Some("7"));
    // Members in a whole batch are not indexed.
    assert_eq!(found(&mut wire, "ID1").len(), 1);
}

#[test]
fn a_batch_topic_refuses_with_the_id_of_the_batch() {
    let (cluster, mut wire) = batch_topic(Profile::V5);
    let members = three_members();
    let whole =
        |name: &str, value: &str| batch_to("Orders", &members).with("UNIQ_KEY", "B1").with(name, value);
    let mut over = Vec::new();
    batch::push(&mut over, 0, &[], &vec![0; 4 * 1024 * 1024]).unwrap();
    for send in [
        whole("DELAY", "1"),
        whole("TIMER_DELAY_SEC", "1000"),
        whole("p", &"x".repeat(32_760)),
        Send { body: &over, ..whole("a", "b") },
    ] {
        let reply = wire.send(&send);
        assert_eq!((reply.code, reply.field("batchUniqId"), reply.field("msgId")), (13, Some("B1"), None));
    }
    let reply = wire.send(&Send { body: &members[..members.len() - 1], ..whole("a", "b") });
    assert_eq!((reply.code, reply.fields.len()), (1, 0));
    assert_eq!(cluster.stored_count("Orders"), 0);
    assert_eq!(wire.send(&whole("DELAY", "0")).code, 0);
}

#[test]
fn a_4_9_broker_has_no_batch_topics() {
    let (cluster, mut wire) = batch_topic(Profile::V4_9);
    let reply = wire.send(&batch_to("Orders", &three_members()).with("UNIQ_KEY", "B1"));
    assert_eq!(outcome(&reply), (3, 0, None, None));
    assert_eq!(cluster.stored("Orders").len(), 3);
    assert!(cluster.set_topic_attributes("Orders", "+no.such=1").is_err());
}

#[test]
fn a_topic_that_is_changed_keeps_its_attributes() {
    let (cluster, mut wire) = batch_topic(Profile::V5);
    cluster.create_topic("Orders", 8, 8, 6, None);
    let members = three_members();
    let reply = wire.send(&Send { queue_id: 7, ..batch_to("Orders", &members) }.with("UNIQ_KEY", "B1"));
    assert_eq!(outcome(&reply), (1, 0, Some("B1"), Some("B1")));
}

#[test]
fn a_rule_refuses_batches_and_lets_single_messages_through() {
    let (cluster, mut wire) = broker();
    let fault = Fault::Code { code: 13, remark: Some("no batches here".to_owned()) };
    cluster.inject(FaultRule {
        request_code: Some(request::SEND_BATCH_MESSAGE),
        topic: Some("Orders".to_owned()),
        ..FaultRule::new(fault)
    });
    let members = three_members();
    for _ in 0..2 {
        let reply = wire.send(&batch_to("Orders", &members));
        assert_eq!((reply.code, reply.remark()), (13, "no batches here"));
    }
    assert_eq!(wire.send(&Send::to("Orders")).code, 0);
    assert_eq!(wire.send(&batch_to("Others", &members)).code, 0);
    assert_eq!((cluster.stored_count("Orders"), cluster.stored_count("Others")), (1, 3));
}
