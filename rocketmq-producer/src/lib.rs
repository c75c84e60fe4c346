//! The RocketMQ producer core: what the C library and the Python package stand on.
//!
//! A message passes through these rooms in order: [`producer`] validates and prepares it, `routing` says which
//! queue it can go to, `remoting` carries it there and brings the answer back, and `completion` hands the
//! outcome over. `client` is what producers of one client id share; `runtime` is the process's I/O thread.
//!
//! Errors of all calls are [`Error`]; they say what failed, where, after how many attempts, and whether the
//! message may be stored all the same.

mod alarm;
mod auth;
mod broker_address;
mod client;
mod completion;
pub mod config;
mod deferred;
mod engine;
mod error;
mod flow;
pub mod hooks;
mod lanes;
mod log;
mod memory;
mod message;
mod producer;
mod producer_id;
mod receipt;
mod remoting;
mod routing;
mod runtime;
mod send;
pub mod stats;
pub mod sync;
pub mod sys;
mod task;
mod text;
mod watch;

pub use auth::{Credentials, CredentialsProvider};
pub use completion::{CompletionQueue, DeliveryThread, Done, Event, Report, Routed, Tag};
pub use config::Config;
pub use deferred::Burst;
pub use error::{Error, ErrorCode, FailedAttempt, Persistence};
pub use log::{LogLevel, LogSink};
pub use message::{Delivery, Destination, Message, NamedSelector, Property, QueueRef, QueueSelector};
pub use producer::{BatchError, Closing, Producer};
pub use receipt::{Receipt, SendStatus};
pub use stats::Stats;
pub use sys::is_forked;
pub use text::shown;

/// The version of the library.
pub const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
