//! Creating a topic on one broker: code 17 (protocol 2.7).

use std::borrow::Cow;

use crate::wire_value::wire_header;

/// The usual `topic_filter_type`.
pub const SINGLE_TAG: &str = "SINGLE_TAG";

wire_header! {
    /// Header of UPDATE_AND_CREATE_TOPIC.
    pub struct CreateTopicRequest<'a> {
        /// Topic to create or change.
        pub topic: Cow<'a, str> = "topic",
        /// Default topic, normally `TBW102`; required, without effect.
        pub default_topic: Cow<'a, str> = "defaultTopic",
        /// Queues consumers read.
        pub read_queue_nums: i32 = "readQueueNums",
        /// Queues producers write.
        pub write_queue_nums: i32 = "writeQueueNums",
        /// Bits of [`perm`](crate::perm).
        pub perm: i32 = "perm",
        /// [`SINGLE_TAG`], or `MULTI_TAG`.
        pub topic_filter_type: Cow<'a, str> = "topicFilterType",
        /// Unit bits of the topic.
        pub topic_sys_flag: Option<i32> = "topicSysFlag",
        /// Ordered topic.
        pub order: bool = "order",
        /// `+key=value,-key`; 5.x.
        pub attributes: Option<Cow<'a, str>> = "attributes",
        /// Create even where the broker would refuse; 5.x.
        pub force: Option<bool> = "force",
    }
}
