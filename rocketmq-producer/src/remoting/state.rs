//! What a channel keeps under its lock. Every method is short, does no I/O and calls no code of the program.
//!
//! A channel lives through many connections, one after the other:
//!
//! ```text
//!                a request comes                    connected
//!   Closed ─────────────────────────▶ Connecting ─────────────▶ Open
//!     ▲ ▲                                 │                       │
//!     │ └──── no address can be reached ──┘                       │
//!     └──── closed by the peer, silent, garbage, a panic ─────────┘
//!
//!   each of them ──── no route names the address any more, or the client instance ends ────▶ Forgotten, for good
//! ```
//!
//! On the way back to `Closed` everything that is here has failed; the task of the connection tells it. Requests that come in
//! `Connecting` wait, and so do those that come in `Open` while earlier ones still wait. An *epoch* counts the connections: the task
//! and the writer of an ended one find another epoch, or another stream, and leave the next one alone.
//!
//! `requests.rs` has what becomes of requests, `writer.rs` who writes them.

mod requests;
mod writer;

pub(super) use requests::Request;
use requests::Waiting;
pub(super) use writer::{Haste, PLENTY, Writer};

use std::collections::VecDeque;
use std::sync::Arc;

use super::exchange::{Exchange, Failure, FailureKind};
use super::in_flight::{InFlight, Pending};
use super::limits;
use super::outbound::Outbound;
use super::reach::Reach;
use super::stream::Stream;
use crate::sys::Moment;

#[derive(Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// Counts the connections of this channel, so that the task of an ended one leaves the next alone.
    pub(super) epoch: u64,
    /// How the address was reached so far, whichever connection it was.
    pub(super) reach: Reach,
    /// Who is about to hand the buffer to the socket.
    writer: Writer,
    pub(super) in_flight: InFlight,
    /// When the I/O task will next look at the deadlines.
    pub(super) next_check: Option<Moment>,
    /// When the I/O task comes by itself for what was gathered.
    pub(super) gathered_by: Option<Moment>,
    /// One-way requests went through since the writer began.
    oneways_written: bool,
    /// One-way requests that were written since the peer was last heard of.
    pub(super) oneways_in_doubt: u64,
    /// Requests that wait for the connection, or until those before them are encoded; nothing of them was written.
    waiting: VecDeque<Waiting>,
    /// The I/O task prepares one that has waited. What comes meanwhile goes behind it.
    is_admitting: bool,
    /// What has failed and was not told yet: the I/O task tells a few at a time.
    failed: VecDeque<(Box<dyn Exchange>, Failure)>,
    /// One-way requests not yet written.
    oneways: VecDeque<Pending>,
    outbound: Outbound,
    /// Bytes of this connection that were or are being handed to the socket; that it took.
    handed: u64,
    written: u64,
    /// Replies that are not yet written: where each ends, and its length.
    replies: VecDeque<(u64, usize)>,
    reply_bytes: usize,
}

#[derive(Default)]
pub(super) enum Phase {
    #[default]
    Closed,
    Connecting,
    Open(Arc<Stream>),
    /// Nobody will find this channel any more: it must not connect again.
    Forgotten,
}

impl State {
    /// Begins a connection; the number is its task's.
    pub(super) fn begin(&mut self) -> u64 {
        self.phase = Phase::Connecting;
        self.epoch += 1;
        self.epoch
    }

    /// The open connection, if a new request can go to it at once.
    pub(super) fn stream_for_new(&self) -> Option<Arc<Stream>> {
        if self.waiting.is_empty() && !self.is_admitting { self.stream() } else { None }
    }

    /// The open connection.
    pub(super) fn stream(&self) -> Option<Arc<Stream>> {
        match &self.phase {
            Phase::Open(stream) => Some(Arc::clone(stream)),
            Phase::Closed | Phase::Connecting | Phase::Forgotten => None,
        }
    }

    /// Whether the last try to connect failed, and the next one is still to come or has not come through: at a host that is
    /// silent it takes all of its time limit.
    pub(super) fn is_resting(&self, now: Moment) -> bool {
        match self.phase {
            Phase::Open(_) => false,
            Phase::Connecting => self.reach.has_failed(),
            Phase::Closed | Phase::Forgotten => self.reach.pause_end(now).is_some(),
        }
    }

    /// Back to the start: everything here has failed, and is to be told so. Returns the connection if one was open.
    pub(super) fn reset(&mut self, failure: &Failure) -> Option<Arc<Stream>> {
        let (epoch, reach) = (self.epoch, std::mem::take(&mut self.reach));
        let failed = std::mem::take(&mut self.failed);
        let stream = self.stream();
        let ended = std::mem::replace(self, Self { epoch, reach, failed, ..Self::default() });
        self.failed.extend(ended.into_exchanges().map(|(exchange, sent)| (exchange, failure.sent(sent))));
        stream
    }

    /// The connection is there.
    pub(super) fn open(&mut self, stream: Arc<Stream>) {
        self.phase = Phase::Open(stream);
        self.writer = Writer::IoTask;
    }

    /// Something that has failed and was not told yet.
    pub(super) fn take_failed(&mut self) -> Option<(Box<dyn Exchange>, Failure)> {
        self.failed.pop_front()
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Adds replies to the peer's requests; an error when it does not read them.
    pub(super) fn add_replies(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let waiting = self.reply_bytes + bytes.len();
        if waiting > limits::REPLIES {
            let text = format!(
                "the peer asks and does not read: {waiting} bytes of replies wait, more than {}",
                limits::REPLIES
            );
            return Err(Failure::because(FailureKind::Garbage, std::io::Error::other(text)));
        }
        self.outbound.append(bytes);
        self.replies.push_back((self.outbound.queued(), bytes.len()));
        self.reply_bytes = waiting;
        Ok(())
    }

    /// Whether this connection still stands, or is still wanted.
    pub(super) fn is_current(&self, epoch: u64) -> bool {
        self.epoch == epoch && matches!(self.phase, Phase::Connecting | Phase::Open(_))
    }

    fn is_open_with(&self, stream: &Arc<Stream>) -> bool {
        matches!(&self.phase, Phase::Open(current) if Arc::ptr_eq(current, stream))
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
