//! Delayed messages arrive when they are due.
//!
//! A delayed message is parked elsewhere first. When it is due its broker writes a second record into the real topic, and
//! only then can a consumer see it; so that record's store time is its arrival. Sender and brokers share one clock here.

use std::time::Duration;

use cluster::reader::Wanted;
use cluster::{ReadMessage, Version};
use rocketmq_producer::{Delivery, Message, Receipt};

use crate::scene::{SURVIVOR, Scene};
use crate::stored::Stored;

const TOPIC: &str = "Delayed";
/// Several of each, at different moments within the brokers' steps of 100 ms.
const OF_EACH: usize = 5;
/// Brokers look every 100 ms; the rest is for a machine that is busy with other things. Level 2, 5 s, is later still.
const LATEST: Duration = Duration::from_secs(3);

struct Delayed {
    body: String,
    due: Duration,
    receipt: Receipt,
}

pub(crate) struct Delays {
    sent: Vec<Delayed>,
    failures: Vec<String>,
}

/// Name, delivery and the time it stands for. 4.x has levels only and delivers timers at once.
fn kinds(version: Version) -> Vec<(&'static str, Delivery, Duration)> {
    let mut kinds = vec![("level 1", Delivery::Level(1), Duration::from_secs(1))];
    if version > Version::V4_9_7 {
        let two_seconds = Duration::from_secs(2);
        kinds.push(("2,000 ms", Delivery::AfterMillis(2_000), two_seconds));
        kinds.push(("2 s", Delivery::AfterSeconds(2), two_seconds));
    }
    kinds
}

pub(crate) fn run(scene: &Scene) -> Delays {
    scene.create_topic(TOPIC, &[SURVIVOR]);
    let producer = scene.producer(&[]);
    let mut delays = Delays { sent: Vec::new(), failures: Vec::new() };
    for serial in 0..OF_EACH {
        for (name, delivery, due) in kinds(scene.version()) {
            let body = format!("{name}, number {serial}");
            let message = Message { delivery, ..Message::new(TOPIC, body.as_bytes()) };
            match producer.send(&message, None) {
                Ok(receipt) => delays.sent.push(Delayed { body, due, receipt }),
                Err(error) => delays.failures.push(format!("{body}: {error}")),
            }
        }
    }
    delays
}

impl Delays {
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        vec![Wanted { topic: TOPIC.to_owned(), count: self.sent.len() }]
    }

    pub(crate) fn failures(mut self, stored: &Stored) -> Vec<String> {
        let mut by_body = stored.by_body(TOPIC);
        for sent in &self.sent {
            let copies = by_body.remove(sent.body.as_bytes()).unwrap_or_default();
            let problem = match copies.as_slice() {
                [copy] => sent.problem(copy),
                _ => Some(format!("arrived {} times", copies.len())),
            };
            self.failures.extend(problem.map(|problem| format!("{}: {problem}", sent.body)));
        }
        self.failures
            .extend(by_body.keys().map(|body| format!("`{}` was never sent", String::from_utf8_lossy(body))));
        self.failures
    }
}

impl Delayed {
    fn problem(&self, arrived: &ReadMessage) -> Option<String> {
        if arrived.unique_id != self.receipt.message_id() {
            return Some(format!("{} arrived as {}", self.receipt.message_id(), arrived.unique_id));
        }
        let after = arrived.store_timestamp - arrived.born_timestamp;
        let due = self.due.as_millis() as i64;
        let latest = due + LATEST.as_millis() as i64;
        (!(due..=latest).contains(&after))
            .then(|| format!("arrived {after} ms after it was sent, not {due} to {latest} ms"))
    }
}
