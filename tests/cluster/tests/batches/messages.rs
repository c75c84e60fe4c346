//! The messages that are sent once one by one and once in batches.

use std::collections::BTreeMap;

/// Sizes of the batches of a queue, in order. The last one passes both limits of a pull: 32 messages and 256 KiB.
pub(crate) const BATCH_SIZES: [usize; 5] = [1, 2, 3, 5, 40];
pub(crate) const QUEUES: usize = 2;
pub(crate) const PER_QUEUE: usize = 51;

/// Selects what [`is_tagged`] says.
pub(crate) const TAG_EXPRESSION: &str = "red || Größe";
/// Selects what [`is_selected`] says.
pub(crate) const SQL_EXPRESSION: &str = "weight < 5 AND color = 'green' AND TAGS IS NOT NULL";

const TAGS: [Option<&str>; 4] = [Some("red"), None, Some("Größe"), Some("blue")];
const COLORS: [&str; 3] = ["grün", "blue", "green"];
const FLAGS: [i32; 4] = [0, 7, -1, i32::MIN];
const BIG_BODY: usize = 70_000;

/// A message as its user gives it, and the queue it is for.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) queue_id: usize,
    pub(crate) tags: Option<&'static str>,
    pub(crate) keys: Vec<String>,
    pub(crate) properties: BTreeMap<&'static str, String>,
    pub(crate) flag: i32,
    pub(crate) wait: bool,
    pub(crate) body: Vec<u8>,
}

impl Outgoing {
    pub(crate) fn is_tagged(&self) -> bool {
        matches!(self.tags, Some("red" | "Größe"))
    }

    pub(crate) fn is_selected(&self) -> bool {
        let property = |name| self.properties.get(name).map(String::as_str);
        property("color") == Some("green")
            && property("weight").is_some_and(|weight| weight < "5")
            && self.tags.is_some()
    }
}

/// All of them, queue by queue; each knows its place in this list by its property `serial`. A queue ends with a message
/// that both filters select.
pub(crate) fn messages() -> Vec<Outgoing> {
    (0..QUEUES * PER_QUEUE).map(message).collect()
}

pub(crate) fn message(serial: usize) -> Outgoing {
    let (queue_id, place) = (serial / PER_QUEUE, serial % PER_QUEUE);
    let mut properties = BTreeMap::from([
        ("serial", serial.to_string()),
        ("Größe", "groß \u{2602} \u{1D11E}".to_owned()),
        ("ascii only by name", "\t\"quoted\\\"\r\n".to_owned()),
    ]);
    if place % 7 != 3 {
        properties.insert("weight", (place % 10).to_string());
        properties.insert("color", COLORS[place % 3].to_owned());
    }
    if place % 6 == 2 {
        properties.insert("__SHARDINGKEY", format!("order {place}"));
        properties.insert("BUYER_ID", "buyer".to_owned());
        properties.insert("INSTANCE_ID", "instance".to_owned());
    }
    Outgoing {
        queue_id,
        tags: TAGS[place % 4],
        keys: keys(serial),
        properties,
        flag: FLAGS[place % 4],
        wait: queue_id == 0,
        body: body(serial),
    }
}

fn keys(serial: usize) -> Vec<String> {
    match serial % 5 {
        0 => Vec::new(),
        1 => vec![format!("Schlüssel-{serial}")],
        _ => vec![format!("key-{serial}"), format!("tens-{}", serial / 10)],
    }
}

/// No two are equal. None is UTF-8 except some of one byte; most hold NULs.
fn body(serial: usize) -> Vec<u8> {
    let number = u8::try_from(serial).expect("few messages");
    if serial % 10 == 9 {
        return vec![number];
    }
    let big = serial < PER_QUEUE && serial > 20 && serial.is_multiple_of(5);
    let length = if big { BIG_BODY } else { 8 + serial * 7 };
    let start = [0xFF, 0, number, 0xC3, 0x28, 0, 0xED, 0xA0];
    start.into_iter().chain((0..=u8::MAX).cycle()).take(length).collect()
}
