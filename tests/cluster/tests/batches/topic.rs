//! All that was seen of one topic, sorted by message, and held against what was sent.

use std::collections::{BTreeMap, BTreeSet};

use cluster::consumers::{Consumed, Given, Way};

use crate::complaints::Complaints;
use crate::messages::Outgoing;
use crate::send::Placed;
use crate::view::{Fields, Identity, OWN_OFFSET_ID, OWN_UNIQUE_ID};

/// Where something was seen of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Message(Way),
    Trace,
}

/// Where, of which message, and what was asked for to find it; or which record of a trace.
pub(crate) type Place = (Source, usize, String);

/// A topic after its sends.
pub(crate) struct Topic<'a> {
    pub(crate) name: &'a str,
    pub(crate) messages: &'a [Outgoing],
    pub(crate) placed: Vec<Placed>,
    pub(crate) broker: &'a str,
    /// Whether consumers are expected to leave traces of its messages.
    pub(crate) traced: bool,
}

impl Topic<'_> {
    /// Holds all that was seen against what was sent, and returns it sorted.
    pub(crate) fn check(&self, consumed: &Consumed, complaints: &mut Complaints) -> BTreeMap<Place, Fields> {
        let seen = self.sort(consumed, complaints);
        self.check_places(complaints);
        self.check_truth(&seen, complaints);
        self.check_order(consumed, complaints);
        seen
    }

    /// What was seen, each once where it should be.
    fn sort(&self, consumed: &Consumed, complaints: &mut Complaints) -> BTreeMap<Place, Fields> {
        let mut seen: BTreeMap<Place, Vec<Fields>> = BTreeMap::new();
        for given in consumed.messages.iter().filter(|given| given.message.topic == self.name) {
            match self.serial(given) {
                Ok(serial) => {
                    let identity = self.identity(serial);
                    let asked = given.asked.as_deref().map(|asked| identity.text(asked)).unwrap_or_default();
                    let place = (Source::Message(given.way), serial, asked);
                    seen.entry(place).or_default().push(identity.message(given));
                }
                Err(complaint) => complaints.add(complaint, None),
            }
        }
        for record in &consumed.traces {
            let serial = self.placed.iter().position(|placed| placed.unique_id == record.unique_id);
            if let Some(serial) = serial {
                let (kind, fields) = self.identity(serial).trace(record);
                seen.entry((Source::Trace, serial, kind)).or_default().push(fields);
            }
        }
        let expected = self.expected_places();
        for place @ (source, serial, _) in expected.iter().chain(seen.keys()) {
            let (times, wanted) =
                (seen.get(place).map_or(0, Vec::len), usize::from(expected.contains(place)));
            if times != wanted {
                complaints
                    .add(format!("{}: {source:?}: seen {times} times, not {wanted}", self.name), *serial);
            }
        }
        seen.into_iter().filter_map(|(place, mut fields)| Some((place, fields.pop()?))).collect()
    }

    fn serial(&self, given: &Given) -> Result<usize, String> {
        let text = given.message.properties.get("serial");
        let serial = text.and_then(|text| text.parse().ok());
        serial
            .filter(|serial| *serial < self.placed.len())
            .ok_or_else(|| format!("{}: serial {text:?} by {:?}", self.name, given.way))
    }

    fn identity(&self, serial: usize) -> Identity<'_> {
        Identity { topic: self.name, placed: &self.placed[serial] }
    }

    fn expected_places(&self) -> BTreeSet<Place> {
        let mut places = BTreeSet::new();
        for (serial, message) in self.messages.iter().enumerate() {
            for way in Way::ALL {
                let asked = match way {
                    Way::TagFilter if !message.is_tagged() => Vec::new(),
                    Way::SqlFilter if !message.is_selected() => Vec::new(),
                    Way::Key => message.keys.clone(),
                    Way::OffsetId => vec![OWN_OFFSET_ID.to_owned()],
                    Way::UniqueId => vec![OWN_UNIQUE_ID.to_owned()],
                    _ => vec![String::new()],
                };
                places.extend(asked.into_iter().map(|asked| (Source::Message(way), serial, asked)));
            }
            if self.traced {
                places.extend(["SubBefore", "SubAfter"].map(|kind| (Source::Trace, serial, kind.to_owned())));
            }
        }
        places
    }

    /// Whether the answers place the messages as sent: each queue filled from 0 on, in order.
    fn check_places(&self, complaints: &mut Complaints) {
        let mut next: BTreeMap<usize, i64> = BTreeMap::new();
        for (serial, (message, placed)) in self.messages.iter().zip(&self.placed).enumerate() {
            let offset = next.entry(message.queue_id).or_default();
            if (placed.queue_id, placed.queue_offset) != (message.queue_id as i32, *offset) {
                complaints.add(format!("{}: answered with another place in the queue", self.name), serial);
            }
            *offset += 1;
        }
    }

    /// Whether those ways that keep the order of a queue gave the messages in the order of their sends.
    fn check_order(&self, consumed: &Consumed, complaints: &mut Complaints) {
        let mut last: BTreeMap<(Way, i32), usize> = BTreeMap::new();
        let keeps_order = |given: &&Given| matches!(given.way, Way::Orderly | Way::Pull | Way::LitePull);
        let of_topic = consumed.messages.iter().filter(|given| given.message.topic == self.name);
        for given in of_topic.filter(keeps_order) {
            // One without a serial has been complained about.
            let Ok(serial) = self.serial(given) else { continue };
            let before = last.insert((given.way, given.message.queue_id), serial);
            if before.is_some_and(|before| before >= serial) {
                complaints.add(format!("{}: {:?}: out of order", self.name, given.way), serial);
            }
        }
    }
}
