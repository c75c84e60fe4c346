//! Names on the wire and names that programs see: namespaces, units, zones, streams, VIP channels, header versions.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use common::{PATIENCE, cluster, config, enqueue, in_order, ms, on_sends, producer, requests, send};
use rocketmq_mock::{Fault, FaultRule, MockCluster, NAME_SERVER, RecordedRequest};
use rocketmq_producer::{
    CompletionQueue, Destination, ErrorCode, Message, Producer, QueueRef, QueueSelector, SendStatus,
};

/// One message in every mode, heartbeat and farewell; the requests of all that.
fn whole_life(cluster: &MockCluster, settings: &[(&str, &str)]) -> Vec<RecordedRequest> {
    cluster.set_recording(true);
    let before = cluster.request_count(310) + cluster.request_count(10);
    let producer = producer(cluster, &[settings, &[("heartbeat.interval.ms", "10")]].concat());
    let message = Message::new("T", b"body");
    producer.send(&message, None).expect("stored");
    let queue = CompletionQueue::new();
    enqueue(&producer, &message, &queue, 0);
    in_order(&queue, 1).remove(0).expect("stored");
    producer.send_batch(&[message, message], None).expect("stored");
    producer.send_oneway(&message, None).expect("accepted");
    assert!(cluster.wait_until(PATIENCE, |cluster| {
        let sends = cluster.request_count(310) + cluster.request_count(10);
        sends == before + 3 && !cluster.registrations().is_empty()
    }));
    producer.close(PATIENCE).expect("closed");
    cluster.requests()
}

fn codes(requests: &[RecordedRequest]) -> BTreeSet<i32> {
    requests.iter().map(|request| request.code).collect()
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

#[test]
fn in_a_namespace_brokers_see_other_names_than_the_program() {
    let cluster = cluster(1);
    let requests = whole_life(&cluster, &[("namespace", "NS")]);
    assert_eq!(codes(&requests), BTreeSet::from([34, 35, 105, 310, 320]));
    for request in &requests {
        match request.code {
            105 => assert!(matches!(request.field("topic"), Some("NS%T" | "TBW102")), "{request:?}"),
            310 | 320 => {
                assert_eq!((request.field("a"), request.field("b")), (Some("NS%test-group"), Some("NS%T")));
                let properties = request.field("i").expect("properties");
                assert!(properties.contains("INSTANCE_ID\u{1}NS"), "{properties:?}");
                assert_eq!(request.field("nsd"), None, "that is version 2");
            }
            34 => assert!(text(&request.body).contains("\"NS%test-group\""), "{:?}", request.body),
            _ => assert_eq!(request.field("producerGroup"), Some("NS%test-group"), "{request:?}"),
        }
    }
    assert_eq!((cluster.stored_count("NS%T"), cluster.stored_count("T")), (5, 0));
    for stored in cluster.stored("NS%T") {
        assert_eq!(stored.property("INSTANCE_ID"), Some("NS"));
    }
}

#[test]
fn receipts_errors_and_statistics_have_the_programs_names() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[("namespace", "NS")]);
    assert_eq!(producer.group(), "test-group");
    let batch = [Message::new("T", b"a"), Message::new("T", b"b")];
    let mut receipts = producer.send_batch(&batch, None).expect("stored");
    receipts.push(send(&producer, "T").expect("stored"));
    receipts.push(send(&producer, "NS%T").expect("a name that is wrapped stays so"));
    assert!(receipts.iter().all(|receipt| receipt.topic() == "T"), "{receipts:?}");
    assert_eq!(cluster.stored_count("NS%T"), 4);
    assert_eq!(producer.queues("T", PATIENCE).expect("queues").len(), 4);
    let stats = producer.stats().expect("statistics");
    assert_eq!((stats.topics.len(), &*stats.topics[0].name, stats.group.as_str()), (1, "T", "test-group"));

    cluster.set_auto_create(false);
    let error = send(&producer, "Missing").expect_err("no such topic");
    assert_eq!(error.code(), ErrorCode::NoRoute);
    assert!(error.message().contains("Missing") && !error.message().contains("NS%"), "{error}");
    let error = producer.queues("Missing", PATIENCE).expect_err("no such topic");
    assert!(error.message().contains("Missing") && !error.message().contains("NS%"), "{error}");
    cluster.inject(FaultRule { broker: Some(NAME_SERVER.into()), ..FaultRule::new(Fault::NoAnswer) });
    let error = producer.queues("Missing", ms(50)).expect_err("a silent name server");
    assert_eq!(error.code(), ErrorCode::NameServer);
    assert!(error.message().contains("topic Missing in time"), "{error}");
    cluster.stop_name_server().expect("stopped");
    let error = producer.queues("Missing", PATIENCE).expect_err("no name server");
    assert_eq!(error.code(), ErrorCode::NameServer);
    assert!(error.message().contains("Missing") && !error.message().contains("NS%"), "{error}");
    cluster.inject(on_sends(None, None, Fault::Code { code: 13, remark: None }));
    let error = send(&producer, "T").expect_err("refused");
    assert!(error.message().contains("topic T ") && !error.message().contains("NS%"), "{error}");
}

