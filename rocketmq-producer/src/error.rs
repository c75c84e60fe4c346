//! What went wrong, and whether the message may be stored all the same.
//!
//! There is one error type. It has a kind (`code.rs`), a sentence for people, and all that is known of what it tells of: the
//! answer of a broker, the attempts before (`attempt.rs`), the cause below it. It is made where the failure is seen, with
//! [`Error::new`] or [`Error::answered`], and gets more on its way up (`with_…`, `at`); nothing is taken from it. Whoever
//! reads it asks three things: [`Error::code`] (what to do about it), [`Error::is_retriable`] (whether the same call may
//! succeed later) and [`Error::persistence`] (whether a broker may have the message).
//!
//! The four errors that a program meets when it is busy or ends are statics: they are there when there is no memory.

mod attempt;
mod code;

pub use attempt::{FailedAttempt, Persistence};
pub use code::ErrorCode;

use std::collections::TryReserveError;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::codes;

use crate::text;

/// An error with all that is known about it. Cheap to clone; the frequent ones allocate nothing.
#[derive(Clone)]
pub struct Error(Repr);

#[derive(Clone)]
enum Repr {
    Static(&'static Details),
    Shared(Arc<Details>),
}

#[derive(Clone)]
struct Details {
    code: ErrorCode,
    message: Text,
    broker_code: Option<i32>,
    remark: Option<Box<str>>,
    address: Option<Arc<str>>,
    attempts: u32,
    elapsed: Duration,
    retriable: bool,
    persistence: Persistence,
    history: Vec<FailedAttempt>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

#[derive(Clone)]
enum Text {
    Static(&'static str),
    Owned(Box<str>),
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Owned(text) => text,
        }
    }
}

const fn fixed(code: ErrorCode, message: &'static str, retriable: bool) -> Details {
    Details {
        code,
        message: Text::Static(message),
        broker_code: None,
        remark: None,
        address: None,
        attempts: 0,
        elapsed: Duration::ZERO,
        retriable,
        persistence: Persistence::NotPersisted,
        history: Vec::new(),
        source: None,
    }
}

static QUEUE_FULL: Details = fixed(
    ErrorCode::QueueFull,
    "too much in flight: in.flight.max.messages or in.flight.max.bytes is reached",
    true,
);
static CLOSED: Details = fixed(ErrorCode::Closed, "the producer is closed", false);
static FORKED: Details = fixed(
    ErrorCode::Forked,
    "this handle was made before fork(): make a new one in the child process",
    false,
);
static WOULD_DEADLOCK: Details = fixed(
    ErrorCode::WouldDeadlock,
    "called from a callback of this producer, which the call would wait for",
    false,
);

impl Error {
    /// An error of this kind; nothing was sent.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retriable = matches!(
            code,
            ErrorCode::Timeout
                | ErrorCode::NameServer
                | ErrorCode::Connect
                | ErrorCode::ConnectionLost
                | ErrorCode::QueueFull
                | ErrorCode::System
        );
        Self(Repr::Shared(Arc::new(Details {
            message: Text::Owned(text::into_shown(message.into(), text::MESSAGE).into_boxed_str()),
            ..fixed(code, "", retriable)
        })))
    }

    /// The bound on messages or bytes in flight is reached. Allocates nothing.
    pub const fn queue_full() -> Self {
        Self(Repr::Static(&QUEUE_FULL))
    }

    /// The producer is closed. Allocates nothing.
    pub const fn closed() -> Self {
        Self(Repr::Static(&CLOSED))
    }

    /// The handle belongs to the parent process. Allocates nothing.
    pub const fn forked() -> Self {
        Self(Repr::Static(&FORKED))
    }

    /// The call would wait for its own caller. Allocates nothing.
    pub const fn would_deadlock() -> Self {
        Self(Repr::Static(&WOULD_DEADLOCK))
    }

    /// `SYSTEM`: there is no memory for this.
    pub fn out_of_memory(what: impl fmt::Display, cause: TryReserveError) -> Self {
        Self::new(ErrorCode::System, format!("no memory for {what}: {cause}")).with_source(cause)
    }

    /// The kind.
    pub fn code(&self) -> ErrorCode {
        self.details().code
    }

    /// The name of the kind, for example `TIMEOUT`.
    pub fn name(&self) -> &'static str {
        self.code().name()
    }

    /// One sentence for people: what failed, where, why. One line of some kilobytes at most, whatever a peer says.
    pub fn message(&self) -> &str {
        self.details().message.as_str()
    }

    /// The response code of the broker or name server that refused (protocol 1.6).
    pub fn broker_code(&self) -> Option<i32> {
        self.details().broker_code
    }

    /// The text that came with [`Error::broker_code`], as [`shown`](crate::shown) with at most 3072 bytes.
    pub fn remark(&self) -> Option<&str> {
        self.details().remark.as_deref()
    }

    /// `host:port` of the broker or name server that was spoken to last.
    pub fn broker_address(&self) -> Option<&str> {
        self.details().address.as_deref()
    }

    /// How often the message was handed to a connection.
    pub fn attempts(&self) -> u32 {
        self.details().attempts
    }

    /// From the call to the outcome.
    pub fn elapsed(&self) -> Duration {
        self.details().elapsed
    }

    /// Whether the same call may succeed later without a change.
    pub fn is_retriable(&self) -> bool {
        self.details().retriable
    }

    /// Whether the message may be stored in spite of the error.
    pub fn persistence(&self) -> Persistence {
        self.details().persistence
    }

    /// The attempts that failed, in order, the one that this error tells of last. Empty where nothing was attempted.
    pub fn history(&self) -> &[FailedAttempt] {
        &self.details().history
    }

    /// Whether this is one of the errors that live as long as the process and cost no allocation.
    pub fn is_static(&self) -> bool {
        matches!(self.0, Repr::Static(_))
    }

    fn details(&self) -> &Details {
        match &self.0 {
            Repr::Static(details) => details,
            Repr::Shared(details) => details,
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Details)) -> Self {
        let mut details = match self.0 {
            Repr::Static(details) => Arc::new(details.clone()),
            Repr::Shared(details) => details,
        };
        change(Arc::make_mut(&mut details));
        self.0 = Repr::Shared(details);
        self
    }

    pub(crate) fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.with_shared_source(Some(Arc::new(source)))
    }

    pub(crate) fn with_shared_source(self, source: Option<Arc<dyn StdError + Send + Sync>>) -> Self {
        match source {
            Some(_) => self.change(|details| details.source = source),
            None => self,
        }
    }

    pub(crate) fn at(self, address: Arc<str>) -> Self {
        self.change(|details| details.address = Some(address))
    }

    pub(crate) fn with_persistence(self, persistence: Persistence) -> Self {
        self.change(|details| details.persistence = persistence)
    }

    pub(crate) fn with_history(self, history: Vec<FailedAttempt>, attempts: u32, elapsed: Duration) -> Self {
        self.change(|details| {
            details.history = history;
            details.attempts = attempts;
            details.elapsed = elapsed;
        })
    }

    /// A broker or name server answered with an error code.
    pub(crate) fn answered(code: ErrorCode, broker_code: i32, remark: Option<&str>, retriable: bool) -> Self {
        let name = codes::response_name(broker_code).unwrap_or("unknown code");
        let message = match remark {
            // Not all of it is copied only to be cut.
            Some(remark) => {
                let remark = text::shown(remark, text::REMARK);
                format!("code {broker_code} {name}: {remark}")
            }
            None => format!("code {broker_code} {name}"),
        };
        Self::new(code, message).change(|details| {
            details.broker_code = Some(broker_code);
            details.remark = remark.map(|remark| text::shown(remark, text::REMARK).into());
            details.retriable = retriable;
        })
    }

    /// The same call may succeed later, other than its kind says.
    pub(crate) fn worth_a_retry(self) -> Self {
        self.change(|details| details.retriable = true)
    }

    pub(crate) fn with_message(self, message: String) -> Self {
        let message = text::into_shown(message, text::MESSAGE);
        self.change(|details| details.message = Text::Owned(message.into_boxed_str()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.name())
            .field("message", &self.message())
            .field("broker_code", &self.broker_code())
            .field("broker_address", &self.broker_address())
            .field("attempts", &self.attempts())
            .field("elapsed", &self.elapsed())
            .field("persistence", &self.persistence())
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.details().source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changing_a_static_error_leaves_the_original_alone() {
        let error = Error::closed().with_persistence(Persistence::PossiblyPersisted);
        assert_eq!(error.persistence(), Persistence::PossiblyPersisted);
        assert_eq!(Error::closed().persistence(), Persistence::NotPersisted);
        assert!(Error::closed().is_static() && !error.is_static());
    }

    #[test]
    fn what_a_peer_says_is_one_line_and_no_flood() {
        let remark = format!("no\n{}", "x".repeat(10 << 20));
        let error = Error::answered(ErrorCode::Broker, 1, Some(&remark), false);
        let nested = Error::closed().with_message(format!("send failed: {}\0", error.message()));
        for text in [error.message(), error.remark().unwrap(), nested.message()] {
            assert!(text.len() < 5000 && text.contains("no\\nxx"), "{}", text.len());
        }
        assert!(error.message().contains("(10485763 bytes)"));
        assert_eq!(Error::new(ErrorCode::UnknownKey, "a\0b").message(), "a\\u{0}b");
    }

    #[test]
    fn a_broker_answer_keeps_code_remark_address_and_cause() {
        let error = Error::answered(ErrorCode::Broker, 13, Some("too long"), false)
            .at("127.0.0.1:10911".into())
            .with_source(std::io::Error::other("below"));
        assert_eq!(error.broker_code(), Some(13));
        assert_eq!(error.remark(), Some("too long"));
        assert_eq!(error.broker_address(), Some("127.0.0.1:10911"));
        assert!(error.source().is_some());
        assert_eq!(error.to_string(), "BROKER: code 13 MESSAGE_ILLEGAL: too long");
    }
}
