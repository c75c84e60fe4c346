//! Reads topics back with Apache's own client classes (`java/Reader.java`), so that what we compare with was decoded by
//! none of our code.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::ports::PortBlock;
use crate::process::{java, run, write_quiet_logging};
use crate::{LaunchError, Version, artifacts};

const VISIBLE_LIMIT: Duration = Duration::from_secs(30);

/// One message as Apache's client shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReadMessage {
    /// Topic.
    pub topic: String,
    /// Queue it stands in.
    pub queue_id: i32,
    /// Its index in that queue.
    pub queue_offset: i64,
    /// Body, decompressed.
    #[serde(deserialize_with = "hex_bytes")]
    pub body: Vec<u8>,
    /// CRC-32 of the body without its sign bit.
    pub body_crc: i32,
    /// Tag.
    pub tags: Option<String>,
    /// Keys, separated by a space.
    pub keys: Option<String>,
    /// Every property, the broker's own and TAGS, KEYS included.
    pub properties: BTreeMap<String, String>,
    /// What the client calls message id: UNIQ_KEY, or the offset message id if there is none.
    pub unique_id: String,
    /// Message id made of store host and commit-log offset.
    pub offset_message_id: String,
    /// `ip:port` of the sender's socket.
    pub born_host: String,
    /// `ip:port` of the broker.
    pub store_host: String,
    /// Sender's clock, ms since the epoch.
    pub born_timestamp: i64,
    /// Broker's clock, ms since the epoch.
    pub store_timestamp: i64,
    /// Size of its record in the commit log: the body as it travelled, properties and fixed fields.
    pub store_size: usize,
    /// System flag. 5.5.0's client takes out [`COMPRESSED`](rocketmq_protocol::sys_flag::COMPRESSED) with the compression.
    pub sys_flag: i32,
    /// The user's flag.
    pub flag: i32,
    /// Number of earlier consumptions.
    pub reconsume_times: i32,
    /// Commit-log offset of the half message that it was; 0 for others.
    pub prepared_offset: i64,
}

/// A topic to read, and for how many messages the reader waits.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Topic.
    pub topic: String,
    /// Number of messages that should be there.
    pub count: usize,
}

/// Reads all messages of the topics: those beyond the wanted count as well, and fewer if no more become visible within
/// half a minute. Ordered by topic as wanted, then by queue and offset.
///
/// # Errors
/// A topic has no route by then; Apache's client fails; its output is not what `Reader` writes.
pub fn read(version: Version, name_server: &str, topics: &[Wanted]) -> Result<Vec<ReadMessage>, LaunchError> {
    let artifacts = artifacts::resolve(version)?;
    let place = PortBlock::reserve()?;
    write_quiet_logging(&place.folder)?;
    let output = place.folder.join("messages.jsonl");
    let mut command = java(&artifacts, &place.folder);
    command.args(["-Xmx512m", "Reader", name_server]).arg(&output).arg(VISIBLE_LIMIT.as_secs().to_string());
    command.args(topics.iter().map(|wanted| format!("{}={}", wanted.topic, wanted.count)));
    run(&mut command, "default-jdk-headless", "reading the messages back")?;
    let text = fs::read_to_string(&output).map_err(LaunchError::path("read", &output))?;
    text.lines()
        .map(|line| serde_json::from_str(line).map_err(LaunchError::wire("parse a read message")))
        .collect()
}

/// Deserializes a body written in hexadecimal digits.
///
/// # Errors
/// The text is anything else.
pub fn hex_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digit = |c: &u8| char::from(*c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    bytes.collect::<Option<_>>().ok_or_else(|| serde::de::Error::custom("a body that is not hexadecimal"))
}