#[test]
fn the_prefixes_of_retry_topics_stay_in_front_and_system_topics_are_nobodys() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[("namespace", "NS")]);
    for (topic, wire) in [("%RETRY%group", "%RETRY%NS%group"), ("TBW102", "TBW102")] {
        let receipt = send(&producer, topic).expect("stored");
        assert_eq!(receipt.topic(), topic);
        assert_eq!(cluster.stored_count(wire), 1, "{wire}");
    }
}

#[test]
fn each_namespace_is_a_world_of_its_own() {
    let cluster = cluster(1);
    cluster.create_topic("A%T", 1, 1, 6, None);
    cluster.create_topic("B%T", 2, 2, 6, None);
    let [a, b] = ["A", "B"].map(|namespace| producer(&cluster, &[("namespace", namespace)]));
    assert_eq!(a.queues("T", PATIENCE).expect("queues").len(), 1);
    assert_eq!(b.queues("T", PATIENCE).expect("queues").len(), 2);
    send(&a, "T").expect("stored");
    assert_eq!((cluster.stored_count("A%T"), cluster.stored_count("B%T")), (1, 0));
}

#[test]
fn a_namespace_of_version_2_is_a_field_of_every_request() {
    let cluster = cluster(1);
    let requests = whole_life(&cluster, &[("namespace.v2", "N2")]);
    assert_eq!(codes(&requests), BTreeSet::from([34, 35, 105, 310, 320]));
    for request in &requests {
        assert_eq!((request.field("nsd"), request.field("ns")), (Some("true"), Some("N2")), "{request:?}");
    }
    assert_eq!(cluster.stored_count("T"), 5);
    assert!(cluster.stored("T").iter().all(|stored| stored.property("INSTANCE_ID").is_none()));
}

#[test]
fn both_versions_may_be_used_at_once() {
    let cluster = cluster(1);
    cluster.set_recording(true);
    let producer = producer(&cluster, &[("namespace", "NS"), ("namespace.v2", "N2")]);
    send(&producer, "T").expect("stored");
    let sent = requests(&cluster, 310).remove(0);
    assert_eq!((sent.field("b"), sent.field("ns")), (Some("NS%T"), Some("N2")));
}

#[test]
fn a_zone_is_a_field_of_every_request_and_chooses_the_brokers() {
    let cluster = cluster(3);
    cluster.create_topic("T", 2, 2, 6, None);
    cluster.set_zone("broker-1", Some("z1")).expect("set");
    let requests = whole_life(&cluster, &[("zone.name", "z1"), ("zone.mode", "true")]);
    for request in &requests {
        let zone = (request.field("__ZONE_NAME"), request.field("__ZONE_MODE"));
        assert_eq!(zone, (Some("z1"), Some("true")), "{request:?}");
    }
    let counts = cluster.queue_counts("T");
    assert!(counts.iter().all(|((broker, _), _)| broker == "broker-1"), "{counts:?}");

    let anywhere = producer(&cluster, &[("zone.name", "z1"), ("zone.mode", "false")]);
    assert_eq!(anywhere.queues("T", PATIENCE).expect("queues").len(), 6);
}

#[test]
fn streams_mark_their_requests_and_their_client_id() {
    let cluster = cluster(1);
    let requests = whole_life(
        &cluster,
        &[
            ("stream.request.type", "true"),
            ("client.ip", "10.0.0.1"),
            ("instance.name", "i"),
            ("unit.name", "u"),
        ],
    );
    for request in &requests {
        assert_eq!(request.field("ReqT"), Some("0"), "{request:?}");
        match request.code {
            34 => assert!(text(&request.body).contains("\"10.0.0.1@i@u@STREAM\""), "{:?}", request.body),
            35 => assert_eq!(request.field("clientID"), Some("10.0.0.1@i@u@STREAM")),
            _ => {}
        }
    }
    let plain = whole_life(&cluster, &[]);
    assert!(plain.iter().all(|request| request.field("ReqT").is_none()));
}

