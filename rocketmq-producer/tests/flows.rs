//! Sends that go well, in every mode, and what the broker stored.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use common::{PATIENCE, cluster, config, ms, on_sends, poll, producer, send};
use rocketmq_mock::Fault;
use rocketmq_producer::{
    CompletionQueue, Delivery, DeliveryThread, Destination, ErrorCode, Event, Message, Producer, Property,
    SendStatus, Tag,
};
use rocketmq_protocol::sys_flag::CompressionType;

#[test]
fn a_message_arrives_whole_and_the_receipt_tells_where() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    let body = [0, 1, 2, 0, 255];
    let properties = [Property { name: "colour", value: "grün 中" }, Property { name: "n", value: "1" }];
    let message = Message {
        tags: Some("TagA"),
        keys: &["order-1", "order-2"],
        properties: &properties,
        flag: 7,
        ..Message::new("Orders", &body)
    };
    let receipt = producer.send(&message, None).expect("stored");
    let stored = cluster.stored("Orders");
    let [stored] = stored.as_slice() else { panic!("one message, not {}", stored.len()) };
    assert_eq!(stored.body.as_ref(), body);
    assert_eq!(stored.flag, 7);
    let property =
        |name: &str| stored.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(property("TAGS"), Some("TagA"));
    assert_eq!(property("KEYS"), Some("order-1 order-2"));
    assert_eq!(property("colour"), Some("grün 中"));
    assert_eq!(property("UNIQ_KEY"), Some(receipt.message_id()));
    assert_eq!(receipt.status(), SendStatus::SendOk);
    assert_eq!(receipt.offset_message_id(), stored.message_id);
    assert_eq!((receipt.queue_id(), receipt.queue_offset()), (stored.queue_id, stored.queue_offset));
    assert_eq!(receipt.broker_name(), stored.broker);
    assert_eq!(receipt.topic(), "Orders");
    assert_eq!(receipt.attempts(), 1);
}

#[test]
fn both_header_encodings_work() {
    let cluster = cluster(1);
    for encoding in ["rocketmq", "json"] {
        let producer = producer(&cluster, &[("header.encoding", encoding)]);
        send(&producer, "T").expect(encoding);
    }
    assert_eq!(cluster.stored_count("T"), 2);
}

#[test]
fn queues_and_brokers_take_turns() {
    let cluster = cluster(3);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("stored");
    cluster.create_topic("Even", 4, 4, 6, None);
    for _ in 0..24 {
        send(&producer, "Even").expect("stored");
    }
    let counts = cluster.queue_counts("Even");
    assert_eq!(counts.len(), 12, "3 brokers of 4 queues");
    assert!(counts.iter().all(|(_, count)| *count == 2), "{counts:?}");
}

#[test]
fn large_bodies_pass_a_socket_that_takes_them_in_pieces() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[("compress.threshold.bytes", "0")]);
    let queue = CompletionQueue::new();
    let body = |index: usize| -> Vec<u8> {
        (0..(1 << 20) + index * 100_000).map(|at| (at.wrapping_mul(31) + index) as u8).collect()
    };
    for index in 0..24 {
        producer
            .send_queued(&Message::new("T", &body(index)), None, &queue, Tag(index, 0))
            .expect("accepted");
    }
    let mut reports = Vec::new();
    while reports.len() < 24 {
        assert!(poll(&queue, &mut reports, 24, PATIENCE) > 0);
    }
    let stored = cluster.stored("T");
    for report in &reports {
        let receipt = report.result.as_ref().expect("stored");
        let message = stored.iter().find(|stored| stored.message_id == receipt.offset_message_id());
        assert!(message.expect("its record").body.as_ref() == body(report.tag.0), "message {}", report.tag.0);
    }
}

