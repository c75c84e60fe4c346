//! A message as the caller hands it over.

use std::fmt;
use std::sync::Arc;

/// A user property: a name and a value, both kept byte for byte as UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// The name; not one of RocketMQ's reserved names, not blank.
    pub name: &'a str,
    /// The value; not blank.
    pub value: &'a str,
}

/// When a message is delivered (protocol 5.7). Brokers 4.x know levels only and deliver timers at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Consumers get the message as soon as it is stored.
    AtOnce,
    /// After the broker's delay of this level, 1 to 18 (1 s, 5 s, 10 s, 30 s, 1 min, … 2 h as brokers are set up).
    Level(i32),
    /// After so many seconds (property TIMER_DELAY_SEC).
    AfterSeconds(i64),
    /// After so many milliseconds (property TIMER_DELAY_MS).
    AfterMillis(i64),
    /// Consumers get the message at this time, in ms since 1970 (property TIMER_DELIVER_MS).
    AtMillis(i64),
}

/// A queue of a topic that may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRef<'a> {
    /// Name of its broker, as routes spell it.
    pub broker_name: &'a str,
    /// Its number at that broker.
    pub queue_id: i32,
}

/// A program's own way to choose the queue of a message.
pub trait QueueSelector: Send + Sync {
    /// The index of the queue to take among these, which stand in the Java client's order; `None` or an index that
    /// is none fails the send as `FORBIDDEN`.
    ///
    /// Called once per message: on the thread that sends if the route of the topic is known, else on the I/O thread.
    /// It must be quick and must not wait for the library.
    fn select(&self, queues: &[QueueRef<'_>]) -> Option<usize>;
}

/// A selector as a message names it.
pub trait NamedSelector: Sync {
    /// The selector, to be kept until the message has its queue.
    fn share(&self) -> Arc<dyn QueueSelector>;

    /// Two words that tell it from others. Messages of one wire batch have the same.
    fn id(&self) -> (usize, usize);
}

impl NamedSelector for Arc<dyn QueueSelector> {
    fn share(&self) -> Self {
        Self::clone(self)
    }

    fn id(&self) -> (usize, usize) {
        (Self::as_ptr(self).addr(), 0)
    }
}

/// Which queue a message goes to. All but `Any` keep to their first queue in every attempt, so that messages of one
/// queue stay in order.
#[derive(Clone, Copy)]
pub enum Destination<'a> {
    /// The next queue in turn; after a failure one of another broker.
    Any,
    /// A queue by chance (Java's `SelectMessageQueueByRandom`).
    Random,
    /// This queue.
    Queue {
        /// Name of its broker, as routes spell it.
        broker: &'a str,
        /// Its number at that broker.
        queue_id: i32,
    },
    /// The queue that the Java client's `SelectMessageQueueByHash` takes for this text. The text also becomes
    /// the property `__SHARDINGKEY`.
    ShardingKey(&'a str),
    /// The queue that `SelectMessageQueueByHash` takes for this number: that of a Java `Integer` if it is one, else
    /// that of a `Long`. (A negative `Long` that would fit an `Integer` has another hash in Java.)
    ShardingNumber(i64),
    /// The queue that the program chooses.
    Selector(&'a dyn NamedSelector),
}

impl PartialEq for Destination<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, Self::Any) | (Self::Random, Self::Random) => true,
            (
                Self::Queue { broker, queue_id },
                Self::Queue { broker: other_broker, queue_id: other_queue_id },
            ) => broker == other_broker && queue_id == other_queue_id,
            (Self::ShardingKey(key), Self::ShardingKey(other)) => key == other,
            (Self::ShardingNumber(number), Self::ShardingNumber(other)) => number == other,
            (Self::Selector(selector), Self::Selector(other)) => selector.id() == other.id(),
            _ => false,
        }
    }
}

impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Random => f.write_str("Random"),
            Self::Queue { broker, queue_id } => write!(f, "Queue({broker}, {queue_id})"),
            Self::ShardingKey(key) => write!(f, "ShardingKey({key:?})"),
            Self::ShardingNumber(number) => write!(f, "ShardingNumber({number})"),
            Self::Selector(_) => f.write_str("Selector"),
        }
    }
}

/// A borrowed view of the caller's message. Sending reads it and never changes it; what is needed after the
/// call returns is copied before it returns.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Topic: 1 to 127 of the characters `A-Z a-z 0-9 _ - % |`.
    pub topic: &'a str,
    /// Body: any bytes, at least one, at most `max.message.size`.
    pub body: &'a [u8],
    /// One tag that consumers filter by, without `||` and without blanks around it.
    pub tags: Option<&'a str>,
    /// Business keys the broker indexes; none may contain a space.
    pub keys: &'a [&'a str],
    /// User properties.
    pub properties: &'a [Property<'a>],
    /// The property BUYER_ID of the Java client.
    pub buyer_id: Option<&'a str>,
    /// The property INSTANCE_ID of the Java client; the `namespace` of the configuration comes before it.
    pub instance_id: Option<&'a str>,
    /// A number for the application; brokers keep it.
    pub flag: i32,
    /// When consumers may see it.
    pub delivery: Delivery,
    /// Which queue it goes to.
    pub destination: Destination<'a>,
    /// Whether the broker waits for flush and replication before it answers (property WAIT).
    pub wait_store_ok: bool,
}

impl<'a> Message<'a> {
    /// A message with this topic and body and nothing else.
    pub const fn new(topic: &'a str, body: &'a [u8]) -> Self {
        Self {
            topic,
            body,
            tags: None,
            keys: &[],
            properties: &[],
            buyer_id: None,
            instance_id: None,
            flag: 0,
            delivery: Delivery::AtOnce,
            destination: Destination::Any,
            wait_store_ok: true,
        }
    }
}
