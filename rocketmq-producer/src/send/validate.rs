//! The rules a message must keep before anything is sent (protocol 5.1). One error each, with value and rule.

use rocketmq_protocol::namespace;
use rocketmq_protocol::properties;
use rocketmq_protocol::topics;

use crate::error::{Error, ErrorCode};
use crate::message::{Delivery, Destination, Message};

/// The highest delay level of a broker's default table; a broker clamps what is above its own.
const MAX_DELAY_LEVEL: i32 = 18;

pub(crate) fn validate(
    message: &Message<'_>,
    namespace: Option<&str>,
    max_message_size: usize,
) -> Result<(), Error> {
    topics::check_topic(message.topic).map_err(|error| illegal(error.to_string()))?;
    if let Some(namespace) = namespace {
        let wrapped = namespace::wrap(namespace, message.topic);
        topics::check_topic(&wrapped).map_err(|error| illegal(error.to_string()))?;
    }
    if topics::is_send_forbidden(message.topic) {
        return Err(illegal(format!("topic {} belongs to the broker and refuses messages", message.topic)));
    }
    if message.body.is_empty() {
        return Err(illegal("the body is empty: brokers store at least one byte".into()));
    }
    if message.body.len() > max_message_size {
        return Err(illegal(format!(
            "the body has {} bytes, more than max.message.size allows ({max_message_size})",
            message.body.len()
        )));
    }
    check_delivery(message.delivery)?;
    check_destination(message.destination)?;
    if let Some(tags) = message.tags {
        check_text("tags", tags)?;
        check_tag(tags)?;
    }
    if let Some(buyer_id) = message.buyer_id {
        check_text("buyer id", buyer_id)?;
    }
    if let Some(instance_id) = message.instance_id {
        check_text("instance id", instance_id)?;
    }
    for key in message.keys {
        check_text("key", key)?;
        if key.contains(' ') {
            return Err(illegal(format!("key {key:?} contains a space, which separates keys")));
        }
    }
    for property in message.properties {
        check_text("property name", property.name)?;
        if properties::is_reserved(property.name) {
            return Err(illegal(format!("property name {} is reserved by RocketMQ", property.name)));
        }
        check_text(property.name, property.value)?;
    }
    Ok(())
}

/// What the messages of one wire batch must have in common, and may not have (protocol 5.8).
pub(crate) fn check_batch(messages: &[Message<'_>]) -> Result<(), Error> {
    let Some(first) = messages.first() else { return Err(illegal("the batch has no messages".into())) };
    if first.topic.starts_with(topics::RETRY_PREFIX) {
        return Err(illegal(format!("retry topic {} takes no batches", first.topic)));
    }
    for (index, message) in messages.iter().enumerate() {
        let differs =
            |what| Err(illegal(format!("message {index} of the batch has another {what} than the first")));
        if message.topic != first.topic {
            return differs("topic");
        }
        if message.wait_store_ok != first.wait_store_ok {
            return differs("wait_store_ok");
        }
        if message.destination != first.destination {
            return differs("destination");
        }
        if message.delivery != Delivery::AtOnce {
            return Err(illegal(format!(
                "message {index} of the batch has a delay: brokers ignore it there"
            )));
        }
    }
    Ok(())
}

fn check_delivery(delivery: Delivery) -> Result<(), Error> {
    match delivery {
        Delivery::AtOnce => Ok(()),
        Delivery::Level(1..=MAX_DELAY_LEVEL) => Ok(()),
        Delivery::Level(level) => {
            Err(illegal(format!("delay level {level} is not one of 1 to {MAX_DELAY_LEVEL}")))
        }
        Delivery::AfterSeconds(time) | Delivery::AfterMillis(time) | Delivery::AtMillis(time) => {
            if time > 0 {
                Ok(())
            } else {
                Err(illegal(format!("delivery time {time} is not positive")))
            }
        }
    }
}

fn check_destination(destination: Destination<'_>) -> Result<(), Error> {
    match destination {
        Destination::Any
        | Destination::Random
        | Destination::ShardingNumber(_)
        | Destination::Selector(_) => Ok(()),
        Destination::Queue { broker, queue_id } => {
            if broker.is_empty() {
                return Err(illegal(format!("queue {queue_id} is named without its broker")));
            }
            if queue_id < 0 {
                return Err(illegal(format!("queue id {queue_id} is negative")));
            }
            Ok(())
        }
        Destination::ShardingKey(key) => check_text("sharding key", key),
    }
}

/// A message has one tag, and consumers ask for tags as `a || b`, for all with `*`.
fn check_tag(tag: &str) -> Result<(), Error> {
    if tag.contains("||") || tag.trim() != tag || tag == "*" {
        return Err(illegal(format!(
            "no consumer can ask for the tag {tag:?}: a message has one tag, without || and without blanks around it, \
             and * means every tag"
        )));
    }
    Ok(())
}

/// Blank texts vanish at the broker, and two control characters separate properties (protocol 5.6).
pub(crate) fn check_text(what: &str, text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(illegal(format!("{what} is blank: {text:?}")));
    }
    if text.contains(['\u{1}', '\u{2}']) {
        return Err(illegal(format!(
            "{what} contains U+0001 or U+0002, which separate properties: {text:?}"
        )));
    }
    Ok(())
}

