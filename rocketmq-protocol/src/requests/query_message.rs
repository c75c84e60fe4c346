//! Records by key: code 12 (protocol 2.7).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of QUERY_MESSAGE. Hash collisions come back too: compare the keys of what is returned.
    pub struct QueryMessageRequest<'a> {
        /// Topic.
        pub topic: Cow<'a, str> = "topic",
        /// One of the message's KEYS, or its unique id.
        pub key: Cow<'a, str> = "key",
        /// Records wanted at most.
        pub max_num: i32 = "maxNum",
        /// Earliest store time, ms since the epoch.
        pub begin_timestamp: i64 = "beginTimestamp",
        /// Latest store time, ms since the epoch.
        pub end_timestamp: i64 = "endTimestamp",
        /// `key` is a unique id. Whether it is signed depends on the server (protocol 10.3).
        pub unique_key_query: Option<bool> = "_UNIQUE_KEY_QUERY",
    }
}
