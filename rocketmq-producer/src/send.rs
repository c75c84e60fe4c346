//! One request's messages from acceptance to outcome: validate, prepare, route, attempt, retry, complete. One path for
//! every way to send; the state machine and its picture are in `shipment.rs`.

mod accepted;
mod attempt_hooks;
mod batch;
mod context;
mod exchange;
mod message_properties;
mod outcome;
mod parting;
mod pauses;
mod prepared;
mod queue_choice;
mod request;
mod route_wait;
mod send_header;
mod sends;
mod shipment;
mod transaction_checks;
mod validate;

pub(crate) use accepted::AcceptedSend;
pub(crate) use context::{Mode, SendContext, Span};
pub(crate) use pauses::Pauses;
pub(crate) use prepared::Prepared;
pub(crate) use route_wait::RouteWait;
pub(crate) use shipment::{Lanes, Shipment};
pub(crate) use validate::{check_batch, illegal, validate};
