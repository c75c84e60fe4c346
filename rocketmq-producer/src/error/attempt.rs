//! What failed attempts leave behind.

use std::sync::Arc;
use std::time::Duration;

use super::ErrorCode;

/// Whether the message of a failed send may be found at a broker.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Persistence {
    /// No broker can have stored it: nothing was written, or every broker refused it.
    #[default]
    NotPersisted = 0,
    /// A request was written and its answer never came.
    PossiblyPersisted = 1,
    /// A broker said that it holds the message.
    Persisted = 2,
}

/// An attempt of a send that failed, as [`Error::history`] tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The broker that was chosen.
    pub broker_name: Arc<str>,
    /// Its address, `host:port`; empty if no route named a master.
    pub broker_address: Arc<str>,
    /// How long the attempt took.
    pub elapsed: Duration,
    /// What kind of failure it was. An attempt whose message was stored, but not as safely as asked, has the kind
    /// `BROKER`.
    pub code: ErrorCode,
    /// The response code, if the broker answered.
    pub broker_code: Option<i32>,
    /// Why it failed.
    pub message: Box<str>,
}
