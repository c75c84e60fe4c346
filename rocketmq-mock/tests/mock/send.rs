//! Single messages: what is stored, what is answered, and every check in its place (protocol 14.2 to 14.4).

use crate::support::{Json, Reply, Rocketmq, Send, Wire, broker, broker_of, pairs};
use rocketmq_mock::{Keep, MockCluster, MockOptions, Profile};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::ids::OffsetMessageId;

#[test]
fn a_send_is_stored_and_answered() {
    for encoding in [Json, Rocketmq] {
        for code in [request::SEND_MESSAGE, request::SEND_MESSAGE_V2] {
            let (cluster, mut wire) = broker();
            wire.encoding = encoding;
            let send = Send { code, queue_id: 2, ..Send::to("Orders") }
                .with("UNIQ_KEY", "ID1")
                .with("TAGS", "paid")
                .with("WAIT", "true")
                .with("POP_CK", "x");
            let reply = wire.send(&send);
            assert_eq!((reply.code, reply.encoding, reply.language, reply.version), (0, Json, 0, 513));
            assert_eq!(reply.remark, None);
            assert_eq!((reply.number("queueId"), reply.number("queueOffset")), (2, 0));
            assert_eq!(reply.field("transactionId"), Some("ID1"));
            assert_eq!(reply.field("MSG_REGION"), Some("DefaultRegion"));
            assert_eq!(reply.field("TRACE_ON"), Some("true"));
            assert_eq!(reply.field("recallHandle"), None);
            let id: OffsetMessageId = reply.field("msgId").unwrap().parse().unwrap();
            assert_eq!(id.address.to_string(), cluster.broker_address("broker-0").unwrap());

            let stored = cluster.stored("Orders");
            assert_eq!(stored.len(), 1);
            let message = &stored[0];
            assert_eq!(message.message_id, reply.field("msgId").unwrap());
            assert_eq!((message.queue_id, message.queue_offset, message.physical_offset), (2, 0, id.offset));
            assert_eq!((&message.body[..], message.flag, message.sys_flag), (&b"hello"[..], 7, 0));
            assert_eq!(message.born_timestamp, 1_700_000_000_000);
            assert_eq!(message.born_host, wire.stream.local_addr().unwrap());
            assert!(message.store_timestamp > 1_700_000_000_000);
            for (name, value) in [
                ("UNIQ_KEY", "ID1"),
                ("TAGS", "paid"),
                ("WAIT", "true"),
                ("MSG_REGION", "DefaultRegion"),
                ("TRACE_ON", "true"),
                ("CLUSTER", "DefaultCluster"),
            ] {
                assert_eq!(message.property(name), Some(value), "{name}");
            }
            assert_eq!(message.property("POP_CK"), None);
        }
    }
}

#[test]
fn a_4_9_broker_stores_and_answers_in_its_own_way() {
    let (cluster, mut wire) = broker_of(Profile::V4_9);
    for encoding in [Json, Rocketmq] {
        wire.encoding = encoding;
        let reply = wire.send(&Send::to("Orders").with("UNIQ_KEY", "ID1").with("WAIT", "true"));
        assert_eq!((reply.code, reply.encoding, reply.version), (0, encoding, 407));
        assert_eq!(reply.field("transactionId"), None);
    }
    let message = &cluster.stored("Orders")[1];
    let names: Vec<&str> = message.properties.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["UNIQ_KEY", "CLUSTER"]);
}

#[test]
fn offsets_count_per_queue_and_the_log_grows_by_whole_records() {
    let (cluster, mut wire) = broker();
    let mut next_physical = 0;
    for (queue_id, queue_offset) in [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)] {
        let reply = wire.send(&Send { queue_id, ..Send::to("Orders") });
        assert_eq!(
            (reply.number("queueId"), reply.number("queueOffset")),
            (i64::from(queue_id), queue_offset)
        );
        let id: OffsetMessageId = reply.field("msgId").unwrap().parse().unwrap();
        assert_eq!(id.offset, next_physical);
        let record = wire.call(request::VIEW_MESSAGE_BY_ID, &[("offset", &id.offset.to_string())], b"");
        next_physical += record.body.len() as i64;
    }
    let broker = "broker-0".to_owned();
    assert_eq!(cluster.queue_counts("Orders"), [((broker.clone(), 0), 3), ((broker, 1), 2)]);
}

