//! The reply to a request, pushed by a broker: code 326 (protocol 8.4).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of PUSH_REPLY_MESSAGE_TO_CLIENT; the body is the reply's.
    pub struct ReplyMessageRequest<'a> {
        /// Producer group of the replier.
        pub producer_group: Cow<'a, str> = "producerGroup",
        /// Reply topic.
        pub topic: Cow<'a, str> = "topic",
        /// Default topic of the reply's send.
        pub default_topic: Option<Cow<'a, str>> = "defaultTopic",
        /// Default queue number of the reply's send.
        pub default_topic_queue_nums: Option<i32> = "defaultTopicQueueNums",
        /// Queue.
        pub queue_id: i32 = "queueId",
        /// Bits of [`sys_flag`](crate::sys_flag); say whether the body is compressed.
        pub sys_flag: i32 = "sysFlag",
        /// Time of the reply's send, ms since the epoch.
        pub born_timestamp: i64 = "bornTimestamp",
        /// The replier's flag.
        pub flag: i32 = "flag",
        /// Property string with the correlation id.
        pub properties: Option<Cow<'a, str>> = "properties",
        /// Consumptions so far.
        pub reconsume_times: Option<i32> = "reconsumeTimes",
        /// Unit mode.
        pub unit_mode: Option<bool> = "unitMode",
        /// Replier's address, `ip:port`.
        pub born_host: Option<Cow<'a, str>> = "bornHost",
        /// Broker's address, `ip:port`.
        pub store_host: Option<Cow<'a, str>> = "storeHost",
        /// Time the broker took it, ms since the epoch.
        pub store_timestamp: Option<i64> = "storeTimestamp",
    }
}
