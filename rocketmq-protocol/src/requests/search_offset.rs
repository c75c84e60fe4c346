//! Queue offset at a time: code 29 (protocol 2.7).

use std::borrow::Cow;

use crate::wire_value::wire_header;

/// `boundary_type` for the first message at or after the time.
pub const BOUNDARY_LOWER: &str = "LOWER";
/// `boundary_type` for the last message at or before the time.
pub const BOUNDARY_UPPER: &str = "UPPER";

wire_header! {
    /// Header of SEARCH_OFFSET_BY_TIMESTAMP.
    pub struct SearchOffsetRequest<'a> {
        /// Topic.
        pub topic: Cow<'a, str> = "topic",
        /// Queue.
        pub queue_id: i32 = "queueId",
        /// Time, ms since the epoch.
        pub timestamp: i64 = "timestamp",
        /// [`BOUNDARY_LOWER`] (also when absent) or [`BOUNDARY_UPPER`]; 5.x.
        pub boundary_type: Option<Cow<'a, str>> = "boundaryType",
        /// Broker name.
        pub broker_name: Option<Cow<'a, str>> = "bname",
    }
}
