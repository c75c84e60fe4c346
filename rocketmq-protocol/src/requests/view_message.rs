//! Record at a commit-log offset: code 33 (protocol 2.7).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of VIEW_MESSAGE_BY_ID.
    pub struct ViewMessageRequest<'a> {
        /// Topic; 5.x.
        pub topic: Option<Cow<'a, str>> = "topic",
        /// Commit-log offset, from an offset message id.
        pub offset: i64 = "offset",
    }
}
