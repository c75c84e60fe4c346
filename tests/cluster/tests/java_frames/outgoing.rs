//! A message in words that both clients understand.

use std::sync::Arc;

use rocketmq_producer::{Delivery, Destination, Message, Property, QueueRef, QueueSelector};

/// How a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Sync,
    Async,
    Oneway,
}

/// Which queue is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Any,
    /// This queue.
    Queue(&'static str, i32),
    /// The one that `SelectMessageQueueByHash` takes for a `String`.
    Text(String),
    /// For an `Integer`.
    Integer(i32),
    /// For a `Long`.
    Long(i64),
    /// One by chance.
    Random,
    /// The last one, chosen by a selector of the program.
    Last,
}

impl Place {
    /// For `Sender.java`.
    fn argument(&self) -> Option<(&'static str, String)> {
        match self {
            Place::Any => None,
            Place::Queue(broker, queue_id) => Some(("queue", format!("{broker}/{queue_id}"))),
            Place::Text(key) => Some(("sharding_text", key.clone())),
            Place::Integer(key) => Some(("sharding_integer", key.to_string())),
            Place::Long(key) => Some(("sharding_long", key.to_string())),
            Place::Random => Some(("selector", "random".to_owned())),
            Place::Last => Some(("selector", "last".to_owned())),
        }
    }
}

struct LastQueue;

impl QueueSelector for LastQueue {
    fn select(&self, queues: &[QueueRef<'_>]) -> Option<usize> {
        queues.len().checked_sub(1)
    }
}

/// What [`Place::Last`] sends by.
pub(crate) fn last_queue() -> Arc<dyn QueueSelector> {
    Arc::new(LastQueue)
}

/// A message in words that both clients understand.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: Vec<u8>,
    pub(crate) tags: Option<&'static str>,
    pub(crate) keys: &'static [&'static str],
    pub(crate) properties: &'static [Property<'static>],
    pub(crate) buyer_id: Option<&'static str>,
    pub(crate) instance_id: Option<&'static str>,
    pub(crate) flag: i32,
    pub(crate) delivery: Delivery,
    pub(crate) wait_store_ok: bool,
    pub(crate) place: Place,
    pub(crate) mode: Mode,
}

impl Outgoing {
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Outgoing {
        Outgoing {
            body: body.into(),
            tags: None,
            keys: &[],
            properties: &[],
            buyer_id: None,
            instance_id: None,
            flag: 0,
            delivery: Delivery::AtOnce,
            wait_store_ok: true,
            place: Place::Any,
            mode: Mode::Sync,
        }
    }

    /// For librmq; `selector` is the one of [`last_queue`].
    pub(crate) fn message<'a>(&'a self, topic: &'a str, selector: &'a Arc<dyn QueueSelector>) -> Message<'a> {
        Message {
            tags: self.tags,
            keys: self.keys,
            properties: self.properties,
            buyer_id: self.buyer_id,
            instance_id: self.instance_id,
            flag: self.flag,
            delivery: self.delivery,
            destination: match &self.place {
                Place::Any => Destination::Any,
                Place::Queue(broker, queue_id) => Destination::Queue { broker, queue_id: *queue_id },
                Place::Text(key) => Destination::ShardingKey(key),
                Place::Integer(key) => Destination::ShardingNumber(i64::from(*key)),
                Place::Long(key) => Destination::ShardingNumber(*key),
                Place::Random => Destination::Random,
                Place::Last => Destination::Selector(selector),
            },
            wait_store_ok: self.wait_store_ok,
            ..Message::new(topic, &self.body)
        }
    }

    /// For `Sender.java`.
    pub(crate) fn arguments(&self, topic: &str) -> Vec<(String, String)> {
        let body: String = self.body.iter().map(|byte| format!("{byte:02x}")).collect();
        let mode = match self.mode {
            Mode::Sync => "sync",
            Mode::Async => "async",
            Mode::Oneway => "oneway",
        };
        let mut arguments = vec![("topic", topic.to_owned()), ("body", body), ("mode", mode.to_owned())];
        arguments.extend(self.tags.map(|tags| ("tags", tags.to_owned())));
        if !self.keys.is_empty() {
            arguments.push(("keys", self.keys.join(" ")));
        }
        arguments.extend(self.buyer_id.map(|id| ("buyer_id", id.to_owned())));
        arguments.extend(self.instance_id.map(|id| ("instance_id", id.to_owned())));
        if self.flag != 0 {
            arguments.push(("flag", self.flag.to_string()));
        }
        if !self.wait_store_ok {
            arguments.push(("wait_store_ok", "false".to_owned()));
        }
        arguments.extend(match self.delivery {
            Delivery::AtOnce => None,
            Delivery::Level(level) => Some(("delay_level", level.to_string())),
            Delivery::AfterSeconds(seconds) => Some(("delay_seconds", seconds.to_string())),
            Delivery::AfterMillis(millis) => Some(("delay_ms", millis.to_string())),
            Delivery::AtMillis(time) => Some(("deliver_at_ms", time.to_string())),
        });
        arguments.extend(self.place.argument());
        let properties = self.properties.iter();
        let properties = properties.map(|own| (format!("property.{}", own.name), own.value.to_owned()));
        arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(properties).collect()
    }
}
