//! Answer headers: what a success carries in its ext fields (protocol 2.2, 2.5, 2.7).

mod heartbeat;
mod query;
mod send;

pub use heartbeat::HeartbeatAnswer;
pub use query::{OffsetAnswer, QueryMessageAnswer, RecallAnswer, StoreTimeAnswer};
pub use send::SendAnswer;
