//! Message ids (protocol 5.10): the unique id a client gives, the offset id a broker gives.
//! With IPv4 both have 32 characters; nothing in the text tells them apart.

mod offset_message_id;
mod unique_id;

pub use offset_message_id::OffsetMessageId;
pub use unique_id::{UniqueId, UniqueIdGenerator};
