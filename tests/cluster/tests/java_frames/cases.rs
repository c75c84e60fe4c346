//! What both clients send, and how they are set up for it.

use cluster::Version;
use rocketmq_producer::{Delivery, Property};

use crate::clients::TOPIC;
use crate::outgoing::{Mode, Outgoing, Place};

/// From this size on both clients compress a body.
const COMPRESSION_THRESHOLD: usize = 4096;

/// Messages to a topic of one queue.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) messages: Vec<Outgoing>,
    /// So many at a time go as one wire batch.
    pub(crate) batches_of: Option<usize>,
    /// As programs name it.
    pub(crate) topic: &'static str,
    /// As brokers know it.
    pub(crate) wire_topic: &'static str,
    /// By their keys of librmq.
    pub(crate) settings: Vec<(&'static str, &'static str)>,
    /// The first version whose client can do this.
    pub(crate) since: Version,
}

impl Case {
    fn new(name: &'static str, message: Outgoing) -> Case {
        Case {
            name,
            messages: vec![message],
            batches_of: None,
            topic: TOPIC,
            wire_topic: TOPIC,
            settings: Vec::new(),
            since: Version::V4_9_7,
        }
    }

    fn timer(name: &'static str, delivery: Delivery) -> Case {
        let message = Outgoing { delivery, ..Outgoing::new("later") };
        Case { since: Version::V5_5_0, ..Case::new(name, message) }
    }

    fn compressed(name: &'static str, compress_type: &'static str) -> Case {
        Case::new(name, Outgoing::new(compressible(20_000))).with("compress.type", compress_type)
    }

    fn batch(name: &'static str, messages: Vec<Outgoing>) -> Case {
        Case { batches_of: Some(messages.len()), messages, ..Case::new(name, Outgoing::new("")) }
    }

    fn in_namespace(
        name: &'static str,
        topic: &'static str,
        wire_topic: &'static str,
        message: Outgoing,
    ) -> Case {
        Case { topic, wire_topic, ..Case::new(name, message).with("namespace", NAMESPACE) }
    }

    fn with(mut self, key: &'static str, value: &'static str) -> Case {
        self.settings.push((key, value));
        self
    }

    /// This can be done from 5.5.0 on.
    fn new_in_5(self) -> Case {
        Case { since: Version::V5_5_0, ..self }
    }
}

const USER_PROPERTIES: &[Property<'static>] = &[
    Property { name: "région", value: "Genève – 日本 🚀" },
    Property { name: "a", value: "1" },
    Property { name: "punctuation", value: "a=b;c,d\"e\\f/g%h|i{j}" },
    Property { name: "__STARTDELIVERTIME", value: "0" },
];

const NAMESPACE: &str = "MQ_INST_1";
pub(crate) const WIRE_TOPIC: &str = "MQ_INST_1%Frames";

