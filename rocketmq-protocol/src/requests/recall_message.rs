//! Stopping a timer message: code 370 (protocol 2.7, 11.4).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of RECALL_MESSAGE.
    pub struct RecallMessageRequest<'a> {
        /// Producer group.
        pub producer_group: Option<Cow<'a, str>> = "producerGroup",
        /// Topic.
        pub topic: Cow<'a, str> = "topic",
        /// The handle of the send answer.
        pub recall_handle: Cow<'a, str> = "recallHandle",
        /// Broker name.
        pub broker_name: Option<Cow<'a, str>> = "bname",
    }
}
