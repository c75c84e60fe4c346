//! Bounds of a queue: codes 30, 31, 32 (protocol 2.7).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of GET_MAX_OFFSET, GET_MIN_OFFSET and GET_EARLIEST_MSG_STORETIME.
    pub struct QueueRequest<'a> {
        /// Topic.
        pub topic: Cow<'a, str> = "topic",
        /// Queue.
        pub queue_id: i32 = "queueId",
        /// GET_MAX_OFFSET only: count what is stored but not yet committed as absent.
        pub committed: Option<bool> = "committed",
        /// Broker name.
        pub broker_name: Option<Cow<'a, str>> = "bname",
    }
}
