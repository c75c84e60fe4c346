//! Batches that the library makes: the keys `batch.*`.

use std::time::Duration;

use super::reader::Reader;
use crate::error::Error;

/// How messages are gathered into batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    pub(crate) max_bytes: usize,
    pub(crate) max_messages: usize,
    /// How long a message waits for others; `None`: only while earlier ones are without an answer.
    pub(crate) linger: Option<Duration>,
}

pub(super) fn batching(reader: &Reader<'_>) -> Result<Option<Batching>, Error> {
    let linger = reader.duration("batch.linger.ms")?;
    let (max_bytes, max_messages) = (reader.parsed("batch.max.bytes")?, reader.parsed("batch.max.messages")?);
    let with = |linger| Some(Batching { max_bytes, max_messages, linger });
    reader.choice("batch.auto", |word| match word {
        "off" => Some(None),
        "pressure" => Some(with(None)),
        "linger" => Some(with(Some(linger))),
        _ => None,
    })
}
