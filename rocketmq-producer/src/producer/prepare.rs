//! What is made once of a message and used by every attempt.

use rocketmq_protocol::ids::UniqueId;
use rocketmq_protocol::properties::{self, name};

use super::validate::illegal;
use crate::error::Error;
use crate::message::Message;

/// What the broker adds to the properties before it checks their length: MSG_REGION, TRACE_ON, CLUSTER and,
/// for a delayed message, REAL_TOPIC and REAL_QID (protocol 5.6).
const BROKER_MARGIN: usize = 512;

/// Properties and body in one piece of memory.
pub(super) struct Prepared {
    pub(super) unique_id: UniqueId,
    pub(super) flag: i32,
    bytes: Vec<u8>,
    properties_len: usize,
}

impl Prepared {
    pub(super) fn new(message: &Message<'_>, unique_id: UniqueId) -> Result<Self, Error> {
        let mut text = String::with_capacity(message.body.len() + estimate(message));
        properties::push(&mut text, name::UNIQ_KEY, unique_id.as_str());
        properties::push(&mut text, name::WAIT, if message.wait_store_ok { "true" } else { "false" });
        if let Some(tags) = message.tags {
            properties::push(&mut text, name::TAGS, tags);
        }
        match message.keys {
            [] => {}
            [key] => properties::push(&mut text, name::KEYS, key),
            keys => properties::push(&mut text, name::KEYS, &keys.join(" ")),
        }
        if message.delay_level > 0 {
            properties::push(&mut text, name::DELAY, &message.delay_level.to_string());
        }
        for property in message.properties {
            properties::push(&mut text, property.name, property.value);
        }
        let limit = properties::MAX_LEN - BROKER_MARGIN;
        if text.len() > limit {
            return Err(illegal(format!(
                "the properties take {} bytes, more than {limit} (the broker's limit less what it adds)",
                text.len()
            )));
        }
        let properties_len = text.len();
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(message.body);
        Ok(Self { unique_id, flag: message.flag, bytes, properties_len })
    }

    /// The property string. It was made of text, so the check cannot fail.
    pub(super) fn properties(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.properties_len]).unwrap_or_default()
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.properties_len..]
    }
}

/// At least the length of the properties: names, separators and values.
fn estimate(message: &Message<'_>) -> usize {
    const UNIQUE_ID_WAIT_DELAY: usize = 112;
    const NAME_AND_SEPARATORS: usize = 8;
    let tags = message.tags.map_or(0, |tags| tags.len() + NAME_AND_SEPARATORS);
    let keys: usize = message.keys.iter().map(|key| key.len() + NAME_AND_SEPARATORS).sum();
    let own: usize = message.properties.iter().map(|own| own.name.len() + own.value.len() + 2).sum();
    UNIQUE_ID_WAIT_DELAY + tags + keys + own
}
