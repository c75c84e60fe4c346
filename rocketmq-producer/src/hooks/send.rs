//! Hooks around the attempts of sends.

use crate::error::Error;
use crate::receipt::Receipt;

/// Refuses attempts.
///
/// Called once per attempt and message, before the [`SendMessageHook`]s, on the calling thread or on the I/O thread: it
/// must be quick and must not wait for the library.
pub trait CheckForbiddenHook: Send + Sync {
    /// Looks at an attempt that is about to be made.
    ///
    /// # Errors
    /// Why it must not be made. The attempt fails as `FORBIDDEN`; another one may go to another queue.
    fn check(&self, attempt: &SendAttempt<'_>) -> Result<(), String>;
}

/// Sees each attempt and its outcome: the place for tracing and for metrics of one's own.
///
/// Called on the calling thread or on the I/O thread: it must be quick and must not wait for the library.
pub trait SendMessageHook: Send + Sync {
    /// Before an attempt. Properties put into `added` travel with this attempt.
    fn before(&self, attempt: &SendAttempt<'_>, added: &mut Vec<(String, String)>);

    /// After an attempt, once, with its own outcome: a failed one may be followed by another attempt.
    fn after(&self, attempt: &SendAttempt<'_>, outcome: SendOutcome<'_>);
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendMode {
    /// Somebody waits for the outcome.
    Sync,
    /// The outcome is told later.
    Async,
    /// There is no outcome.
    Oneway,
}

/// One attempt of one message.
#[derive(Clone, Copy, Debug)]
pub struct SendAttempt<'a> {
    /// The producer group, as the caller named it.
    pub group: &'a str,
    /// The topic, as the caller named it.
    pub topic: &'a str,
    /// The unique id of the message.
    pub message_id: &'a str,
    /// The broker chosen.
    pub broker_name: &'a str,
    /// Its address, `host:port`.
    pub broker_address: &'a str,
    /// The queue chosen.
    pub queue_id: i32,
    /// How the message is sent.
    pub mode: SendMode,
    /// 1 for the first attempt.
    pub number: u32,
    /// The property string as it travels (protocol 5.6), without what hooks added.
    pub properties: &'a str,
    /// The body as it travels, compressed if it is.
    pub body: &'a [u8],
}

/// What came of one attempt.
#[derive(Clone, Copy, Debug)]
pub enum SendOutcome<'a> {
    /// The message is stored.
    Stored(&'a Receipt),
    /// The attempt failed.
    Failed(&'a Error),
    /// A one-way message was handed to the socket.
    Written,
}