#[test]
fn ten_thousand_async_sends_complete_once_each() {
    let cluster = cluster(3);
    let producer = producer(&cluster, &[]);
    let queue = CompletionQueue::new();
    for index in 0..10_000 {
        let body = format!("message {index}");
        producer
            .send_queued(&Message::new("T", body.as_bytes()), None, &queue, Tag(index, 1))
            .expect("accepted");
    }
    let mut seen = vec![0; 10_000];
    let mut reports = Vec::new();
    while seen.iter().sum::<i32>() < 10_000 {
        assert!(poll(&queue, &mut reports, 1000, PATIENCE) > 0, "a report in time");
        for report in reports.drain(..) {
            report.result.expect("stored");
            seen[report.tag.0] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count == 1));
    assert_eq!(cluster.stored_count("T"), 10_000);
    assert_eq!(producer.in_flight(), 0);
}

#[test]
fn the_delivery_thread_hands_over_every_report_and_then_ends() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    let (sender, receiver) = std::sync::mpsc::channel();
    let delivery = DeliveryThread::start("rmq-test", move |event| {
        let Event::Outcome(report) = event else { return };
        sender
            .send((report.tag, report.result.is_ok(), std::thread::current().name().map(str::to_owned)))
            .ok();
    })
    .expect("a thread");
    for index in 0..100 {
        producer
            .send_queued(&Message::new("T", b"x"), None, delivery.queue(), Tag(index, 0))
            .expect("accepted");
    }
    producer.flush(PATIENCE).expect("all answered");
    assert!(delivery.stop(PATIENCE));
    let delivered: Vec<_> = receiver.iter().collect();
    assert_eq!(delivered.len(), 100);
    assert!(delivered.iter().all(|(_, stored, name)| *stored && name.as_deref() == Some("rmq-test")));
}

#[test]
fn a_future_gives_the_receipt() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let receipt = runtime.block_on(producer.send_async(&Message::new("T", b"x"), None)).expect("stored");
    assert_eq!(receipt.queue_offset(), 0);
}

#[test]
fn one_way_messages_are_all_stored_after_a_flush() {
    let cluster = cluster(2);
    let producer = producer(&cluster, &[]);
    for _ in 0..1000 {
        producer.send_oneway(&Message::new("T", b"x"), None).expect("accepted");
    }
    producer.flush(PATIENCE).expect("written");
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.stored_count("T") == 1000));
    assert_eq!(producer.in_flight(), 0);
}

#[test]
fn many_sends_of_one_call_have_a_result_each() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    let queue = CompletionQueue::new();
    let messages = [Message::new("T", b"x"), Message::new("bad topic", b"x"), Message::new("T", b"y")];
    let tags = [Tag(0, 0), Tag(1, 0), Tag(2, 0)];
    let mut results = [Ok(()), Ok(()), Ok(())];
    let accepted = producer.send_many(&messages, None, &queue, &tags, &mut results).expect("the call");
    assert_eq!(accepted, 2);
    assert_eq!(results[1].as_ref().map_err(|error| error.code()), Err(ErrorCode::MessageIllegal));
    let mut reports = Vec::new();
    while reports.len() < 2 {
        assert!(poll(&queue, &mut reports, 10, PATIENCE) > 0);
    }
    assert!(queue.is_empty());
    assert!(producer.send_many(&messages, None, &queue, &tags[..1], &mut results).is_err());
}

#[test]
fn the_descriptor_is_readable_exactly_while_reports_wait() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    let queue = CompletionQueue::new();
    let fd = queue.fd().expect("a descriptor");
    assert!(!readable(fd, ms(10)));
    producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(0, 0)).expect("accepted");
    assert!(readable(fd, PATIENCE));
    let mut reports = Vec::new();
    assert_eq!(poll(&queue, &mut reports, 1, ms(0)), 1);
    assert!(!readable(fd, ms(10)));
}

/// Whether the descriptor becomes readable within the time.
#[expect(deprecated, reason = "the call without unsafe; the queue outlives the look at its descriptor")]
fn readable(fd: std::os::fd::RawFd, within: std::time::Duration) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let watched =
            tokio::io::unix::AsyncFd::with_interest(fd, tokio::io::Interest::READABLE).expect("watched");
        tokio::time::timeout(within, watched.readable()).await.is_ok()
    })
}

