//! Answer to a send (protocol 2.2).

use crate::DecodeError;
use crate::encode::{ExtFields, FieldVisitor};
use crate::fields::{parse_i32, parse_i64};
use crate::header::Fields;

/// What a broker says about a send. Every field may be absent: answers made before the send processor
/// carry none, and those of errors only region and trace switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendAnswer<'a> {
    /// Offset message id; a list joined by `,` for a batch; `0` for a reply that was not stored.
    pub message_id: Option<&'a str>,
    /// Queue the broker used.
    pub queue_id: Option<i32>,
    /// Offset in the queue, of the first message for a batch; for delayed, timer and half messages that
    /// of an internal queue.
    pub queue_offset: Option<i64>,
    /// The unique id as stored; 5.x.
    pub transaction_id: Option<&'a str>,
    /// Region id, normally `DefaultRegion`.
    pub region_id: Option<&'a str>,
    /// Whether the broker wants traces: true unless it says exactly `false`. Written together with the
    /// region only.
    pub trace_on: bool,
    /// Unique id of a batch stored as one record; 5.x.
    pub batch_unique_id: Option<&'a str>,
    /// Handle to recall a timer message; 5.3.2 and later.
    pub recall_handle: Option<&'a str>,
}

impl Default for SendAnswer<'_> {
    fn default() -> Self {
        SendAnswer {
            message_id: None,
            queue_id: None,
            queue_offset: None,
            transaction_id: None,
            region_id: None,
            trace_on: true,
            batch_unique_id: None,
            recall_handle: None,
        }
    }
}

impl<'a> SendAnswer<'a> {
    /// Reads the ext fields of an answer in one pass; absent ones stay absent, numbers that are none
    /// are an error.
    pub fn decode(fields: &'a Fields<'_>) -> Result<Self, DecodeError> {
        let mut answer = SendAnswer::default();
        for (name, value) in fields.iter() {
            match name {
                "msgId" => answer.message_id = Some(value),
                "queueId" => answer.queue_id = Some(parse_i32(name, value)?),
                "queueOffset" => answer.queue_offset = Some(parse_i64(name, value)?),
                "transactionId" => answer.transaction_id = Some(value),
                "MSG_REGION" => answer.region_id = Some(value),
                "TRACE_ON" => answer.trace_on = value != "false",
                "batchUniqId" => answer.batch_unique_id = Some(value),
                "recallHandle" => answer.recall_handle = Some(value),
                _ => {}
            }
        }
        Ok(answer)
    }
}

impl ExtFields for SendAnswer<'_> {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        if let Some(id) = self.message_id {
            visitor.text("msgId", id);
        }
        if let Some(queue) = self.queue_id {
            visitor.int("queueId", queue.into());
        }
        if let Some(offset) = self.queue_offset {
            visitor.int("queueOffset", offset);
        }
        if let Some(id) = self.transaction_id {
            visitor.text("transactionId", id);
        }
        if let Some(id) = self.batch_unique_id {
            visitor.text("batchUniqId", id);
        }
        if let Some(handle) = self.recall_handle {
            visitor.text("recallHandle", handle);
        }
        if let Some(region) = self.region_id {
            visitor.text("MSG_REGION", region);
            visitor.boolean("TRACE_ON", self.trace_on);
        }
    }
}
