//! The rules a message must keep before anything is sent (protocol 5.1). One error each, with value and rule.

use rocketmq_protocol::properties;
use rocketmq_protocol::topics;

use crate::error::{Error, ErrorCode};
use crate::message::Message;

/// The highest delay level of a broker's default table; a broker clamps what is above its own.
const MAX_DELAY_LEVEL: i32 = 18;

pub(super) fn validate(message: &Message<'_>, max_message_size: usize) -> Result<(), Error> {
    topics::check_topic(message.topic).map_err(|error| illegal(error.to_string()))?;
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
    if !(0..=MAX_DELAY_LEVEL).contains(&message.delay_level) {
        let level = message.delay_level;
        return Err(illegal(format!("delay level {level} is not one of 0 (none) to {MAX_DELAY_LEVEL}")));
    }
    if let Some(tags) = message.tags {
        check_text("tags", tags)?;
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

/// Blank texts vanish at the broker, and two control characters separate properties (protocol 5.6).
fn check_text(what: &str, text: &str) -> Result<(), Error> {
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

pub(super) fn illegal(text: String) -> Error {
    Error::new(ErrorCode::MessageIllegal, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Property;

    fn refused(message: &Message<'_>, parts: &[&str]) {
        let error = validate(message, 16).expect_err("refused");
        assert_eq!(error.code(), ErrorCode::MessageIllegal);
        for part in parts {
            assert!(error.message().contains(part), "{error} should name {part}");
        }
    }

    #[test]
    fn every_rule_names_the_value_and_itself() {
        let good = Message::new("T", b"body");
        assert!(validate(&good, 16).is_ok());
        refused(&Message { topic: "", ..good }, &["topic"]);
        refused(&Message { topic: "a b", ..good }, &["a b"]);
        refused(&Message { topic: "SCHEDULE_TOPIC_XXXX", ..good }, &["SCHEDULE_TOPIC_XXXX"]);
        refused(&Message { body: b"", ..good }, &["empty"]);
        refused(&Message { body: &[0; 17], ..good }, &["17", "max.message.size", "16"]);
        refused(&Message { delay_level: 19, ..good }, &["19", "18"]);
        refused(&Message { delay_level: -1, ..good }, &["-1"]);
        refused(&Message { tags: Some(" "), ..good }, &["tags", "blank"]);
        refused(&Message { keys: &["a b"], ..good }, &["a b", "space"]);
        let with = |name, value| [Property { name, value }];
        refused(&Message { properties: &with("KEYS", "x"), ..good }, &["KEYS", "reserved"]);
        refused(&Message { properties: &with("n", ""), ..good }, &["n is blank"]);
        refused(&Message { properties: &with("", "x"), ..good }, &["property name"]);
        refused(&Message { properties: &with("n", "a\u{1}b"), ..good }, &["U+0001"]);
        refused(&Message { properties: &with("n\u{2}", "a"), ..good }, &["U+0001"]);
    }
}