#[test]
fn the_unit_is_in_the_client_id_and_its_mode_in_the_headers() {
    let cluster = cluster(1);
    for (mode, header) in [("true", "true"), ("false", "false")] {
        let settings =
            [("unit.mode", mode), ("unit.name", "u7"), ("client.ip", "10.0.0.1"), ("instance.name", "i")];
        let requests = whole_life(&cluster, &settings);
        let sends = requests.iter().filter(|request| matches!(request.code, 310 | 320));
        assert_eq!(sends.clone().count(), 4);
        for request in sends {
            assert_eq!(request.field("k"), Some(header), "{request:?}");
        }
        let farewell = requests.iter().find(|request| request.code == 35).expect("a farewell");
        assert_eq!(farewell.field("clientID"), Some("10.0.0.1@i@u7"));
    }
    let producer =
        producer(&cluster, &[("unit.name", "u7"), ("client.ip", "10.0.0.1"), ("instance.name", "i")]);
    assert_eq!(producer.client_id(), "10.0.0.1@i@u7");
}

#[test]
fn sends_take_the_vip_channel_and_nothing_else_does() {
    let cluster = cluster(1);
    let vip = [("vip.channel.enabled", "true"), ("retry.times", "1")];
    let requests = whole_life(&cluster, &vip);
    for request in &requests {
        assert_eq!(request.vip, matches!(request.code, 310 | 320), "{request:?}");
    }
    let producer = producer(&cluster, &vip);
    cluster.set_recording(true);
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 14, remark: None }));
    let receipt = send(&producer, "T").expect("stored");
    let address = cluster.broker_address("broker-0").expect("an address");
    assert_eq!(
        (receipt.attempts(), receipt.broker_address()),
        (2, address.as_str()),
        "the broker's own address"
    );
    assert!(requests_are(&cluster, true));
    cluster.inject(on_sends(None, None, Fault::Code { code: 13, remark: None }));
    let error = send(&producer, "T").expect_err("refused");
    assert_eq!((error.broker_address(), &*error.history()[0].broker_address), (Some(&*address), &*address));
    let plain = common::producer(&cluster, &[]);
    cluster.clear_faults();
    cluster.set_recording(true);
    send(&plain, "T").expect("stored");
    assert!(requests_are(&cluster, false));
}

fn requests_are(cluster: &MockCluster, vip: bool) -> bool {
    let sends = requests(cluster, 310);
    !sends.is_empty() && sends.iter().all(|request| request.vip == vip)
}

#[test]
fn headers_of_version_1_have_the_long_names() {
    let cluster = cluster(1);
    for encoding in ["rocketmq", "json"] {
        let settings = [("send.smart.msg", "false"), ("header.encoding", encoding), ("unit.mode", "true")];
        let requests = whole_life(&cluster, &settings);
        assert_eq!(codes(&requests), BTreeSet::from([10, 34, 35, 105, 320]), "batches stay as they are");
        for request in requests.iter().filter(|request| request.code == 10) {
            let long = ["producerGroup", "topic", "defaultTopic", "defaultTopicQueueNums", "unitMode"];
            let values = long.map(|name| request.field(name).unwrap_or("none"));
            assert_eq!(values, ["test-group", "T", "TBW102", "4", "true"], "{request:?}");
            for name in ["queueId", "sysFlag", "bornTimestamp", "flag", "properties", "reconsumeTimes"] {
                assert!(request.field(name).is_some(), "{name}: {request:?}");
            }
            assert!(request.fields.iter().all(|(name, _)| name.len() > 1), "no short names: {request:?}");
        }
    }
    cluster.inject(FaultRule {
        request_code: Some(10),
        ..on_sends(None, Some(1), Fault::Code { code: 14, remark: None })
    });
    let receipt = send(&producer(&cluster, &[("send.smart.msg", "false")]), "T").expect("stored");
    assert_eq!((receipt.attempts(), receipt.status()), (2, SendStatus::SendOk));
}

