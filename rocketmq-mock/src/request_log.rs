//! The requests that came: counted, and whole where a test asked for it.

use bytes::Bytes;
use rocketmq_protocol::frame::HeaderEncoding;

/// A request as it arrived, faults or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// Name of the broker, or [`NAME_SERVER`](crate::NAME_SERVER).
    pub server: String,
    /// Number of the connection, unique in the cluster.
    pub connection: u64,
    /// Whether it came to the VIP port of a broker, its main port - 2.
    pub vip: bool,
    /// Header encoding of its frame.
    pub encoding: HeaderEncoding,
    /// Request code.
    pub code: i32,
    /// Language code.
    pub language: u8,
    /// The sender's protocol version.
    pub version: i32,
    /// Correlation id.
    pub opaque: i32,
    /// Flag bits (protocol 1.4).
    pub flag: i32,
    /// Remark, if there was one.
    pub remark: Option<String>,
    /// Ext fields in the order they came.
    pub fields: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

impl RecordedRequest {
    /// An ext field's value; the last of several counts.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Requests counted by code always, and kept whole while recording.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    /// A handful of codes: searching them in a row beats hashing.
    counts: Vec<(i32, u64)>,
    pub(crate) recording: bool,
    pub(crate) recorded: Vec<RecordedRequest>,
}

impl RequestLog {
    pub(crate) fn note(&mut self, code: i32) {
        match self.counts.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((code, 1)),
        }
    }

    pub(crate) fn count(&self, code: i32) -> u64 {
        self.counts.iter().find(|(known, _)| *known == code).map_or(0, |(_, count)| *count)
    }
}
