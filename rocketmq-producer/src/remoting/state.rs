//! What a channel keeps under its lock. Every method is short and does no I/O.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::RemotingOptions;
use super::exchange::{Exchange, Failure, FailureKind};
use super::frame_writer::FrameWriter;
use super::in_flight::{InFlight, Pending};
use super::limits;
use super::outbound::{Outbound, Piece};
use super::prepare::ExtraFields;
use super::reach::Reach;
use super::stream::Stream;
use crate::deferred::Burst;
use crate::sys::Moment;

/// So many bytes of requests are worth a write.
const GATHERED: u64 = 64 * 1024;

/// With so many bytes of frames before it a request does not wait for the I/O task to begin: the caller writes what is there
/// while it is still in the processor's caches. (Large bodies are not copied, so they do not count.)
pub(super) const PLENTY: usize = 512 * 1024;

/// The opaque of one-way requests, which are never answered.
const ONEWAY_OPAQUE: i32 = i32::MAX;

/// Requests that waited for the connection are encoded so many bytes, or so many of them, at a time.
const ADMITTED: (u64, usize) = (512 * 1024, 512);

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
    waiting: VecDeque<Request>,
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Writer {
    #[default]
    Nobody,
    Caller,
    /// The I/O task, which was told and has not begun.
    IoTask,
    /// The I/O task, which is at it, or waits until the socket takes more.
    IoTaskAtIt,
    /// The I/O task, by itself in a moment: a burst has begun, or one-way requests were written just now, and more of them go
    /// in one write.
    IoTaskSoon,
}

/// How soon a request is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// By the caller, as nothing else is in flight: it waits, and a hand-over to the I/O thread would only cost time.
    CallerWaits,
    AtOnce,
    /// With others that follow it at once.
    GoesWithBurst,
    /// Nobody waits for it, and many of its kind go in one write.
    MayBeGathered,
}

/// A request that is to be written.
pub(super) struct Request {
    pub(super) exchange: Box<dyn Exchange>,
    pub(super) deadline: Moment,
    pub(super) oneway: bool,
}

/// How much of what waits may be written in this turn: so many requests, and none from this position on.
pub(super) struct Admission {
    requests: usize,
    end: u64,
}

impl State {
    pub(super) fn wait_for_connection(&mut self, request: Request) {
        self.waiting.push_back(request);
    }

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

    /// Whether a request with this deadline will be written in time if it is gathered.
    pub(super) fn may_gather(&self, deadline: Moment) -> bool {
        let by = self.gathered_by.unwrap_or_else(|| Moment::now() + Burst::TIME);
        by + Burst::IN_TIME <= deadline
    }

    /// Ends the gathering: the I/O task is the writer of what is there; `true`: it must be told.
    pub(super) fn send_now(&mut self) -> bool {
        if !self.is_gathering() {
            return false;
        }
        self.gathered_by = None;
        self.writer = if self.outbound.is_empty() { Writer::Nobody } else { Writer::IoTask };
        self.writer == Writer::IoTask
    }

    /// Whether what is here waits for more of it.
    pub(super) fn is_gathering(&self) -> bool {
        self.writer == Writer::IoTaskSoon
    }

    /// Bytes that wait to be written.
    fn backlog(&self) -> u64 {
        self.outbound.queued() - self.written
    }