#[test]
fn a_5_x_broker_makes_missing_unique_ids() {
    let (cluster, mut wire) = broker();
    let first = wire.send(&Send::to("Orders"));
    let second = wire.send(&Send::to("Orders"));
    let ids: Vec<&str> = [&first, &second].map(|reply| reply.field("transactionId").unwrap()).to_vec();
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| id.len() == 32));
    assert_eq!(cluster.stored("Orders")[1].property("UNIQ_KEY"), Some(ids[1]));
}

#[test]
fn the_broker_chooses_a_queue_for_a_negative_one() {
    let (cluster, mut wire) = broker();
    for _ in 0..64 {
        let reply = wire.send(&Send { queue_id: -1, ..Send::to("Orders") });
        assert!((0..4).contains(&reply.number("queueId")));
    }
    assert_eq!(cluster.queue_counts("Orders").len(), 4);
}

#[test]
fn an_unknown_topic_is_made_from_its_default_topic() {
    let (cluster, mut wire) = broker();
    for (topic, default_topic, wanted, made) in
        [("Four", "TBW102", 4, 4), ("Eight", "TBW102", 99, 8), ("Sixteen", "DefaultCluster", 99, 16)]
    {
        let send = |queue_id| Send { queue_id, default_topic, default_queues: wanted, ..Send::to(topic) };
        let refused = wire.send(&send(made));
        assert_eq!(refused.code, 29);
        assert!(
            refused.remark().starts_with(&format!(
                "request queueId[{made}] is illegal, TopicConfig [topicName={topic}, readQueueNums={made}, \
                 writeQueueNums={made}, perm=RW-,"
            )),
            "{}",
            refused.remark()
        );
        assert!(refused.remark().ends_with(&format!("Producer: {}", wire.stream.local_addr().unwrap())));
        assert_eq!(wire.send(&send(made - 1)).code, 0);
    }
    assert_eq!(cluster.stored_count("Eight"), 1);
}

#[test]
fn an_unknown_topic_without_auto_creation_is_refused() {
    let (cluster, mut wire) = broker();
    cluster.set_auto_create(false);
    let reply = wire.send(&Send::to("Orders"));
    assert_eq!(reply.code, 17);
    assert!(reply.remark().starts_with("topic[Orders] not exist, apply first please!"));
    assert_eq!(reply.field("MSG_REGION"), Some("DefaultRegion"));
    assert_eq!(reply.field("msgId"), None);
    assert_eq!(wire.send(&Send::to("%RETRY%g")).code, 0);
    cluster.set_auto_create(true);
    assert_eq!(wire.send(&Send::to("Orders")).code, 0);
    let model_without_inheritance = Send { default_topic: "BenchmarkTest", ..Send::to("Other") };
    assert_eq!(wire.send(&model_without_inheritance).code, 17);
}

#[test]
fn topic_names_are_checked() {
    let long = "T".repeat(127);
    let longer = "T".repeat(128);
    let retry = format!("%RETRY%{}", "g".repeat(248));
    let dead_letter = format!("%DLQ%{}", "g".repeat(123));
    for (topic, v5, v4_9) in [
        (" ", 29, 1),
        ("no spaces", 29, 1),
        ("dots.and", 29, 1),
        ("ümlaut", 29, 1),
        ("a-Z_0|%", 0, 0),
        (&long, 0, 0),
        (&longer, 29, 1),
        (&retry, 0, 1),
        // Passes the name check of 5.x, then the store's.
        (&dead_letter, 13, 1),
    ] {
        for (profile, code) in [(Profile::V5, v5), (Profile::V4_9, v4_9)] {
            let (_cluster, mut wire) = broker_of(profile);
            let reply = wire.send(&Send::to(topic));
            assert_eq!(reply.code, code, "{topic:?} {profile:?} {reply:?}");
            if code == 29 {
                assert!(reply.remark().starts_with("The specified topic"), "{}", reply.remark());
            }
        }
    }
}

#[test]
fn system_topics_are_closed_or_open() {
    let (_cluster, mut wire) = broker();
    for topic in ["SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT"]
    {
        let reply = wire.send(&Send::to(topic));
        assert_eq!(reply.code, 16);
        assert_eq!(reply.remark(), format!("Sending message to topic[{topic}] is forbidden."));
    }
    for topic in ["TBW102", "BenchmarkTest", "DefaultCluster", "broker-0"] {
        assert_eq!(wire.send(&Send::to(topic)).code, 0, "{topic}");
    }
}

