//! The requests of a channel: those that wait for the connection, those that are written, and the end of their time.
//!
//! ```text
//!              waits for the connection ──▶ prepared, no lock ──┐
//!              ▲                                                ▼
//! submitted ───┴─────────▶ prepared, no lock ───────────────▶ added to what is written ──┬─▶ answered
//!                                                                                        ├─▶ written (one-way)
//! from everywhere: over its deadline, aborted, connection ended ─────────────────────────┴─▶ failed
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Phase, State, Writer};
use crate::remoting::RemotingOptions;
use crate::remoting::exchange::{Exchange, Failure, FailureKind};
use crate::remoting::frame_writer::FrameWriter;
use crate::remoting::in_flight::Pending;
use crate::remoting::limits;
use crate::remoting::prepare::ExtraFields;
use crate::remoting::stream::Stream;
use crate::sys::Moment;

/// The opaque of one-way requests, which are never answered.
const ONEWAY_OPAQUE: i32 = i32::MAX;

/// The bytes, and the number, of requests that waited for the connection and are added in one turn.
const ADMITTED: (u64, usize) = (512 * 1024, 512);

/// A request that is to be written.
pub(in crate::remoting) struct Request {
    pub(in crate::remoting) exchange: Box<dyn Exchange>,
    pub(in crate::remoting) deadline: Moment,
    pub(in crate::remoting) oneway: bool,
}

/// One that waits for the connection.
pub(super) struct Waiting {
    request: Request,
    /// What it has beyond its own fields, where that was made for a connection which has ended, or needs no making.
    prepared: Option<ExtraFields>,
}

/// How much of what waits may be added in this turn.
pub(in crate::remoting) struct Admission {
    requests: usize,
    /// The position in the stream of bytes from which on none is added.
    end: u64,
}

impl State {
    pub(in crate::remoting) fn wait_for_connection(
        &mut self,
        request: Request,
        prepared: Option<ExtraFields>,
    ) {
        self.waiting.push_back(Waiting { request, prepared });
    }

    /// The I/O task begins to write what waited for the connection.
    pub(in crate::remoting) fn begin_admission(&self) -> Admission {
        let (bytes, requests) = ADMITTED;
        Admission { requests, end: self.outbound.queued() + bytes }
    }

    /// Takes out the first that waits, to be prepared if it is not, and then to be given to [`Self::admit`]. `None`: nothing
    /// waits, or it is enough for this turn.
    pub(in crate::remoting) fn next_admitted(
        &mut self,
        admission: &mut Admission,
    ) -> Option<(Request, Option<ExtraFields>)> {
        if !matches!(self.phase, Phase::Open(_)) || self.outbound.queued() >= admission.end {
            return None;
        }
        admission.requests = admission.requests.checked_sub(1)?;
        let first = self.waiting.pop_front();
        self.is_admitting = first.is_some();
        first.map(|first| (first.request, first.prepared))
    }

    /// Writes a request that has waited behind the others, and makes the I/O task its writer.
    pub(in crate::remoting) fn admit(
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
        if matches!(self.writer, Writer::Nobody | Writer::IoTaskLater) && !self.outbound.is_empty() {
            self.gathered_by = None;
            self.writer = Writer::IoTask;
        }
    }

    /// Whether requests wait for the connection.
    pub(in crate::remoting) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes the request behind the others and registers what waits for its answer. A panic in the writing is a failure; on a
    /// failure nothing is added.
    pub(in crate::remoting) fn add(
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

    /// Makes sure that the deadlines are looked at by then; `true`: the I/O task must be told.
    pub(in crate::remoting) fn check_by(&mut self, deadline: Moment) -> bool {
        let earlier = self.next_check.is_none_or(|check| deadline < check);
        if earlier {
            self.next_check = Some(deadline);
        }
        earlier
    }

    /// The earliest deadline of all that is here.
    pub(in crate::remoting) fn next_deadline(&self) -> Option<Moment> {
        let waiting = self.waiting.iter().map(|entry| entry.request.deadline);
        let oneways = self.oneways.iter().map(|entry| entry.deadline);
        waiting.chain(oneways).chain(self.in_flight.next_deadline()).min()
    }

    /// Moves what is over its deadline to what has failed. Tells since when the oldest of it was on its way.
    pub(in crate::remoting) fn expire(&mut self, now: Moment) -> Option<Moment> {
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
                return true;
            }
            false
        };
        for Waiting { request, prepared } in &mut self.waiting {
            if split(&mut request.exchange, &mut request.deadline, false) {
                // It is another request now.
                *prepared = None;
            }
        }
        for (exchange, deadline) in self.in_flight.waiting_mut() {
            split(exchange, deadline, true);
        }
        over
    }

    /// Takes out what `gone` names, with whether the peer may still act on it. A frame that lies in the
    /// buffer will be written and cannot be called back.
    pub(in crate::remoting) fn take_gone(
        &mut self,
        gone: impl Fn(&dyn Exchange, Moment) -> bool,
    ) -> Vec<(Box<dyn Exchange>, bool)> {
        let mut taken = Vec::new();
        for entry in std::mem::take(&mut self.waiting) {
            match gone(&*entry.request.exchange, entry.request.deadline) {
                true => taken.push((entry.request.exchange, false)),
                false => self.waiting.push_back(entry),
            }
        }
        for entry in std::mem::take(&mut self.oneways) {
            match gone(&*entry.exchange, entry.deadline) {
                true => taken.push((entry.exchange, true)),
                false => self.oneways.push_back(entry),
            }
        }
        taken.extend(self.in_flight.abandon(gone).into_iter().map(|exchange| (exchange, true)));
        taken
    }

    /// Everything that waits here, with whether its whole frame may have reached the socket: a chunk may be in a
    /// write call just now.
    pub(super) fn into_exchanges(mut self) -> impl Iterator<Item = (Box<dyn Exchange>, bool)> {
        let handed = self.handed;
        let waiting = self.waiting.into_iter().map(|entry| (entry.request.exchange, false));
        let pending = self.in_flight.drain().into_iter().chain(self.oneways);
        pending.map(move |entry| (entry.exchange, entry.frame_end <= handed)).chain(waiting)
    }
}
