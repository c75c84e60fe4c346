//! Request headers: what each request carries in its ext fields (protocol 2.2 to 2.7, 7.3, 8.4).

mod check_transaction_state;
mod create_topic;
mod end_transaction;
mod get_route;
mod query_message;
mod queue;
mod recall_message;
mod reply_message;
mod search_offset;
mod send;
mod unregister_client;
mod view_message;

pub use check_transaction_state::CheckTransactionStateRequest;
pub use create_topic::{CreateTopicRequest, SINGLE_TAG};
pub use end_transaction::EndTransactionRequest;
pub use get_route::GetRouteRequest;
pub use query_message::QueryMessageRequest;
pub use queue::QueueRequest;
pub use recall_message::RecallMessageRequest;
pub use reply_message::ReplyMessageRequest;
pub use search_offset::{BOUNDARY_LOWER, BOUNDARY_UPPER, SearchOffsetRequest};
pub use send::{SendHeaderV1, SendHeaderV2, SendRequest};
pub use unregister_client::UnregisterClientRequest;
pub use view_message::ViewMessageRequest;