#[test]
fn queue_ids_are_checked_against_the_greater_number() {
    for (profile, code) in [(Profile::V5, 29), (Profile::V4_9, 1)] {
        let (cluster, mut wire) = broker_of(profile);
        cluster.create_topic("Orders", 8, 2, 6, None);
        assert_eq!(wire.send(&Send { queue_id: 7, ..Send::to("Orders") }).code, 0);
        assert_eq!(wire.send(&Send { queue_id: 8, ..Send::to("Orders") }).code, code);
        cluster.create_topic("Orders", 0, 0, 6, None);
        let reply = wire.send(&Send { queue_id: -1, ..Send::to("Orders") });
        assert_eq!((reply.code, reply.remark()), (1, "java.lang.ArithmeticException: / by zero"));
    }
}

#[test]
fn write_permission_is_not_checked_on_sends() {
    let (cluster, mut wire) = broker();
    cluster.create_topic("Orders", 4, 4, 4, None);
    assert_eq!(wire.send(&Send::to("Orders")).code, 0);
}

#[test]
fn bodies_are_checked() {
    let limit = vec![7; 4 * 1024 * 1024];
    let over = vec![7; 4 * 1024 * 1024 + 1];
    for (profile, empty) in [(Profile::V5, 1), (Profile::V4_9, 0)] {
        let (cluster, mut wire) = broker_of(profile);
        let reply = wire.send(&Send { body: b"", ..Send::to("Orders") });
        assert_eq!(reply.code, empty);
        if empty == 1 {
            assert!(reply.remark().starts_with("java.lang.NullPointerException"));
            assert!(reply.fields.is_empty());
        }
        assert_eq!(wire.send(&Send { body: &limit, ..Send::to("Orders") }).code, 0);
        let reply = wire.send(&Send { body: &over, ..Send::to("Orders") });
        assert_eq!(reply.code, 13);
        assert!(reply.remark().starts_with("the message is illegal, maybe msg body or properties length"));
        assert_eq!(reply.field("TRACE_ON"), Some("true"));
        assert_eq!(reply.field("msgId"), None);
        assert_eq!(cluster.stored_count("Orders"), if empty == 0 { 2 } else { 1 });
    }
}

#[test]
fn properties_are_checked_with_those_of_the_broker() {
    let (cluster, mut wire) = broker();
    let base = Send::to("Orders").with("UNIQ_KEY", "ID");
    assert_eq!(wire.send(&base).code, 0);
    let added =
        cluster.stored("Orders")[0].properties.iter().map(|(n, v)| n.len() + v.len() + 2).sum::<usize>();
    let room = 32_767 - added - "k".len() - 2;
    assert_eq!(wire.send(&base.clone().with("k", &"v".repeat(room))).code, 0);
    assert_eq!(wire.send(&base.with("k", &"v".repeat(room + 1))).code, 13);
}

#[test]
fn inner_batches_of_producers_are_refused_by_5_x() {
    for (profile, code) in [(Profile::V5, 13), (Profile::V4_9, 0)] {
        let (_cluster, mut wire) = broker_of(profile);
        assert_eq!(wire.send(&Send::to("Orders").with("INNER_NUM", "2")).code, code);
    }
}

#[test]
fn a_message_consumed_too_often_is_a_dead_letter() {
    for (profile, last) in [(Profile::V5, 16), (Profile::V4_9, 15)] {
        let (cluster, mut wire) = broker_of(profile);
        let send = |wire: &mut Wire, times: i32, limit: Option<&str>| {
            let mut fields = Send { queue_id: 3, ..Send::to("%RETRY%g") }.fields();
            fields[8].1 = times.to_string();
            fields.extend(limit.map(|limit| ("l", limit.to_owned())));
            let reply = wire.call(request::SEND_MESSAGE_V2, &pairs(&fields), b"hello");
            assert_eq!((reply.code, reply.number("queueId")), (0, 3));
        };
        send(&mut wire, last, None);
        send(&mut wire, last - 1, Some("100"));
        assert_eq!(cluster.stored_count("%DLQ%g"), 0);
        send(&mut wire, last + 1, None);
        send(&mut wire, 5, Some("4"));
        assert_eq!((cluster.stored_count("%RETRY%g"), cluster.stored_count("%DLQ%g")), (2, 2));
        wire.version = 0;
        send(&mut wire, 5, Some("4"));
        assert_eq!((cluster.stored_count("%RETRY%g"), cluster.stored_count("%DLQ%g")), (3, 2));
    }
}

