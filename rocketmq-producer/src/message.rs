//! A message as the caller hands it over.

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
    /// As soon as it is stored.
    AtOnce,
    /// After the broker's delay of this level, 1 to 18 (1 s, 5 s, 10 s, 30 s, 1 min, … 2 h as brokers are set up).
    Level(i32),
    /// After so many seconds (property TIMER_DELAY_SEC).
    AfterSeconds(i64),
    /// After so many milliseconds (property TIMER_DELAY_MS).
    AfterMillis(i64),
    /// At this time, in ms since 1970 (property TIMER_DELIVER_MS).
    AtMillis(i64),
}

/// Which queue a message goes to. All but `Any` keep to their queue in every attempt, so that messages of one
/// queue stay in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// The next queue in turn; after a failure one of another broker.
    Any,
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
}

/// A borrowed view of the caller's message. Sending reads it and never changes it; what is needed after the
/// call returns is copied before it returns.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Topic: 1 to 127 of the characters `A-Z a-z 0-9 _ - % |`.
    pub topic: &'a str,
    /// Body: any bytes, at least one, at most `max.message.size`.
    pub body: &'a [u8],
    /// One tag that consumers filter by.
    pub tags: Option<&'a str>,
    /// Business keys the broker indexes; none may contain a space.
    pub keys: &'a [&'a str],
    /// User properties.
    pub properties: &'a [Property<'a>],
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
            flag: 0,
            delivery: Delivery::AtOnce,
            destination: Destination::Any,
            wait_store_ok: true,
        }
    }
}
