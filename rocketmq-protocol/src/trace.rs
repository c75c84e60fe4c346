//! Trace records: the text in the body of a trace message (protocol 9.2).

use std::fmt::Write;

/// Stands between the fields of a record.
pub const FIELD_SEPARATOR: char = '\u{1}';
/// Ends a record.
pub const RECORD_SEPARATOR: char = '\u{2}';

/// What a message is, for traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageKind {
    /// Any other message.
    Normal = 0,
    /// Half message.
    Half = 1,
    /// Outcome of a transaction.
    TransactionCommit = 2,
    /// Delayed message.
    Delay = 3,
    /// Ordered message.
    Order = 4,
}

/// One send, as traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PubRecord<'a> {
    /// Time of the send, ms since the epoch.
    pub timestamp_ms: i64,
    /// Region of the broker.
    pub region_id: &'a str,
    /// Producer group, without namespace.
    pub group: &'a str,
    /// Topic, without namespace.
    pub topic: &'a str,
    /// Unique id; a list joined by `,` for a batch.
    pub message_id: &'a str,
    /// Tag; none is written as the text `null`.
    pub tags: Option<&'a str>,
    /// Keys; none are written as the text `null`.
    pub keys: Option<&'a str>,
    /// Broker address used.
    pub store_host: &'a str,
    /// Bytes of the body as sent.
    pub body_length: usize,
    /// Duration of the send in ms.
    pub cost_ms: u64,
    /// Kind of the message.
    pub kind: MessageKind,
    /// Offset message id; a list joined by `,` for a batch.
    pub offset_message_id: &'a str,
    /// Whether the status is SEND_OK.
    pub success: bool,
}

impl PubRecord<'_> {
    /// Appends the record to `out`.
    pub fn encode(&self, out: &mut String) {
        const S: char = FIELD_SEPARATOR;
        let PubRecord { timestamp_ms, region_id, group, topic, message_id, store_host, .. } = self;
        let PubRecord { body_length, cost_ms, offset_message_id, success, .. } = self;
        let tags = self.tags.unwrap_or("null");
        let keys = self.keys.unwrap_or("null");
        let kind = self.kind as u8;
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "Pub{S}{timestamp_ms}{S}{region_id}{S}{group}{S}{topic}{S}{message_id}{S}{tags}{S}{keys}{S}\
             {store_host}{S}{body_length}{S}{cost_ms}{S}{kind}{S}{offset_message_id}{S}{success}\
             {RECORD_SEPARATOR}"
        );
    }
}