#[test]
fn a_record_that_says_it_is_a_half_message_is_in_no_queue() {
    let (cluster, mut wire) = broker();
    for (sys_flag, queue_offset, count) in [(0, 0, 1), (4, 0, 1), (12, 0, 1), (8, 1, 2)] {
        let reply = wire.send(&Send { sys_flag, ..Send::to("Orders") });
        assert_eq!((reply.code, reply.number("queueOffset")), (0, queue_offset));
        assert_eq!((cluster.stored_count("Orders"), cluster.stored("Orders").len() as u64), (count, count));
    }
}

#[test]
fn a_compaction_topic_needs_keys() {
    let (_cluster, mut wire) = broker();
    let create = [
        ("topic", "Compact"),
        ("defaultTopic", "TBW102"),
        ("readQueueNums", "4"),
        ("writeQueueNums", "4"),
        ("perm", "6"),
        ("topicFilterType", "SINGLE_TAG"),
        ("order", "false"),
        ("attributes", "+cleanup.policy=COMPACTION"),
    ];
    assert_eq!(wire.call(request::UPDATE_AND_CREATE_TOPIC, &create, b"").code, 0);
    let reply = wire.send(&Send::to("Compact"));
    assert_eq!((reply.code, reply.remark()), (13, "Required message key is missing"));
    assert_eq!(wire.send(&Send::to("Compact").with("KEYS", "k")).code, 0);
}

#[test]
fn the_first_failing_check_answers() {
    let (_cluster, mut wire) = broker();
    let over = vec![7; 4 * 1024 * 1024 + 1];
    let all_wrong = Send { queue_id: 999, body: &over, default_topic: "None", ..Send::to("bad topic") };
    assert_eq!(wire.send(&Send { body: b"", ..all_wrong.clone() }).code, 1);
    assert_eq!(wire.send(&all_wrong).code, 29);
    assert_eq!(wire.send(&Send { topic: "SELF_TEST_TOPIC", ..all_wrong.clone() }).code, 16);
    assert_eq!(wire.send(&Send { topic: "Unknown", ..all_wrong.clone() }).code, 17);
    let known = Send { topic: "Known", default_topic: "TBW102", ..all_wrong };
    assert_eq!(wire.send(&known).code, 29);
    assert_eq!(wire.send(&Send { queue_id: 0, ..known }).code, 13);
}

/// The answer to a send to `Orders` without the field at `index`.
fn send_without(wire: &mut Wire, code: i32, index: usize) -> Reply {
    let mut fields = Send { code, ..Send::to("Orders") }.fields();
    fields.remove(index);
    wire.call(code, &pairs(&fields), b"hello")
}

#[test]
fn a_missing_field_is_an_exception() {
    for profile in [Profile::V5, Profile::V4_9] {
        let (_cluster, mut wire) = broker_of(profile);
        wire.encoding = Rocketmq;
        let without_queue_id = send_without(&mut wire, request::SEND_MESSAGE_V2, 4);
        assert_eq!((without_queue_id.code, without_queue_id.encoding), (1, Json));
        assert!(without_queue_id.remark().starts_with("java.lang.NullPointerException"));
        assert!(without_queue_id.fields.is_empty());
    }
}

#[test]
fn a_missing_topic_is_a_blank_one_on_4_9() {
    for code in [request::SEND_MESSAGE, request::SEND_MESSAGE_V2] {
        let (_cluster, mut wire) = broker_of(Profile::V4_9);
        wire.encoding = Rocketmq;
        let reply = send_without(&mut wire, code, 1);
        assert_eq!((reply.code, reply.encoding), (1, Rocketmq));
        assert_eq!(reply.remark(), "The specified topic is blank.");
        assert_eq!(reply.field("MSG_REGION"), Some("DefaultRegion"));
        assert_eq!(reply.field("TRACE_ON"), Some("true"));
        let (_cluster, mut wire) = broker();
        let reply = send_without(&mut wire, code, 1);
        assert_eq!((reply.code, reply.fields.len()), (1, 0));
        assert!(reply.remark().starts_with("java.lang.NullPointerException"));
    }
}

