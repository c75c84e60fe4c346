//! The send engine: validate, prepare, route, attempt, retry, complete. One path for every way to send.

mod bounds;
mod detector;
mod engine;
mod handle;
mod operation;
mod outcome;
mod prepare;
mod target;
mod validate;

pub(crate) use bounds::InFlightShare;
pub use handle::Producer;
pub(crate) use prepare::Compression;
