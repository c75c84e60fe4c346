//! The send engine: validate, prepare, route, attempt, retry, complete. One path for every way to send.

mod batch;
mod bodies;
mod burst;
mod detector;
mod engine;
mod handle;
mod hooked;
mod lanes;
mod looked_up;
mod operation;
mod outcome;
mod pauses;
mod prepare;
mod request;
mod spare;
mod target;
mod validate;

pub use burst::Burst;
pub use handle::{BatchError, Producer};
pub(crate) use lanes::{Lane, Ticket};
pub(crate) use prepare::Compression;
pub(crate) use spare::Memory;
