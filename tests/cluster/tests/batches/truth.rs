//! What was seen of a message, held against what was sent and what the answer to that said.

use std::collections::BTreeMap;

use cluster::consumers::Way;

use crate::complaints::Complaints;
use crate::topic::{Place, Source, Topic};
use crate::view::{DURING_SEND, Fields, OWN_OFFSET_ID, OWN_TOPIC, OWN_UNIQUE_ID, body, property};

/// What client and broker may add to a user's properties.
const ADDED_PROPERTIES: [&str; 15] = [
    "UNIQ_KEY",
    "WAIT",
    "TAGS",
    "KEYS",
    "MSG_REGION",
    "TRACE_ON",
    "CLUSTER",
    "MIN_OFFSET",
    "MAX_OFFSET",
    "CONSUME_START_TIME",
    "RETRY_TOPIC",
    "ORIGIN_MESSAGE_ID",
    "DELAY",
    "REAL_TOPIC",
    "REAL_QID",
];

impl Topic<'_> {
    /// Whether each message is everywhere the one that was sent.
    pub(crate) fn check_truth(&self, seen: &BTreeMap<Place, Fields>, complaints: &mut Complaints) {
        let added = ADDED_PROPERTIES.map(property);
        for ((source, serial, _), fields) in seen {
            let Source::Message(way) = source else { continue };
            let expected = self.expected_fields(*way, *serial);
            for (name, value) in &expected {
                if fields.get(name) != value.as_ref() {
                    let (wanted, found) = (short(value.as_ref()), short(fields.get(name)));
                    complaints
                        .add(format!("{}: {way:?}: {name} is {found}, not {wanted}", self.name), *serial);
                }
            }
            let foreign = |name: &&String| name.starts_with("property ") && !added.contains(name);
            for name in fields.keys().filter(foreign).filter(|name| !expected.contains_key(*name)) {
                complaints.add(format!("{}: {way:?}: {name}, which nobody set", self.name), *serial);
            }
        }
    }

    fn expected_fields(&self, way: Way, serial: usize) -> BTreeMap<String, Option<String>> {
        let (message, placed) = (&self.messages[serial], &self.placed[serial]);
        let mut fields = vec![
            ("topic", Some(OWN_TOPIC.to_owned())),
            ("queue id", Some(placed.queue_id.to_string())),
            ("body", Some(body(&message.body))),
            ("tags", message.tags.map(str::to_owned)),
            ("keys", (!message.keys.is_empty()).then(|| message.keys.join(" "))),
            ("flag", Some(message.flag.to_string())),
            ("message id", Some(OWN_UNIQUE_ID.to_owned())),
            ("born timestamp", Some(DURING_SEND.to_owned())),
            ("store host", Some(self.broker.to_owned())),
            ("reconsume times", Some("0".to_owned())),
            ("sys flag", Some("0".to_owned())),
        ];
        if way == Way::Retry {
            fields.retain(|(name, _)| !["queue id", "reconsume times"].contains(name));
            fields.extend([
                ("reconsume times", Some("1".to_owned())),
                ("property ORIGIN_MESSAGE_ID", Some(OWN_OFFSET_ID.to_owned())),
                ("property RETRY_TOPIC", Some(OWN_TOPIC.to_owned())),
            ]);
        } else {
            fields.extend([
                ("queue offset", Some(placed.queue_offset.to_string())),
                ("offset message id", Some(OWN_OFFSET_ID.to_owned())),
                ("store timestamp", Some(DURING_SEND.to_owned())),
            ]);
        }
        let mut fields: BTreeMap<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        fields.extend(message.properties.iter().map(|(name, value)| (property(name), Some(value.clone()))));
        fields.insert(property("UNIQ_KEY"), Some(OWN_UNIQUE_ID.to_owned()));
        fields
    }
}

fn short(value: Option<&String>) -> String {
    value.map_or_else(|| "is absent".to_owned(), |text| text.chars().take(120).collect())
}