    /// Who is to write what was just added, as the writer from now on: the caller itself, the I/O task, or whoever is the
    /// writer already (`None`).
    pub(super) fn choose_writer(&mut self, haste: Haste, max_backlog: usize) -> Option<Writer> {
        let gathered = self.backlog();
        let is_enough = gathered >= GATHERED.min(max_backlog as u64 / 2);
        let chosen = match (self.writer, haste) {
            (Writer::IoTask, _) if self.outbound.copied() >= PLENTY => Some(Writer::Caller),
            (Writer::Caller | Writer::IoTask | Writer::IoTaskAtIt, _) => None,
            (_, Haste::CallerWaits) => Some(Writer::Caller),
            (Writer::IoTaskSoon, Haste::MayBeGathered | Haste::GoesWithBurst) if is_enough => {
                Some(Writer::Caller)
            }
            (Writer::IoTaskSoon, Haste::MayBeGathered | Haste::GoesWithBurst) => None,
            (Writer::Nobody, Haste::GoesWithBurst) if !is_enough => Some(Writer::IoTaskSoon),
            (Writer::Nobody, Haste::MayBeGathered | Haste::GoesWithBurst) | (_, Haste::AtOnce) => {
                Some(Writer::IoTask)
            }
        };
        if let Some(writer) = chosen {
            self.writer = writer;
            if writer == Writer::IoTaskSoon {
                self.gathered_by.get_or_insert_with(|| Moment::now() + Burst::TIME);
            }
        }
        chosen
    }

    /// Ends the gathering if its time has come; `true`: it has.
    pub(super) fn end_gathering(&mut self, now: Moment) -> bool {
        let is_over = self.gathered_by.take_if(|by| *by <= now).is_some();
        if is_over {
            self.send_now();
        }
        is_over
    }