#[test]
fn nobody_asks_for_the_group() {
    for profile in [Profile::V5, Profile::V4_9] {
        let (cluster, mut wire) = broker_of(profile);
        for code in [request::SEND_MESSAGE, request::SEND_MESSAGE_V2] {
            assert_eq!(send_without(&mut wire, code, 0).code, 0);
        }
        assert_eq!(cluster.stored_count("Orders"), 2);
    }
}

#[test]
fn a_retry_topic_has_one_queue_only_where_no_default_topic_can_be_used() {
    for profile in [Profile::V5, Profile::V4_9] {
        let (_cluster, mut wire) = broker_of(profile);
        for (topic, default_topic, queues) in [("%RETRY%one", "TBW102", 4), ("%RETRY%two", "Unknown", 1)] {
            let send = |queue_id| Send { queue_id, default_topic, ..Send::to(topic) };
            assert_ne!(wire.send(&send(queues)).code, 0);
            assert_eq!(wire.send(&send(queues - 1)).code, 0);
        }
    }
}

#[test]
fn an_unknown_code_is_not_supported() {
    for (profile, encoding) in [(Profile::V5, Json), (Profile::V4_9, Rocketmq)] {
        let (_cluster, mut wire) = broker_of(profile);
        wire.encoding = Rocketmq;
        let reply = wire.call(9999, &[], b"");
        assert_eq!((reply.code, reply.encoding), (3, encoding));
        assert_eq!(reply.remark(), " request type 9999 not supported");
    }
}

#[test]
fn a_oneway_send_is_stored_and_not_answered() {
    let (cluster, mut wire) = broker();
    let fields = Send::to("Orders").fields();
    wire.oneway(request::SEND_MESSAGE_V2, &pairs(&fields), b"silent");
    assert_eq!(wire.send(&Send::to("Orders")).number("queueOffset"), 1);
    assert_eq!(&cluster.stored("Orders")[0].body[..], b"silent");
}

#[test]
fn counts_stay_right_whatever_is_kept() {
    for (keep, kept) in [(Keep::All, 5), (Keep::Last(2), 2), (Keep::CountOnly, 0)] {
        let cluster = MockCluster::start(MockOptions { keep, ..MockOptions::default() }).unwrap();
        let mut wire = Wire::to_broker(&cluster, "broker-0");
        for number in 0..5 {
            assert_eq!(wire.send(&Send::to("Orders")).number("queueOffset"), number);
        }
        let stored = cluster.stored("Orders");
        assert_eq!((cluster.stored_count("Orders"), stored.len()), (5, kept));
        assert_eq!(stored.last().map_or(4, |message| message.queue_offset), 4);
    }
}

#[test]
fn many_frames_in_one_write_are_answered_in_order() {
    use std::io::Write;
    let (cluster, mut wire) = broker();
    let send = Send::to("Orders");
    let fields = send.fields();
    let mut bytes = Vec::new();
    let mut opaques = Vec::new();
    for _ in 0..1000 {
        let (frame, opaque) = wire.frame(send.code, 0, &pairs(&fields), send.body);
        bytes.extend_from_slice(&frame);
        opaques.push(opaque);
    }
    // Cut anywhere: frames are put together again.
    for part in bytes.chunks(777) {
        wire.stream.write_all(part).unwrap();
    }
    for (offset, opaque) in opaques.into_iter().enumerate() {
        let reply = wire.reply().unwrap();
        assert_eq!((reply.opaque, reply.number("queueOffset")), (opaque, offset as i64));
    }
    assert_eq!(cluster.stored_count("Orders"), 1000);
    assert_eq!(cluster.request_count(request::SEND_MESSAGE_V2), 1000);
}

#[test]
fn a_frame_nobody_can_read_closes_the_connection() {
    use std::io::Write;
    for bytes in [
        &b"\x16\x03\x01\x00\xa5\x01\x00\x00"[..],
        &b"\x00\x00\x00\x08\x02\x00\x00\x04zzzz"[..],
        &b"\x00\x00\x00\x08\x00\x00\x00\x04zzzz"[..],
        &b"\x00\x00\x00\x06\x00\x00\x00\x09zz"[..],
    ] {
        let (cluster, mut wire) = broker();
        wire.stream.write_all(bytes).unwrap();
        assert_eq!(wire.end(), std::io::ErrorKind::UnexpectedEof);
        assert!(
            cluster.wait_until(crate::support::PATIENCE, |cluster| cluster.connection_count("broker-0") == 0)
        );
    }
}
