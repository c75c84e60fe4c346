//! One request's messages from acceptance to outcome: validate, prepare, route, attempt, retry, complete. One path for
//! every way to send.

mod attempt_hooks;
mod batch;
mod context;
mod operation;
mod outcome;
mod passenger;
mod pauses;
mod prepared;
mod queue_choice;
mod route_wait;
mod send_header;
mod validate;

pub(crate) use batch::{BatchOperation, Origin};
pub(crate) use context::{Mode, SendContext, Span};
pub(crate) use operation::SendOperation;
pub(crate) use passenger::Lanes;
pub(crate) use pauses::Pauses;
pub(crate) use prepared::Prepared;
pub(crate) use route_wait::RouteWait;
pub(crate) use validate::{check_batch, illegal, validate};
