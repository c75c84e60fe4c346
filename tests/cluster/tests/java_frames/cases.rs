//! The messages that both clients send.

use cluster::Version;
use rocketmq_producer::{Delivery, Destination, Message, Property};

/// From this size on both clients compress a body.
const COMPRESSION_THRESHOLD: usize = 4096;

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
}

/// A message in words that both clients understand.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: Vec<u8>,
    pub(crate) tags: Option<&'static str>,
    pub(crate) keys: &'static [&'static str],
    pub(crate) properties: &'static [Property<'static>],
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
            flag: 0,
            delivery: Delivery::AtOnce,
            wait_store_ok: true,
            place: Place::Any,
            mode: Mode::Sync,
        }
    }

    /// For librmq.
    pub(crate) fn message<'a>(&'a self, topic: &'a str) -> Message<'a> {
        Message {
            tags: self.tags,
            keys: self.keys,
            properties: self.properties,
            flag: self.flag,
            delivery: self.delivery,
            destination: match &self.place {
                Place::Any => Destination::Any,
                Place::Queue(broker, queue_id) => Destination::Queue { broker, queue_id: *queue_id },
                Place::Text(key) => Destination::ShardingKey(key),
                Place::Integer(key) => Destination::ShardingNumber(i64::from(*key)),
                Place::Long(key) => Destination::ShardingNumber(*key),
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
        arguments.extend(match &self.place {
            Place::Any => None,
            Place::Queue(broker, queue_id) => Some(("queue", format!("{broker}/{queue_id}"))),
            Place::Text(key) => Some(("sharding_text", key.clone())),
            Place::Integer(key) => Some(("sharding_integer", key.to_string())),
            Place::Long(key) => Some(("sharding_long", key.to_string())),
        });
        let properties = self.properties.iter();
        let properties = properties.map(|own| (format!("property.{}", own.name), own.value.to_owned()));
        arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(properties).collect()
    }
}

/// One message to a topic of one queue.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) message: Outgoing,
    /// Value of `compress.type` and of `rocketmq.message.compressType`.
    pub(crate) compress_type: &'static str,
    /// The first version whose client can do this.
    pub(crate) since: Version,
}

impl Case {
    fn new(name: &'static str, message: Outgoing) -> Case {
        Case { name, message, compress_type: "zlib", since: Version::V4_9_7 }
    }

    fn timer(name: &'static str, delivery: Delivery) -> Case {
        let message = Outgoing { delivery, ..Outgoing::new("later") };
        Case { since: Version::V5_5_0, ..Case::new(name, message) }
    }

    fn compressed(name: &'static str, compress_type: &'static str) -> Case {
        Case { compress_type, ..Case::new(name, Outgoing::new(compressible(20_000))) }
    }
}

const USER_PROPERTIES: &[Property<'static>] = &[
    Property { name: "région", value: "Genève – 日本 🚀" },
    Property { name: "a", value: "1" },
    Property { name: "punctuation", value: "a=b;c,d\"e\\f/g%h|i{j}" },
    Property { name: "__STARTDELIVERTIME", value: "0" },
];

/// The cases in which one message of each client is compared.
pub(crate) fn single_message_cases() -> Vec<Case> {
    let plain = Outgoing::new("hello");
    let tagged = Outgoing { tags: Some("TagA"), keys: &["k1", "k2", "clé"], ..plain.clone() };
    let own = Outgoing { properties: USER_PROPERTIES, ..plain.clone() };
    let everything = Outgoing {
        properties: USER_PROPERTIES,
        flag: -7,
        delivery: Delivery::Level(18),
        wait_store_ok: false,
        mode: Mode::Async,
        body: compressible(10_000),
        ..tagged.clone()
    };
    vec![
        Case::new("plain", plain.clone()),
        Case::new("every byte value", Outgoing::new((0..=255).collect::<Vec<u8>>())),
        Case::new("one key", Outgoing { keys: &["k1"], ..plain.clone() }),
        Case::new("tags and keys", tagged),
        Case::new("user properties", own),
        Case::new("flag", Outgoing { flag: i32::MAX, ..plain.clone() }),
        Case::new("delay level", Outgoing { delivery: Delivery::Level(3), ..plain.clone() }),
        Case::new("not waiting for the store", Outgoing { wait_store_ok: false, ..plain.clone() }),
        Case::new("oneway", Outgoing { mode: Mode::Oneway, ..plain.clone() }),
        Case::new("async", Outgoing { mode: Mode::Async, ..plain }),
        Case::timer("timer in seconds", Delivery::AfterSeconds(60)),
        Case::timer("timer in milliseconds", Delivery::AfterMillis(61_234)),
        Case::timer("timer at a time", Delivery::AtMillis(1_700_000_000_123)),
        Case::new("just too short to compress", Outgoing::new(compressible(COMPRESSION_THRESHOLD - 1))),
        Case::new("just long enough to compress", Outgoing::new(compressible(COMPRESSION_THRESHOLD))),
        Case::compressed("zlib", "zlib"),
        Case::compressed("LZ4", "lz4"),
        Case::compressed("Zstandard", "zstd"),
        Case::new("no gain from compressing", Outgoing::new(incompressible(COMPRESSION_THRESHOLD))),
        Case::new("everything at once", everything),
    ]
}

/// Messages that each belong to one queue: 1,000 by a text, 1,000 by an `Integer`, some by a `Long`, and one to each
/// queue of `queues`. A negative `Long` that an `Integer` could hold is not among them: librmq has one kind of number,
/// and hashes such a one as the `Integer`.
pub(crate) fn placed_messages(queues: &[(&'static str, i32)]) -> Vec<Outgoing> {
    let spread = |n: i32| n.wrapping_mul(0x9E37_79B1_u32 as i32);
    let texts = (0..1_000).map(|n| {
        Place::Text(match n % 4 {
            0 => format!("order-{n}"),
            1 => format!("{:x}", spread(n)),
            2 => format!("größe {n} 日本語"),
            _ => format!("🚀{n}𝔘𝔫𝔦"),
        })
    });
    let extremes = [0, 1, -1, i32::MAX, i32::MIN, i32::MIN + 1];
    let integers = extremes.into_iter().chain((0..994).map(spread)).map(Place::Integer);
    let longs =
        [0, 7, i64::MAX, i64::MIN, 1 << 31, -(1 << 31) - 1, 1 << 32, -(1 << 40), 0x1234_5678_9ABC_DEF0];
    let longs = longs.into_iter().map(Place::Long);
    let fixed = queues.iter().flat_map(|(broker, count)| (0..*count).map(|id| Place::Queue(broker, id)));
    let places = texts.chain(integers).chain(longs).chain(fixed);
    places.map(|place| Outgoing { place, ..Outgoing::new("in its place") }).collect()
}

fn compressible(len: usize) -> Vec<u8> {
    b"the same words again and again, ".iter().copied().cycle().take(len).collect()
}

/// Bytes without a pattern, the same in every run.
fn incompressible(len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