#[test]
fn producers_on_two_clusters_do_not_meet() {
    let (first, second) = (cluster(1), cluster(1));
    let (one, two) = (producer(&first, &[]), producer(&second, &[]));
    for _ in 0..3 {
        send(&one, "T").expect("stored");
    }
    send(&two, "T").expect("stored");
    assert_eq!((first.stored_count("T"), second.stored_count("T")), (3, 1));
    assert_ne!(one.client_id(), two.client_id());
}

#[test]
fn producers_with_one_instance_name_share_a_client_and_a_group_only_once() {
    let cluster = cluster(1);
    let shared = ("instance.name", "shared");
    let first = producer(&cluster, &[shared]);
    let error = Producer::new(&config(&cluster.name_server(), &[shared])).expect_err("the same group");
    assert_eq!(error.code(), ErrorCode::GroupConflict);
    assert!(error.message().contains("test-group"), "{error}");
    let second = producer(&cluster, &[shared, ("producer.group", "other")]);
    assert_eq!(first.client_id(), second.client_id());
    send(&first, "T").expect("stored");
    send(&second, "T").expect("stored");
    assert_eq!(cluster.connection_count("broker-0"), 1);
    let elsewhere = Producer::new(&config("127.0.0.1:1", &[shared, ("producer.group", "third")]));
    assert_eq!(elsewhere.expect_err("another cluster").code(), ErrorCode::InvalidValue);
    first.close(PATIENCE).expect("closed");
    producer(&cluster, &[shared]).close(PATIENCE).expect("the group is free again");
}

#[test]
fn groups_are_registered_by_heartbeat_and_unregistered_at_close() {
    let cluster = cluster(2);
    cluster.create_topic("T", 1, 1, 6, None);
    let producer = producer(&cluster, &[]);
    for _ in 0..2 {
        send(&producer, "T").expect("stored");
    }
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.registrations().len() == 2));
    assert!(
        cluster
            .registrations()
            .iter()
            .all(|seen| { seen.group == "test-group" && seen.client_id == producer.client_id() })
    );
    producer.close(PATIENCE).expect("closed");
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.registrations().is_empty()));
}

#[test]
fn a_delayed_message_is_parked() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    let message = Message { delivery: Delivery::Level(3), ..Message::new("T", b"later") };
    producer.send(&message, None).expect("stored");
    let parked = cluster.stored("SCHEDULE_TOPIC_XXXX");
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].queue_id, 2);
}

#[test]
fn a_topic_that_moves_is_followed() {
    let cluster = cluster(2);
    cluster.create_topic("T", 1, 1, 6, Some(&["broker-0"]));
    let producer = producer(&cluster, &[("route.refresh.interval.ms", "100")]);
    assert_eq!(send(&producer, "T").expect("stored").broker_name(), "broker-0");
    cluster.delete_topic("T");
    cluster.create_topic("T", 1, 1, 6, Some(&["broker-1"]));
    let before = cluster.request_count(105);
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.request_count(105) >= before + 2));
    assert_eq!(send(&producer, "T").expect("stored").broker_name(), "broker-1");
}