pub(crate) fn illegal(text: String) -> Error {
    Error::new(ErrorCode::MessageIllegal, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Property;

    fn refused(message: &Message<'_>, parts: &[&str]) {
        let error = validate(message, Some("NS"), 16).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::MessageIllegal);
        for part in parts {
            assert!(error.message().contains(part), "{error} should name {part}");
        }
    }

    #[test]
    fn batches_are_of_one_kind() {
        let good = Message::new("T", b"body");
        let refused = |messages: &[Message<'_>], part: &str| {
            let error = check_batch(messages).expect_err("refused");
            assert!(error.message().contains(part), "{error} should name {part}");
        };
        assert!(check_batch(&[good, good]).is_ok());
        refused(&[], "no messages");
        refused(&[Message { topic: "%RETRY%g", ..good }], "%RETRY%g");
        refused(&[good, Message { topic: "U", ..good }], "message 1 of the batch has another topic");
        refused(&[good, Message { wait_store_ok: false, ..good }], "wait_store_ok");
        refused(&[good, Message { destination: Destination::ShardingKey("k"), ..good }], "destination");
        refused(&[good, Message { delivery: Delivery::AfterSeconds(1), ..good }], "delay");
    }

    #[test]
    fn every_rule_names_the_value_and_itself() {
        let good = Message::new("T", b"body");
        assert!(validate(&good, None, 16).is_ok());
        let long = "t".repeat(125);
        assert!(validate(&Message { topic: &long, ..good }, None, 16).is_ok());
        refused(&Message { topic: &long, ..good }, &["128", "127"]);
        refused(&Message { buyer_id: Some(""), ..good }, &["buyer id"]);
        refused(&Message { instance_id: Some("a\u{2}"), ..good }, &["instance id"]);
        refused(&Message { topic: "", ..good }, &["topic"]);
        refused(&Message { topic: "a b", ..good }, &["a b"]);
        refused(&Message { topic: "SCHEDULE_TOPIC_XXXX", ..good }, &["SCHEDULE_TOPIC_XXXX"]);
        refused(&Message { body: b"", ..good }, &["empty"]);
        refused(&Message { body: &[0; 17], ..good }, &["17", "max.message.size", "16"]);
        refused(&Message { delivery: Delivery::Level(19), ..good }, &["19", "18"]);
        refused(&Message { delivery: Delivery::Level(0), ..good }, &["level 0"]);
        refused(&Message { delivery: Delivery::AfterMillis(-5), ..good }, &["-5", "positive"]);
        refused(&Message { delivery: Delivery::AtMillis(0), ..good }, &["0", "positive"]);
        let queue = |broker, queue_id| Destination::Queue { broker, queue_id };
        refused(&Message { destination: queue("", 3), ..good }, &["queue 3", "broker"]);
        refused(&Message { destination: queue("b", -1), ..good }, &["-1", "negative"]);
        refused(&Message { destination: Destination::ShardingKey(" "), ..good }, &["sharding key"]);
        refused(&Message { tags: Some(" "), ..good }, &["tags", "blank"]);
        for tag in ["a||b", "a || b", " a", "a\t", "*"] {
            refused(&Message { tags: Some(tag), ..good }, &[&format!("{tag:?}"), "no consumer"]);
        }
        for tag in ["a|b", "a b", "a*"] {
            validate(&Message { tags: Some(tag), ..good }, None, 1000).expect("a tag that can be asked for");
        }
        refused(&Message { keys: &["a b"], ..good }, &["a b", "space"]);
        let with = |name, value| [Property { name, value }];
        refused(&Message { properties: &with("KEYS", "x"), ..good }, &["KEYS", "reserved"]);
        refused(&Message { properties: &with("n", ""), ..good }, &["n is blank"]);
        refused(&Message { properties: &with("", "x"), ..good }, &["property name"]);
        refused(&Message { properties: &with("n", "a\u{1}b"), ..good }, &["U+0001"]);
        refused(&Message { properties: &with("n\u{2}", "a"), ..good }, &["U+0001"]);
    }
}
