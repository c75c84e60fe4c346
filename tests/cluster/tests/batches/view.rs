//! What a consumer sees of one message, as named texts. What differs from message to message by nature (its ids, its
//! topic, clocks) is replaced by whether it is what it should be, so that the same message sent twice looks the same
//! twice.

use std::collections::BTreeMap;

use cluster::consumers::{Given, TraceRecord, Way};

use crate::send::Placed;

/// Field names and values; an absent field has no entry.
pub(crate) type Fields = BTreeMap<String, String>;

pub(crate) const OWN_TOPIC: &str = "<its topic>";
pub(crate) const OWN_UNIQUE_ID: &str = "<its unique id>";
pub(crate) const OWN_OFFSET_ID: &str = "<its offset message id>";
pub(crate) const DURING_SEND: &str = "<while it was sent>";
const AFTER_SEND: &str = "<after it was sent>";

/// Fields of a trace record in order, after its type (protocol 9.2).
const BEFORE: &[&str] = &["time", "region", "group", "request", "message id", "retries", "keys"];
const AFTER: &[&str] = &["request", "message id", "cost", "success", "keys", "result", "time", "group"];

/// Replaces what belongs to one message.
pub(crate) struct Identity<'a> {
    pub(crate) topic: &'a str,
    pub(crate) placed: &'a Placed,
}

impl Identity<'_> {
    pub(crate) fn text(&self, text: &str) -> String {
        let known = [
            (self.topic, OWN_TOPIC),
            (&self.placed.unique_id, OWN_UNIQUE_ID),
            (&self.placed.offset_message_id, OWN_OFFSET_ID),
        ];
        let own = known.into_iter().find(|(value, _)| *value == text);
        own.map_or(text, |(_, replacement)| replacement).to_owned()
    }

    fn time(&self, milliseconds: i64) -> String {
        let (start, end) = self.placed.time;
        if milliseconds < start {
            milliseconds.to_string()
        } else if milliseconds <= end {
            DURING_SEND.to_owned()
        } else {
            AFTER_SEND.to_owned()
        }
    }

    fn later(&self, text: &str) -> String {
        match text.parse() {
            Ok(milliseconds) if self.time(milliseconds) == AFTER_SEND => AFTER_SEND.to_owned(),
            _ => text.to_owned(),
        }
    }

    pub(crate) fn message(&self, given: &Given) -> Fields {
        let message = &given.message;
        let mut fields = Fields::from([
            ("topic".to_owned(), self.text(&message.topic)),
            ("queue id".to_owned(), message.queue_id.to_string()),
            ("queue offset".to_owned(), message.queue_offset.to_string()),
            ("body".to_owned(), body(&message.body)),
            ("body checksum".to_owned(), message.body_crc.to_string()),
            ("message id".to_owned(), self.text(&message.unique_id)),
            ("offset message id".to_owned(), self.text(&message.offset_message_id)),
            // Every producer has a port of its own.
            ("born host".to_owned(), host(&message.born_host).to_owned()),
            ("store host".to_owned(), message.store_host.clone()),
            ("born timestamp".to_owned(), self.time(message.born_timestamp)),
            ("store timestamp".to_owned(), self.time(message.store_timestamp)),
            ("sys flag".to_owned(), message.sys_flag.to_string()),
            ("flag".to_owned(), message.flag.to_string()),
            ("reconsume times".to_owned(), message.reconsume_times.to_string()),
            ("prepared offset".to_owned(), message.prepared_offset.to_string()),
        ]);
        let optional =
            [("tags", &message.tags), ("keys", &message.keys), ("reply topic", &given.reply_topic)];
        for (name, value) in optional {
            fields.extend(value.iter().map(|value| (name.to_owned(), self.text(value))));
        }
        for (name, value) in &message.properties {
            let value = if name == "CONSUME_START_TIME" { self.later(value) } else { self.text(value) };
            fields.insert(property(name), value);
        }
        if given.way == Way::Retry {
            // A message that comes back is a new record of another queue, among others in the order of their coming.
            for other in ["queue offset", "offset message id", "property MIN_OFFSET", "property MAX_OFFSET"] {
                fields.remove(other);
            }
        }
        fields
    }

    /// The type of the record, and its fields.
    pub(crate) fn trace(&self, record: &TraceRecord) -> (String, Fields) {
        let mut texts = record.fields.iter();
        let kind = texts.next().cloned().unwrap_or_default();
        let names = match kind.as_str() {
            "SubBefore" => BEFORE,
            "SubAfter" => AFTER,
            _ => &[],
        };
        let fields = texts.enumerate().map(|(i, text)| {
            let name = names.get(i).map_or_else(|| format!("field {}", i + 1), |name| (*name).to_owned());
            let value = match name.as_str() {
                "time" => self.later(text),
                "request" if is_unique_id(text) => "<an id>".to_owned(),
                "cost" if text.parse::<u16>().is_ok() => "<some milliseconds>".to_owned(),
                _ => self.text(text),
            };
            (name, value)
        });
        (kind, fields.collect())
    }
}

/// Java makes the longer ones on a machine with a public IPv6 address.
fn is_unique_id(text: &str) -> bool {
    [32, 56].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(crate) fn property(name: &str) -> String {
    format!("property {name}")
}

pub(crate) fn body(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}