#[test]
fn buyer_and_instance_ids_are_properties_and_the_namespace_comes_first() {
    let cluster = cluster(1);
    let message =
        Message { buyer_id: Some("buyer 7"), instance_id: Some("own"), ..Message::new("T", b"body") };
    for (settings, topic, instance) in
        [([("namespace", "")], "T", "own"), ([("namespace", "NS")], "NS%T", "NS")]
    {
        let producer = producer(&cluster, &settings);
        producer.send(&message, None).expect("stored");
        producer.send_batch(&[message], None).expect("stored");
        let stored = cluster.stored(topic);
        assert_eq!(stored.len(), 2);
        for stored in stored {
            let ids = (stored.property("BUYER_ID"), stored.property("INSTANCE_ID"));
            assert_eq!(ids, (Some("buyer 7"), Some(instance)));
        }
    }
}

#[test]
fn producers_of_one_instance_share_namespace_zone_and_name_servers() {
    let cluster = cluster(1);
    let with = |group, more: &[(&str, &str)]| {
        let base = [("instance.name", "shared"), ("producer.group", group)];
        Producer::new(&config(&cluster.name_server(), &[&base, more].concat()))
    };
    let first = [("namespace", "A"), ("namespace.v2", "V"), ("zone.name", "z")];
    let _first = with("first", &first).expect("a producer");
    let _alike = with("alike", &first).expect("it may have the same");
    let others: [&[(&str, &str)]; 4] = [
        &[],
        &[("namespace", "B"), first[1], first[2]],
        &[first[0], ("namespace.v2", "W"), first[2]],
        &[first[0], first[1], ("zone.name", "y")],
    ];
    for other in others {
        let error = with("other", other).expect_err("it may not have another");
        assert_eq!(error.code(), ErrorCode::InvalidValue);
        for part in ["@shared", "namespace", "instance.name"] {
            assert!(error.message().contains(part), "{error} should name {part}");
        }
    }
    let error = with("alike", &first).expect_err("twice");
    assert_eq!(error.code(), ErrorCode::GroupConflict);
    assert!(error.message().contains("group alike ") && !error.message().contains("A%"), "{error}");
    with("other", &first).expect("those that were refused left nothing behind");
}

#[test]
fn an_endpoint_of_a_hosted_service_names_the_namespace() {
    let cluster = cluster(1);
    let endpoint = "http://MQ_INST_1_abc.mq.invalid:8080";
    for (namespace, topic) in [("", "MQ_INST_1_abc%T"), ("Own", "Own%T")] {
        let producer =
            Producer::new(&config(endpoint, &[("namespace", namespace)])).expect("starts all the same");
        producer.set_name_servers(&cluster.name_server()).expect("an address");
        send(&producer, "T").expect("stored");
        assert_eq!(cluster.stored_count(topic), 1, "{topic}");
    }
    let plain =
        Producer::new(&config(&format!("http://{}", cluster.name_server()), &[])).expect("a producer");
    send(&plain, "T").expect("stored");
    assert_eq!(cluster.stored_count("T"), 1, "an endpoint that names none has none");
}

/// Takes the last queue and keeps which were offered.
#[derive(Default)]
struct Last(Mutex<Vec<(String, i32)>>);

impl QueueSelector for Last {
    fn select(&self, queues: &[QueueRef<'_>]) -> Option<usize> {
        *self.0.lock().expect("no panic") =
            queues.iter().map(|queue| (queue.broker_name.to_owned(), queue.queue_id)).collect();
        queues.len().checked_sub(1)
    }
}

#[test]
fn destinations_work_in_a_namespace() {
    let cluster = cluster(1);
    cluster.create_topic("NS%T", 3, 3, 6, None);
    let producer = producer(&cluster, &[("namespace", "NS")]);
    let last = Arc::new(Last::default());
    let selector: Arc<dyn QueueSelector> = Arc::clone(&last) as _;
    let destinations = [
        Destination::Selector(&selector),
        Destination::Queue { broker: "broker-0", queue_id: 2 },
        Destination::ShardingNumber(5),
    ];
    for destination in destinations {
        let message = Message { destination, ..Message::new("T", b"body") };
        assert_eq!(producer.send(&message, None).expect("stored").queue_id(), 2, "{destination:?}");
    }
    let offered = last.0.lock().expect("no panic").clone();
    assert_eq!(offered, producer.queues("T", PATIENCE).expect("queues"));
}
