//! Route of a topic: code 105 (protocol 2.6).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of GET_ROUTEINFO_BY_TOPIC.
    pub struct GetRouteRequest<'a> {
        /// Topic.
        pub topic: Cow<'a, str> = "topic",
        /// Ask for route JSON with quoted ids; send `Some(true)` always.
        pub accept_standard_json_only: Option<bool> = "acceptStandardJsonOnly",
    }
}
