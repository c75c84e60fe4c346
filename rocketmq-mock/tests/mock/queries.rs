//! Topics made by hand, offsets, and records read back (protocol 2.7, 14.5).

use rocketmq_mock::{MockCluster, Profile};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::record::{self, Record, body_crc};

use crate::support::{Json, Reply, Rocketmq, Send, Wire, broker, broker_of};

const FOREVER: &str = "9999999999999";

fn create(wire: &mut Wire, topic: &str, changes: &[(&'static str, &str)]) -> Reply {
    let mut fields = vec![
        ("topic", topic),
        ("defaultTopic", "TBW102"),
        ("readQueueNums", "3"),
        ("writeQueueNums", "2"),
        ("perm", "6"),
        ("topicFilterType", "SINGLE_TAG"),
        ("topicSysFlag", "0"),
        ("order", "false"),
    ];
    fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    wire.call(request::UPDATE_AND_CREATE_TOPIC, &fields, b"")
}

fn offset(wire: &mut Wire, code: i32, fields: &[(&str, &str)]) -> i64 {
    let reply = wire.call(code, fields, b"");
    assert_eq!(reply.code, 0);
    reply.number("offset")
}

fn query(wire: &mut Wire, key: &str, max: &str) -> Reply {
    let fields = [
        ("topic", "Orders"),
        ("key", key),
        ("maxNum", max),
        ("beginTimestamp", "0"),
        ("endTimestamp", FOREVER),
        ("_UNIQUE_KEY_QUERY", "false"),
    ];
    wire.call(request::QUERY_MESSAGE, &fields, b"")
}

fn bodies(reply: &Reply) -> Vec<String> {
    record::iter(&reply.body)
        .map(|record| String::from_utf8(record.unwrap().body.to_vec()).unwrap())
        .collect()
}

#[test]
fn topics_are_created_and_changed() {
    let (cluster, mut wire) = broker();
    let reply = create(&mut wire, "Orders", &[]);
    assert_eq!((reply.code, reply.remark()), (0, "not set any response code"));
    assert_eq!(wire.send(&Send { queue_id: 2, ..Send::to("Orders") }).code, 0);
    assert_eq!(wire.send(&Send { queue_id: 3, ..Send::to("Orders") }).code, 29);
    assert_eq!(create(&mut wire, "Orders", &[("readQueueNums", "4")]).code, 0);
    assert_eq!(wire.send(&Send { queue_id: 3, ..Send::to("Orders") }).code, 0);
    cluster.delete_topic("Orders");
    assert_eq!((cluster.stored_count("Orders"), cluster.stored("Orders").len()), (0, 0));
}

#[test]
fn topics_that_may_not_be_created() {
    for (profile, code) in [(Profile::V5, 29), (Profile::V4_9, 1)] {
        let (_cluster, mut wire) = broker_of(profile);
        for topic in
            ["bad name", "TBW102", "rmq_sys_x", "DefaultCluster", "broker-0", "DefaultCluster_REPLY_TOPIC"]
        {
            assert_eq!(create(&mut wire, topic, &[]).code, code, "{topic}");
        }
        assert_eq!(create(&mut wire, "Orders", &[("topicFilterType", "")]).code, 1);
        let odd = create(&mut wire, "Orders", &[("attributes", "+no.such=1")]);
        assert_eq!(odd.code, if profile == Profile::V5 { 1 } else { 0 });
    }
}

#[test]
fn multi_tag_topics_mark_their_messages() {
    let (cluster, mut wire) = broker();
    create(&mut wire, "Orders", &[("topicFilterType", "MULTI_TAG")]);
    wire.send(&Send { sys_flag: 1, ..Send::to("Orders") });
    assert_eq!(cluster.stored("Orders")[0].sys_flag, 3);
}

#[test]
fn offsets_of_known_and_unknown_queues() {
    let (cluster, mut wire) = broker();
    for _ in 0..3 {
        wire.send(&Send { queue_id: 1, ..Send::to("Orders") });
    }
    for (topic, queue_id, max, has_time) in
        [("Orders", "1", 3, true), ("Orders", "0", 0, false), ("None", "9", 0, false)]
    {
        let queue = [("topic", topic), ("queueId", queue_id)];
        assert_eq!(offset(&mut wire, request::GET_MAX_OFFSET, &queue), max);
        assert_eq!(offset(&mut wire, request::GET_MIN_OFFSET, &queue), 0);
        let earliest = wire.call(request::GET_EARLIEST_MSG_STORETIME, &queue, b"").number("timestamp");
        let expected = if has_time { cluster.stored("Orders")[0].store_timestamp } else { -1 };
        assert_eq!(earliest, expected);
    }
}

#[test]
fn offsets_are_found_by_time() {
    for (profile, after_lower, after_upper) in [(Profile::V5, 3, 2), (Profile::V4_9, 2, 2)] {
        let (_cluster, mut wire) = broker_of(profile);
        for _ in 0..3 {
            wire.send(&Send::to("Orders"));
        }
        for (time, boundary, expected) in [
            ("0", "LOWER", 0),
            ("0", "upper", 0),
            (FOREVER, "LOWER", after_lower),
            (FOREVER, "other", after_lower),
            (FOREVER, "upper", after_upper),
        ] {
            let fields =
                [("topic", "Orders"), ("queueId", "0"), ("timestamp", time), ("boundaryType", boundary)];
            let found = offset(&mut wire, request::SEARCH_OFFSET_BY_TIMESTAMP, &fields);
            assert_eq!(found, expected, "{profile:?} {time} {boundary}");
        }
    }
}

#[test]
fn a_record_is_read_back_by_its_offset() {
    for profile in [Profile::V5, Profile::V4_9] {
        let (cluster, mut wire) = broker_of(profile);
        wire.encoding = Rocketmq;
        wire.send(&Send::to("Orders"));
        wire.send(&Send { queue_id: 2, ..Send::to("Orders") }.with("KEYS", "k"));
        let stored = &cluster.stored("Orders")[1];
        let reply =
            wire.call(request::VIEW_MESSAGE_BY_ID, &[("offset", &stored.physical_offset.to_string())], b"");
        // Also 4.9 answers this one in JSON.
        assert_eq!((reply.code, reply.encoding), (0, Json));
        let (record, length) = Record::decode(&reply.body).unwrap();
        assert_eq!(length, reply.body.len());
        assert_eq!(record.offset_message_id().to_string(), stored.message_id);
        assert_eq!((record.queue_id, record.queue_offset, record.flag), (2, 0, 7));
        assert_eq!((record.body, record.body_crc), (&b"hello"[..], body_crc(b"hello")));
        assert_eq!((&*record.topic, record.born_host), ("Orders", wire.stream.local_addr().unwrap()));
        assert!(record.properties.contains("KEYS\u{1}k\u{2}"));

        let inside = (stored.physical_offset + 1).to_string();
        let reply = wire.call(request::VIEW_MESSAGE_BY_ID, &[("offset", &inside)], b"");
        assert_eq!(
            (reply.code, reply.remark()),
            (1, &*format!("can not find message by the offset, {inside}"))
        );
    }
}

#[test]
fn records_are_found_by_key_and_unique_id() {
    let (cluster, mut wire) = broker_of(Profile::V4_9);
    wire.encoding = Rocketmq;
    for (body, keys, id) in [("one", "a b", "ID1"), ("two", "b c", "ID2"), ("three", "bb", "ID3")] {
        let send = Send { body: body.as_bytes(), ..Send::to("Orders") };
        wire.send(&send.with("KEYS", keys).with("UNIQ_KEY", id));
    }
    let found = query(&mut wire, "b", "32");
    assert_eq!(
        (found.code, found.encoding, bodies(&found)),
        (0, Json, vec!["two".to_owned(), "one".to_owned()])
    );
    let newest = &cluster.stored("Orders")[2];
    assert_eq!(found.number("indexLastUpdatePhyoffset"), newest.physical_offset);
    assert_eq!(found.number("indexLastUpdateTimestamp"), newest.store_timestamp);
    assert_eq!(bodies(&query(&mut wire, "b", "1")), ["two"]);
    assert_eq!(bodies(&query(&mut wire, "ID3", "32")), ["three"]);
    let nothing = query(&mut wire, "d", "32");
    assert_eq!((nothing.code, nothing.encoding), (22, Rocketmq));
    let index = ["indexLastUpdatePhyoffset", "indexLastUpdateTimestamp"].map(|name| nothing.number(name));
    assert_eq!(index, [0, 0]);
}

#[test]
fn long_topics_have_records_of_the_second_kind() {
    let (cluster, mut wire) = broker();
    let topic = format!("%RETRY%{}", "g".repeat(150));
    wire.send(&Send::to(&topic));
    let reply = wire.send(&Send::to("Orders"));
    let view = |wire: &mut Wire, offset: i64| {
        wire.call(request::VIEW_MESSAGE_BY_ID, &[("offset", &offset.to_string())], b"")
    };
    let first = view(&mut wire, 0);
    assert_eq!(&*Record::decode(&first.body).unwrap().0.topic, topic);
    assert_eq!(stored_offset(&cluster), first.body.len() as i64);
    assert_eq!(reply.code, 0);
}

fn stored_offset(cluster: &MockCluster) -> i64 {
    cluster.stored("Orders")[0].physical_offset
}
