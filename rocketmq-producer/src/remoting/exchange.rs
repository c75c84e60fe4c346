//! What waits for an answer, and what it is told when none comes.

use std::any::Any;
use std::error::Error as StdError;
use std::sync::Arc;

use rocketmq_protocol::header::Header;

use super::{Body, ExtraFields, FrameWriter, Preparation, limits};
use crate::deferred::Deferred;
use crate::producer_id::ProducerId;
use crate::sys::Moment;
use crate::task::{Stopped, panic_text};

/// One request on its way: it is prepared and writes itself, then gets exactly one of the three outcomes.
pub(crate) trait Exchange: Send {
    /// The request code.
    fn code(&self) -> i32;

    /// Makes what its frame has beyond its own fields. Called without a lock, before [`append`](Self::append), if there is
    /// anything to prepare; again if it [went on for fewer](Self::split_expired) between the two.
    fn prepare(&mut self, preparation: Preparation<'_>) -> Result<ExtraFields, Failure>;

    /// Writes the whole frame. Called under the lock of its connection.
    fn append(&mut self, frame: FrameWriter<'_>) -> Result<(), Failure>;

    /// When it was given to the connection, about.
    fn begun(&self) -> Moment;

    /// The longest that the header of its answer may be.
    fn longest_header(&self) -> usize {
        limits::HEADER
    }

    /// The answer came, about `now` (the clock is read once for all answers of a read).
    fn answered(self: Box<Self>, header: &Header<'_>, body: Body<'_>, now: Moment, deferred: &mut Deferred);

    /// A one-way request was handed to the socket as a whole.
    fn written(self: Box<Self>, deferred: &mut Deferred);

    /// The deadline has passed. A request on behalf of several may go on for some of them: it gives those that are
    /// over, and until when it goes on. Called under the lock of its connection.
    fn split_expired(&mut self, _now: Moment) -> Option<(Box<dyn Exchange>, Moment)> {
        None
    }

    /// No answer will be told.
    fn failed(self: Box<Self>, failure: Failure, deferred: &mut Deferred);

    /// Whether it is better off elsewhere at once than here after a pause between connects. Called without a lock.
    fn may_go_elsewhere(&self) -> bool {
        false
    }

    /// Who asked; see [`super::Remoting::abort`].
    fn producer(&self) -> ProducerId;
}

/// The answer to a request of the peer's.
pub(crate) struct Reply {
    pub(crate) code: i32,
    pub(crate) remark: Option<String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// No connection could be made.
    Connect,
    /// The connection ended before the answer.
    Lost,
    /// The deadline passed.
    Timeout,
    /// The connection was given up, as no answer came on it for long: a time-out for all who wait on it.
    Silent,
    /// The peer sent bytes that are not the protocol; the connection was closed.
    Garbage,
    /// Too much waits on this connection already.
    Backlog,
    /// The request cannot be put into a frame.
    Unencodable,
    /// There is no memory for the request.
    Memory,
    /// A hook refused the request.
    Forbidden,
    /// There is nothing to sign the request with.
    NoCredentials,
    /// A panic kept the request from being written.
    Panicked,
    /// The producer gave up.
    Aborted,
}

impl FailureKind {
    /// Whether it says something of the peer.
    pub(crate) fn is_of_peer(self) -> bool {
        use FailureKind::*;
        !matches!(self, Unencodable | Memory | Forbidden | NoCredentials | Panicked | Aborted)
    }
}

/// Why a request has no answer.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// The whole frame was handed to the socket, so the peer may have acted on it.
    pub(crate) sent: bool,
    pub(crate) cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind) -> Self {
        Self { kind, sent: false, cause: None }
    }

    pub(crate) fn because(kind: FailureKind, cause: impl StdError + Send + Sync + 'static) -> Self {
        Self { kind, sent: false, cause: Some(Arc::new(cause)) }
    }

    /// Nothing of the request was written.
    pub(super) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self::because(FailureKind::Panicked, Stopped::Panicked(panic_text(payload)))
    }

    /// Whether it may be that the peer is elsewhere now.
    pub(crate) fn is_of_place(&self) -> bool {
        match self.kind {
            FailureKind::Connect | FailureKind::Lost | FailureKind::Silent => true,
            FailureKind::Timeout => !self.sent,
            _ => false,
        }
    }

    /// What the cause says; nothing if there is none.
    pub(crate) fn cause_text(&self) -> String {
        self.cause.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    pub(crate) fn sent(&self, sent: bool) -> Self {
        Self { sent, ..self.clone() }
    }
}
