//! The messages by librmq, asynchronously and as fast as it takes them.

use std::error::Error;
use std::time::Duration;

use rocketmq_producer::{CompletionQueue, Config, Destination, Event, Message, Producer, Property, Tag};
use rocketmq_protocol::properties::name;

use crate::messages::Outgoing;
use crate::send::{Placed, now};

const LIMIT: Duration = Duration::from_secs(20);

/// Sends all messages to `topic` and says where each is, in their order. At least half of them must have travelled in
/// batches, or the comparison would show nothing.
pub(crate) fn send_under_pressure(
    name_server: &str,
    topic: &str,
    messages: &[Outgoing],
) -> Result<Vec<Placed>, Box<dyn Error + Send + Sync>> {
    let producer = producer(name_server)?;
    // The look-up and the connection are not what they are to wait for.
    producer.queues(topic, LIMIT)?;
    let outcomes = CompletionQueue::new();
    let start = now();
    for (serial, message) in messages.iter().enumerate() {
        let keys: Vec<&str> = message.keys.iter().map(String::as_str).collect();
        let own = |wanted: &str| message.properties.get(wanted).map(String::as_str);
        let special = [name::BUYER_ID, name::INSTANCE_ID];
        let properties = message.properties.iter().filter(|(name, _)| !special.contains(name));
        let properties: Vec<_> = properties.map(|(name, value)| Property { name, value }).collect();
        let message = Message {
            tags: message.tags,
            keys: &keys,
            properties: &properties,
            buyer_id: own(name::BUYER_ID),
            instance_id: own(name::INSTANCE_ID),
            flag: message.flag,
            wait_store_ok: message.wait,
            destination: Destination::Queue { broker: "broker-0", queue_id: message.queue_id as i32 },
            ..Message::new(topic, &message.body)
        };
        producer.send_queued(&message, Some(LIMIT), &outcomes, Tag(serial, 0))?;
    }
    producer.flush(LIMIT)?;
    let mut events = Vec::new();
    outcomes.poll(&mut events, messages.len(), LIMIT);
    let mut reports: Vec<_> = events.into_iter().filter_map(Event::into_report).collect();
    reports.sort_by_key(|report| report.tag.0);
    let batched = producer.stats()?.wire_batch_messages as usize;
    if batched < messages.len() / 2 {
        return Err(format!("{batched} of {} messages travelled in batches", messages.len()).into());
    }
    let time = (start, now());
    reports
        .into_iter()
        .map(|report| {
            let receipt = report.result?;
            Ok(Placed {
                unique_id: receipt.message_id().to_owned(),
                offset_message_id: receipt.offset_message_id().to_owned(),
                queue_id: receipt.queue_id(),
                queue_offset: receipt.queue_offset(),
                time,
            })
        })
        .collect()
}

fn producer(name_server: &str) -> Result<Producer, rocketmq_producer::Error> {
    let mut config = Config::new();
    let settings = [
        ("producer.group", "PG_batches"),
        ("name.server", name_server),
        ("batch.auto", "pressure"),
        // One body is larger than batches usually get.
        ("batch.max.bytes", "1000000"),
        // The singles that these are compared with are not compressed.
        ("compress.threshold.bytes", "0"),
    ];
    for (key, value) in settings {
        config.set(key, value)?;
    }
    Producer::new(&config)
}
