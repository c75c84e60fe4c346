//! Answers to queries (protocol 2.7).

use std::borrow::Cow;

use crate::DecodeError;
use crate::encode::{ExtFields, FieldVisitor};
use crate::header::Fields;
use crate::wire_value::wire_header;

/// Answer to GET_MAX_OFFSET, GET_MIN_OFFSET and SEARCH_OFFSET_BY_TIMESTAMP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OffsetAnswer {
    /// Queue offset.
    pub offset: i64,
}

impl OffsetAnswer {
    /// Reads the ext fields of an answer.
    pub fn decode(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(OffsetAnswer { offset: fields.require_i64("offset")? })
    }
}

impl ExtFields for OffsetAnswer {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        visitor.int("offset", self.offset);
    }
}

/// Answer to GET_EARLIEST_MSG_STORETIME.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreTimeAnswer {
    /// Store time, ms since the epoch; −1 when the queue is empty.
    pub timestamp: i64,
}

impl StoreTimeAnswer {
    /// Reads the ext fields of an answer.
    pub fn decode(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(StoreTimeAnswer { timestamp: fields.require_i64("timestamp")? })
    }
}

impl ExtFields for StoreTimeAnswer {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        visitor.int("timestamp", self.timestamp);
    }
}

/// Answer to QUERY_MESSAGE; the body is records one after another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryMessageAnswer {
    /// Store time of the newest record in the index, ms since the epoch.
    pub index_last_update_timestamp: i64,
    /// Commit-log offset of the newest record in the index.
    pub index_last_update_physical_offset: i64,
}

impl QueryMessageAnswer {
    /// Reads the ext fields of an answer.
    pub fn decode(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(QueryMessageAnswer {
            index_last_update_timestamp: fields.require_i64("indexLastUpdateTimestamp")?,
            index_last_update_physical_offset: fields.require_i64("indexLastUpdatePhyoffset")?,
        })
    }
}

impl ExtFields for QueryMessageAnswer {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        visitor.int("indexLastUpdateTimestamp", self.index_last_update_timestamp);
        visitor.int("indexLastUpdatePhyoffset", self.index_last_update_physical_offset);
    }
}

wire_header! {
    /// Answer to RECALL_MESSAGE.
    pub struct RecallAnswer<'a> {
        /// Unique id of the recalled message.
        pub message_id: Cow<'a, str> = "msgId",
    }
}
