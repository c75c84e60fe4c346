//! What Apache's client found in the topics.

use std::collections::{BTreeMap, BTreeSet};

use cluster::ReadMessage;
use cluster::reader::{self, Wanted};
use rocketmq_producer::Receipt;

use crate::scene::Scene;

pub(crate) struct Stored {
    messages: Vec<ReadMessage>,
}

impl Stored {
    pub(crate) fn read(scene: &Scene, wanted: &[Wanted]) -> Stored {
        let name_server = scene.cluster.name_server();
        let messages = reader::read(scene.version(), &name_server, wanted).unwrap_or_else(|e| panic!("{e}"));
        Stored { messages }
    }

    /// The copies of each message of a topic, by body.
    pub(crate) fn by_body(&self, topic: &str) -> BTreeMap<&[u8], Vec<&ReadMessage>> {
        let mut copies: BTreeMap<&[u8], Vec<&ReadMessage>> = BTreeMap::new();
        for message in self.messages.iter().filter(|message| message.topic == topic) {
            copies.entry(&message.body).or_default().push(message);
        }
        copies
    }

    /// Where records claim an id that is another's: `offset_message_id` names one place in one store.
    pub(crate) fn doubled_ids(&self, topic: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let of_topic = self.messages.iter().filter(|message| message.topic == topic);
        let doubled = of_topic.filter(|message| !seen.insert(&message.offset_message_id));
        doubled.map(|message| format!("two records have the id {}", message.offset_message_id)).collect()
    }
}

/// The copy that the receipt speaks of, if all it says fits; else what is wrong.
pub(crate) fn of_receipt<'a>(
    receipt: &Receipt,
    copies: &[&'a ReadMessage],
) -> Result<&'a ReadMessage, String> {
    let named = copies.iter().find(|copy| copy.offset_message_id == receipt.offset_message_id());
    let Some(copy) = named.copied() else {
        let found: Vec<_> = copies.iter().map(|copy| copy.offset_message_id.as_str()).collect();
        return Err(format!("no copy has the id of {receipt:?}, but {found:?}"));
    };
    let checks = [
        ("topic", receipt.topic() == copy.topic),
        ("message id", receipt.message_id() == copy.unique_id),
        ("broker address", receipt.broker_address() == copy.store_host),
        ("queue id", receipt.queue_id() == copy.queue_id),
        ("queue offset", receipt.queue_offset() == copy.queue_offset),
    ];
    let wrong: Vec<_> = checks.iter().filter(|(_, holds)| !holds).map(|(what, _)| *what).collect();
    if wrong.is_empty() {
        return Ok(copy);
    }
    let shown = ReadMessage { body: Vec::new(), ..copy.clone() };
    Err(format!("{} wrong in {receipt:?}: {shown:?}", wrong.join(", ")))
}
