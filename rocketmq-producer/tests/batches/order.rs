//! Messages of one queue keep their order in batches and around them.

use std::collections::HashMap;

use rocketmq_mock::Fault;
use rocketmq_producer::{CompletionQueue, Destination, Message, Tag};
use rocketmq_protocol::compression;
use rocketmq_protocol::sys_flag::CompressionType;

use crate::common::{PATIENCE, PRESSURE, in_order, ms, on_batches, on_sends, producer, with_topic};

#[test]
fn messages_of_one_queue_never_overtake_each_other() {
    let cluster = with_topic(2, 2);
    let producer =
        producer(&cluster, &[PRESSURE, ("compress.threshold.bytes", "100"), ("batch.max.messages", "7")]);
    let long = |index: usize| format!("{index:0>200}");
    // Held at the mock, so that what follows has to wait.
    producer.queues("T", PATIENCE).expect("a route");
    let held = cluster.inject(on_sends(None, Some(3), Fault::Hold));
    // Retried, parted and compressed ones among them: all in order.
    cluster.inject(on_batches(None, Some(2), Fault::Code { code: 14, remark: None }));
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 13, remark: None }));
    let queue = CompletionQueue::new();
    let mut expected: HashMap<i32, Vec<String>> = HashMap::new();
    for index in 0..300_usize {
        let queue_id = (index % 2) as i32;
        let body = if index % 11 == 0 { long(index) } else { index.to_string() };
        let destination = Destination::Queue { broker: "broker-1", queue_id };
        let message = Message { destination, ..Message::new("T", body.as_bytes()) };
        producer.send_queued(&message, None, &queue, Tag(index, 0)).expect("accepted");
        expected.entry(queue_id).or_default().push(body);
    }
    cluster.remove_fault(held);
    for outcome in in_order(&queue, 300) {
        outcome.expect("stored");
    }
    let mut stored: HashMap<i32, Vec<String>> = HashMap::new();
    for message in cluster.stored("T") {
        let body = match message.sys_flag {
            0 => message.body.to_vec(),
            _ => compression::decompress(CompressionType::Zlib, &message.body, 1000).expect("zlib"),
        };
        stored.entry(message.queue_id).or_default().push(String::from_utf8(body).expect("text"));
    }
    assert_eq!(stored, expected);
    assert!(cluster.request_count(320) > 5, "batches formed");
}

#[test]
fn sync_sends_to_a_queue_wait_for_those_before_them() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[PRESSURE]);
    let fixed = Destination::Queue { broker: "broker-0", queue_id: 0 };
    let queue = CompletionQueue::new();
    cluster.inject(on_sends(None, Some(1), Fault::Delay(ms(300))));
    for index in 0..20_usize {
        let body = index.to_string();
        let message = Message { destination: fixed, ..Message::new("T", body.as_bytes()) };
        producer.send_queued(&message, None, &queue, Tag(index, 0)).expect("accepted");
    }
    let batch = [Message { destination: fixed, ..Message::new("T", b"batch") }];
    let sync = Message { destination: fixed, ..Message::new("T", b"sync") };
    assert_eq!(producer.send_batch(&batch, None).expect("stored")[0].queue_offset(), 20);
    assert_eq!(producer.send(&sync, None).expect("stored").queue_offset(), 21);
}