    /// The writer has written all there was. `true`: gathering begins.
    fn rest_writer(&mut self) -> bool {
        let begins = std::mem::take(&mut self.oneways_written) && self.gathered_by.is_none();
        if begins {
            self.gathered_by = Some(Moment::now() + Burst::TIME);
        }
        self.writer = if self.gathered_by.is_some() { Writer::IoTaskSoon } else { Writer::Nobody };
        begins
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

    /// The I/O task begins to write what waited for the connection.
    pub(super) fn begin_admission(&self) -> Admission {
        let (bytes, requests) = ADMITTED;
        Admission { requests, end: self.outbound.queued() + bytes }
    }

    /// Takes out the first that waits, to be prepared and then to be given to [`Self::admit`]. `None`: nothing waits, or it is
    /// enough for this turn.
    pub(super) fn next_admitted(&mut self, admission: &mut Admission) -> Option<Request> {
        if !matches!(self.phase, Phase::Open(_)) || self.outbound.queued() >= admission.end {
            return None;
        }
        admission.requests = admission.requests.checked_sub(1)?;
        let request = self.waiting.pop_front();
        self.is_admitting = request.is_some();
        request
    }

    /// Writes a request that has waited behind the others, and makes the I/O task its writer.
    pub(super) fn admit(
        &mut self,
        stream: &Arc<Stream>,
        request: Request,
        prepared: Result<ExtraFields, Failure>,
        options: &RemotingOptions,
    ) {
        let added = match prepared {
            Ok(_) if !self.is_open_with(stream) => {
                let cause = std::io::Error::other("the connection ended before the request was written");
                Err((request.exchange, Failure::because(FailureKind::Lost, cause)))
            }
            Ok(extra) => self.add(request, &extra, options),
            Err(failure) => Err((request.exchange, failure)),
        };
        self.failed.extend(added.err());
        if !self.is_open_with(stream) {
            return;
        }
        self.is_admitting = false;
        if matches!(self.writer, Writer::Nobody | Writer::IoTaskSoon) && !self.outbound.is_empty() {
            self.gathered_by = None;
            self.writer = Writer::IoTask;
        }
    }

    /// Whether requests wait for the connection.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Something that has failed and was not told yet.
    pub(super) fn take_failed(&mut self) -> Option<(Box<dyn Exchange>, Failure)> {
        self.failed.pop_front()
    }

    /// Whether one-way requests are still to be written.
    pub(super) fn has_oneways(&self) -> bool {
        !self.oneways.is_empty()
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Writes the request behind the others and registers what waits for its answer. A panic in the writing is a failure; on a
    /// failure nothing is added.
    pub(super) fn add(
        &mut self,
        request: Request,
        extra: &ExtraFields,
        options: &RemotingOptions,
    ) -> Result<(), (Box<dyn Exchange>, Failure)> {
        let Request { mut exchange, deadline, oneway } = request;
        let backlog = self.backlog();
        if backlog > options.max_backlog as u64 {
            let cause = std::io::Error::other(format!("{backlog} bytes wait to be written"));
            return Err((exchange, Failure::because(FailureKind::Backlog, cause)));
        }
        let opaque = if oneway { Some(ONEWAY_OPAQUE) } else { self.in_flight.next_opaque() };
        let Some(opaque) = opaque else {
            let cause = std::io::Error::other(format!("{} requests wait for answers", limits::SLOTS));
            return Err((exchange, Failure::because(FailureKind::Backlog, cause)));
        };
        let before = self.outbound.mark();
        let frame = FrameWriter { options, extra, opaque, out: &mut self.outbound };
        let appended = catch_unwind(AssertUnwindSafe(|| exchange.append(frame)));
        if let Err(failure) = appended.unwrap_or_else(|payload| Err(Failure::panicked(payload))) {
            self.outbound.restore(before);
            return Err((exchange, failure));
        }
        let pending = Pending { exchange, deadline, frame_end: self.outbound.queued() };
        if oneway {
            self.oneways.push_back(pending);
        } else {
            self.in_flight.insert(pending);
        }
        Ok(())
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

    /// Makes sure that the deadlines are looked at by then; `true`: the I/O task must be told.
    pub(super) fn check_by(&mut self, deadline: Moment) -> bool {
        let earlier = self.next_check.is_none_or(|check| deadline < check);
        if earlier {
            self.next_check = Some(deadline);
        }
        earlier
    }

    /// The earliest deadline of all that is here.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let waiting = self.waiting.iter().map(|entry| entry.deadline);
        let oneways = self.oneways.iter().map(|entry| entry.deadline);
        waiting.chain(oneways).chain(self.in_flight.next_deadline()).min()
    }

    /// Whether this connection still stands, or is still wanted.
    pub(super) fn is_current(&self, epoch: u64) -> bool {
        self.epoch == epoch && matches!(self.phase, Phase::Connecting | Phase::Open(_))
    }

    fn is_open_with(&self, stream: &Arc<Stream>) -> bool {
        matches!(&self.phase, Phase::Open(current) if Arc::ptr_eq(current, stream))
    }

    /// What the writer of this connection is to hand to its socket from which position on, or `None`: there is
    /// nothing more, and nobody is the writer now. (The connection may have ended meanwhile, and another one
    /// may be there with a writer of its own; that is left alone.)
    pub(super) fn next_chunk(&mut self, stream: &Arc<Stream>) -> Option<(Piece, usize)> {
        if !self.is_open_with(stream) {
            return None;
        }
        let Some((chunk, start)) = self.outbound.next() else {
            self.rest_writer();
            return None;
        };
        self.handed = self.written + (chunk.len() - start) as u64;
        Some((chunk, start))
    }

    /// The socket took the chunk up to position `end`, `count` bytes of them since `next_chunk`. Returns the
    /// one-way requests that are through.
    pub(super) fn chunk_written(
        &mut self,
        stream: &Arc<Stream>,
        chunk: Piece,
        end: usize,
        count: usize,
    ) -> Vec<Box<dyn Exchange>> {
        if !self.is_open_with(stream) {
            return Vec::new();
        }
        self.written += count as u64;
        self.handed = self.written;
        self.outbound.written(chunk, end);
        while let Some((_, len)) = self.replies.pop_front_if(|(end, _)| *end <= self.written) {
            self.reply_bytes -= len;
        }
        let through = self.oneways.partition_point(|entry| entry.frame_end <= self.written);
        self.oneways_written |= through > 0;
        self.oneways_in_doubt += through as u64;
        self.oneways.drain(..through).map(|entry| entry.exchange).collect()
    }

    /// Whether the caller that is the writer of this connection has more to write.
    pub(super) fn has_more(&self, stream: &Arc<Stream>) -> bool {
        self.is_open_with(stream) && !self.outbound.is_empty()
    }

    /// The I/O task may write now: `true` if it is the writer.
    pub(super) fn begin_writing(&mut self) -> bool {
        if self.writer == Writer::IoTask {
            self.writer = Writer::IoTaskAtIt;
        }
        self.writer == Writer::IoTaskAtIt
    }

    /// The caller that wrote leaves the rest to the I/O task, or what will be gathered. `false`: there is
    /// neither, or the connection has ended. `is_full`: the socket takes no more now.
    pub(super) fn hand_over(&mut self, stream: &Arc<Stream>, is_full: bool) -> bool {
        if !self.is_open_with(stream) {
            return false;
        }
        if self.outbound.is_empty() {
            return self.rest_writer();
        }
        self.writer = if is_full { Writer::IoTaskAtIt } else { Writer::IoTask };
        true
    }

    /// Moves what is over its deadline to what has failed. Tells since when the oldest of it was on its way.
    pub(super) fn expire(&mut self, now: Moment) -> Option<Moment> {
        let mut over = self.split_expired(now);
        over.extend(self.take_gone(|_, deadline| deadline <= now));
        let failure = Failure::new(FailureKind::Timeout);
        let oldest = over.iter().map(|(exchange, _)| exchange.begun()).min();
        self.failed.extend(over.into_iter().map(|(exchange, sent)| (exchange, failure.sent(sent))));
        oldest
    }

    /// What is over of the requests that go on for others, with whether the peer may still act on it.
    fn split_expired(&mut self, now: Moment) -> Vec<(Box<dyn Exchange>, bool)> {
        let mut over = Vec::new();
        let mut split = |exchange: &mut Box<dyn Exchange>, deadline: &mut Moment, sent| {
            if *deadline <= now
                && let Some((part, next)) = exchange.split_expired(now)
            {
                *deadline = next;
                over.push((part, sent));
            }
        };
        for entry in &mut self.waiting {
            split(&mut entry.exchange, &mut entry.deadline, false);
        }
        for entry in self.in_flight.waiting_mut() {
            split(&mut entry.exchange, &mut entry.deadline, true);
        }
        over
    }

    /// Takes out what `gone` names, with whether the peer may still act on it. A frame that lies in the
    /// buffer will be written and cannot be called back.
    pub(super) fn take_gone(
        &mut self,
        gone: impl Fn(&dyn Exchange, Moment) -> bool,
    ) -> Vec<(Box<dyn Exchange>, bool)> {
        let mut taken = Vec::new();
        for entry in std::mem::take(&mut self.waiting) {
            match gone(&*entry.exchange, entry.deadline) {
                true => taken.push((entry.exchange, false)),
                false => self.waiting.push_back(entry),
            }
        }
        for entry in std::mem::take(&mut self.oneways) {
            match gone(&*entry.exchange, entry.deadline) {
                true => taken.push((entry.exchange, true)),
                false => self.oneways.push_back(entry),
            }
        }
        let pending = self.in_flight.abandon(|entry| gone(&*entry.exchange, entry.deadline));
        taken.extend(pending.into_iter().map(|entry| (entry.exchange, true)));
        taken
    }

    /// Everything that waits here, with whether its whole frame may have reached the socket: a chunk may be in a
    /// write call just now.
    fn into_exchanges(mut self) -> impl Iterator<Item = (Box<dyn Exchange>, bool)> {
        let handed = self.handed;
        let waiting = self.waiting.into_iter().map(|entry| (entry.exchange, false));
        let pending = self.in_flight.drain().into_iter().chain(self.oneways);
        pending.map(move |entry| (entry.exchange, entry.frame_end <= handed)).chain(waiting)
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