/// The cases in which one message of each client is compared.
pub(crate) fn single_message_cases() -> Vec<Case> {
    let plain = Outgoing::new("hello");
    let tagged = Outgoing { tags: Some("TagA"), keys: &["k1", "k2", "clé"], ..plain.clone() };
    let own = Outgoing { properties: USER_PROPERTIES, ..plain.clone() };
    let ids = Outgoing { buyer_id: Some("buyer 7"), instance_id: Some("instance"), ..plain.clone() };
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
        Case::new("buyer and instance", ids),
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

/// Settings that change every send.
pub(crate) fn settings_cases() -> Vec<Case> {
    let message = Outgoing {
        tags: Some("TagA"),
        keys: &["k1"],
        properties: USER_PROPERTIES,
        instance_id: Some("of the message"),
        ..Outgoing::new("as set up")
    };
    let inside = |name, topic, wire_topic| Case::in_namespace(name, topic, wire_topic, message.clone());
    let with = |name, key, value| Case::new(name, message.clone()).with(key, value);
    vec![
        inside("namespace", TOPIC, WIRE_TOPIC),
        inside("topic with its namespace", WIRE_TOPIC, WIRE_TOPIC),
        inside("retry topic in a namespace", "%RETRY%g", "%RETRY%MQ_INST_1%g"),
        inside("dead-letter topic in a namespace", "%DLQ%g", "%DLQ%MQ_INST_1%g"),
        inside("system topic in a namespace", "BenchmarkTest", "BenchmarkTest"),
        with("unit mode", "unit.mode", "true").with("unit.name", "unit-1"),
        with("VIP channel", "vip.channel.enabled", "true"),
        with("namespace of version 2", "namespace.v2", "MQ_INST_2").new_in_5(),
        with("zone", "zone.name", "z1").new_in_5(),
        with("zone mode", "zone.name", "z1").with("zone.mode", "true").new_in_5(),
        with("stream type", "stream.request.type", "true").new_in_5(),
        inside("all settings", TOPIC, WIRE_TOPIC)
            .with("unit.mode", "true")
            .with("vip.channel.enabled", "true")
            .with("namespace.v2", "MQ_INST_2")
            .with("zone.name", "z1")
            .with("zone.mode", "true")
            .with("stream.request.type", "true")
            .new_in_5(),
    ]
}

/// Wire batches.
pub(crate) fn batch_cases() -> Vec<Case> {
    let members = batch_members();
    let async_ones = members.iter().map(|member| Outgoing { mode: Mode::Async, ..member.clone() }).collect();
    let unsafe_ones =
        members.iter().map(|member| Outgoing { wait_store_ok: false, ..member.clone() }).collect();
    let queue = Place::Queue("broker-0", 0);
    let placed = members.iter().map(|member| Outgoing { place: queue.clone(), ..member.clone() });
    // Java 4.9 knows the broker from the route of the default topic and may ask for no other when a queue is named.
    let to_any_then_placed = members.iter().cloned().chain(placed).collect();
    let inside = Case::batch("batch in a namespace", members.clone()).with("namespace", NAMESPACE);
    vec![
        Case::batch("batch of one", vec![Outgoing::new("alone")]),
        Case::batch("async batch", async_ones),
        Case::batch("batch not waiting for the store", unsafe_ones),
        Case { batches_of: Some(members.len()), ..Case::batch("batch to a queue", to_any_then_placed) },
        Case { wire_topic: WIRE_TOPIC, ..inside },
        Case::batch("batch with settings", members.clone())
            .with("unit.mode", "true")
            .with("vip.channel.enabled", "true"),
        Case::batch("batch", members),
    ]
}

/// Each differs from the others in something; one is long enough to be compressed, but batches are not.
pub(crate) fn batch_members() -> Vec<Outgoing> {
    vec![
        Outgoing::new("plain"),
        Outgoing { tags: Some("TagA"), keys: &["k1", "clé"], ..Outgoing::new("tagged") },
        Outgoing { properties: USER_PROPERTIES, ..Outgoing::new("with properties") },
        Outgoing { flag: -7, buyer_id: Some("buyer 7"), ..Outgoing::new("flagged") },
        Outgoing::new(compressible(10_000)),
    ]
}

/// What headers of version 1 are compared with.
pub(crate) fn long_name_cases() -> Vec<Case> {
    let batch = Case::batch("batch", batch_members());
    let everything = single_message_cases().into_iter().filter(|case| case.name == "everything at once");
    let plain = Outgoing::new("hello");
    let oneway = Case::new("oneway", Outgoing { mode: Mode::Oneway, ..plain.clone() });
    let settings =
        settings_cases().into_iter().filter(|case| ["namespace", "all settings"].contains(&case.name));
    everything.chain(settings).chain([Case::new("plain", plain), oneway, batch]).collect()
}

/// Each mode to each kind of place, but for those that leave the client a choice.
pub(crate) fn modes_and_places() -> Vec<Outgoing> {
    let places =
        [Place::Text("order-7".to_owned()), Place::Queue("broker-1", 2), Place::Integer(-7), Place::Last];
    let modes = [Mode::Sync, Mode::Async, Mode::Oneway];
    let send = |mode, place: &Place| Outgoing {
        mode,
        place: place.clone(),
        ..Outgoing::new(format!("{mode:?} to {place:?}"))
    };
    places.iter().flat_map(|place| modes.map(|mode| send(mode, place))).collect()
}

/// Each mode to where the client likes.
pub(crate) fn modes_and_choices() -> Vec<Outgoing> {
    let modes = [Mode::Sync, Mode::Async, Mode::Oneway];
    let send = |mode, place| Outgoing { mode, place, ..Outgoing::new(format!("{mode:?}")) };
    modes.into_iter().flat_map(|mode| [Place::Any, Place::Random].map(|place| send(mode, place))).collect()
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
