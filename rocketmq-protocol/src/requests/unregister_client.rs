//! Taking a group out: code 35 (protocol 2.5).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of UNREGISTER_CLIENT.
    pub struct UnregisterClientRequest<'a> {
        /// Client id.
        pub client_id: Cow<'a, str> = "clientID",
        /// Producer group to take out.
        pub producer_group: Option<Cow<'a, str>> = "producerGroup",
        /// Consumer group to take out.
        pub consumer_group: Option<Cow<'a, str>> = "consumerGroup",
    }
}