#[test]
fn large_bodies_travel_compressed_and_the_callers_bytes_stay() {
    let cluster = cluster(1);
    let body = b"librmq ".repeat(1000);
    for (kind, bits) in [("zlib", 0x301), ("lz4", 0x101), ("zstd", 0x201)] {
        let producer = producer(&cluster, &[("compress.type", kind)]);
        producer.send(&Message::new(kind, &body), None).expect("stored");
        producer.send(&Message::new(kind, &body[..4095]), None).expect("stored");
        let stored = cluster.stored(kind);
        let (large, small) =
            if stored[0].sys_flag == 0 { (&stored[1], &stored[0]) } else { (&stored[0], &stored[1]) };
        assert_eq!((large.sys_flag, small.sys_flag), (bits, 0), "{kind}");
        assert!(large.body.len() < body.len() / 10, "{kind}: {} bytes", large.body.len());
        let way = CompressionType::of(large.sys_flag).expect("compressed");
        let plain =
            rocketmq_protocol::compression::decompress(way, &large.body, body.len()).expect("readable");
        assert!(plain == body, "{kind}");
        assert!(small.body.as_ref() == &body[..4095]);
    }
    let producer = producer(&cluster, &[("compress.threshold.bytes", "0")]);
    producer.send(&Message::new("Never", &body), None).expect("stored");
    assert!(cluster.stored("Never")[0].body.as_ref() == body);
}

#[test]
fn timers_become_the_brokers_properties() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    let timers = [
        (Delivery::AfterSeconds(60), "TIMER_DELAY_SEC", "60"),
        (Delivery::AfterMillis(60_000), "TIMER_DELAY_MS", "60000"),
        (Delivery::AtMillis(1), "TIMER_DELIVER_MS", "1"),
    ];
    for (delivery, name, value) in timers {
        let topic = name.replace('_', "-");
        producer.send(&Message { delivery, ..Message::new(&topic, b"x") }, None).expect("stored");
        let stored = cluster.stored(&topic);
        let stored = stored.into_iter().chain(cluster.stored("rmq_sys_wheel_timer"));
        let found = stored.flat_map(|message| message.properties);
        assert!(found.into_iter().any(|(key, set)| key == name && set == value), "{name}");
    }
}

#[test]
fn a_sharding_key_takes_javas_queue_and_keeps_it() {
    let cluster = cluster(2);
    cluster.create_topic("T", 2, 2, 6, None);
    let producer = producer(&cluster, &[]);
    // Queues in Java's order: broker-0/0, broker-0/1, broker-1/0, broker-1/1; indexes of protocol A.9.
    for (key, broker, queue) in [("TagA", "broker-1", 1), ("order-1", "broker-1", 0), ("中", "broker-0", 1)]
    {
        let message = Message { destination: Destination::ShardingKey(key), ..Message::new("T", b"x") };
        for _ in 0..3 {
            let receipt = producer.send(&message, None).expect("stored");
            assert_eq!((receipt.broker_name(), receipt.queue_id()), (broker, queue), "{key}");
        }
        let stored = cluster.stored("T");
        let last = stored.last().expect("a message");
        assert!(last.properties.iter().any(|(name, _)| name == "__SHARDINGKEY"));
    }
    let numbered = Message { destination: Destination::ShardingNumber(6), ..Message::new("T", b"x") };
    let receipt = producer.send(&numbered, None).expect("stored");
    assert_eq!((receipt.broker_name(), receipt.queue_id()), ("broker-1", 0));
}

#[test]
fn a_named_queue_is_kept_and_an_unknown_one_is_no_route() {
    let cluster = cluster(2);
    cluster.create_topic("T", 2, 2, 6, None);
    let producer = producer(&cluster, &[]);
    let to = |broker, queue_id| Message {
        destination: Destination::Queue { broker, queue_id },
        ..Message::new("T", b"x")
    };
    for _ in 0..4 {
        let receipt = producer.send(&to("broker-1", 1), None).expect("stored");
        assert_eq!((receipt.broker_name(), receipt.queue_id()), ("broker-1", 1));
    }
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 2, remark: None }));
    let receipt = producer.send(&to("broker-1", 1), None).expect("the same queue, once more");
    assert_eq!((receipt.broker_name(), receipt.attempts()), ("broker-1", 2));
    let error = producer.send(&to("broker-1", 2), None).expect_err("no such queue");
    assert_eq!(error.code(), ErrorCode::NoRoute);
    assert!(error.message().contains("queue 2 of broker broker-1"), "{error}");
}
