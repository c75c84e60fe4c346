//! A lasting way to one address: it connects when it is needed, and again after a connection ended.

mod ends;

use std::sync::{Arc, Weak};

use crate::sync::{Mutex, MutexGuard};
use crate::sys::Moment;
use rocketmq_protocol::header::Header;
use tokio::sync::Notify;

use self::ends::forgotten;
use super::exchange::{Exchange, Failure};
use super::prepare::{ExtraFields, Preparation};
use super::state::{Haste, Phase, Request, State};
use super::stream::Stream;
use super::{Events, RemotingOptions, connection};
use crate::deferred::{Deferred, Gathered};
use crate::hooks::{RpcResponse, guarded};
use crate::task;

pub(crate) struct Channel {
    address: Arc<str>,
    /// Where it connects to.
    pub(super) dialed: Box<str>,
    pub(super) options: Arc<RemotingOptions>,
    pub(super) events: Weak<dyn Events>,
    pub(super) state: Mutex<State>,
    /// Tells the I/O task: there is something to write, an earlier deadline, or an end.
    pub(super) attention: Notify,
}

impl Channel {
    pub(super) fn new(
        address: Arc<str>,
        dialed: Box<str>,
        options: Arc<RemotingOptions>,
        events: Weak<dyn Events>,
    ) -> Self {
        Self { address, dialed, options, events, state: Mutex::default(), attention: Notify::new() }
    }

    /// `host:port`, or `registered → used` where the two differ.
    pub(crate) fn address(&self) -> &Arc<str> {
        &self.address
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Open(_))
    }

    /// Sends a request; connects first if need be. The exchange gets its outcome by the deadline.
    pub(crate) fn submit(
        self: &Arc<Self>,
        exchange: Box<dyn Exchange>,
        deadline: Moment,
        oneway: bool,
        deferred: &mut Deferred,
    ) {
        let prepared = (!self.options.has_preparation()).then_some(ExtraFields::NONE);
        self.submit_request(Request { exchange, deadline, oneway }, prepared, deferred);
    }

    /// `prepared`: what it has beyond its own fields, if that was made already; hooks see a request once.
    fn submit_request(
        self: &Arc<Self>,
        mut request: Request,
        mut prepared: Option<ExtraFields>,
        deferred: &mut Deferred,
    ) {
        loop {
            let state = self.state.lock();
            if matches!(state.phase, Phase::Forgotten) {
                drop(state);
                return request.exchange.failed(forgotten(), deferred);
            }
            let Some(stream) = state.stream_for_new() else {
                drop(state);
                return self.submit_unconnected(request, prepared, deferred);
            };
            if let Some(extra) = prepared {
                return self.write_request(state, &stream, request, &extra, deferred);
            }
            drop(state);
            match self.prepare(&mut *request.exchange) {
                Ok(extra) => prepared = Some(extra),
                Err(failure) => return request.exchange.failed(failure, deferred),
            }
        }
    }

    /// What the request has beyond its own fields. No lock is held.
    fn prepare(&self, exchange: &mut dyn Exchange) -> Result<ExtraFields, Failure> {
        Preparation::new(&self.options, &self.address).of(exchange)
    }

    /// Adds the request to what is to be written, and sees to the writing.
    fn write_request(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        stream: &Arc<Stream>,
        request: Request,
        extra: &ExtraFields,
        deferred: &mut Deferred,
    ) {
        let deadline = request.deadline;
        let haste = match request.oneway {
            true if state.may_gather(deadline) => Haste::MayBeGathered,
            false if state.in_flight.len() == 0 => Haste::CallerWaits,
            false if deferred.is_in_burst() && state.may_gather(deadline) => Haste::GoesWithBurst,
            _ => Haste::AtOnce,
        };
        if let Err((exchange, failure)) = state.add(request, extra, &self.options) {
            drop(state);
            return exchange.failed(failure, deferred);
        }
        let announce = state.check_by(deadline);
        let writer = state.choose_writer(haste, self.options.max_backlog);
        let is_gathered = haste == Haste::GoesWithBurst && state.is_gathering();
        drop(state);
        if announce {
            self.attention.notify_one();
        }
        if is_gathered {
            deferred.gathered_at(self);
        }
        self.see_to_writing(writer, stream);
    }

    /// There was no connection that it can go to at once: the request waits for one, or behind those that wait. One is begun
    /// if none is. In the pause between two tries it waits for the next one, unless it is over before that, or better off
    /// elsewhere.
    fn submit_unconnected(
        self: &Arc<Self>,
        request: Request,
        prepared: Option<ExtraFields>,
        deferred: &mut Deferred,
    ) {
        let goes_elsewhere = self.is_resting() && request.exchange.may_go_elsewhere();
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Forgotten) || state.stream_for_new().is_some() {
            // It has just come or gone.
            drop(state);
            return self.submit_request(request, prepared, deferred);
        }
        let now = Moment::now();
        let ends_first = state.reach.pause_end(now).is_some_and(|end| request.deadline <= end);
        if state.is_resting(now) && (goes_elsewhere || ends_first) {
            let refusal = state.reach.refusal();
            drop(state);
            return request.exchange.failed(refusal, deferred);
        }
        let announce = state.check_by(request.deadline);
        state.wait_for_connection(request, prepared);
        let begun = matches!(state.phase, Phase::Closed).then(|| state.begin());
        drop(state);
        if let Some(epoch) = begun {
            self.begin(epoch);
        } else if announce {
            self.attention.notify_one();
        }
    }

    /// Writes some of what waited for the connection into its buffer, in order; `true`: more waits. Called by the I/O task.
    pub(super) fn admit_waiting(&self, stream: &Arc<Stream>) -> bool {
        let mut state = self.state.lock();
        let mut admission = state.begin_admission();
        while let Some((mut request, prepared)) = state.next_admitted(&mut admission) {
            drop(state);
            let prepared = prepared.map_or_else(|| self.prepare(&mut *request.exchange), Ok);
            state = self.state.lock();
            state.admit(stream, request, prepared, &self.options);
        }
        state.has_waiting()
    }

    /// Starts the task of a connection. However that ends, the connection ends with it.
    fn begin(self: &Arc<Self>, epoch: u64) {
        let channel = Arc::clone(self);
        task::spawn(&self.options.runtime, connection::run(Arc::clone(self), epoch), move |outcome| {
            if let Err(stopped) = outcome {
                channel.stopped(epoch, stopped);
            }
        });
    }

    /// Whether the last try failed, and no other one has come through since.
    pub(crate) fn is_resting(&self) -> bool {
        self.state.lock().is_resting(Moment::now())
    }

    /// There is news of this address: the next try begins at once.
    pub(crate) fn end_pause(&self) {
        self.state.lock().reach.end_pause();
        self.attention.notify_one();
    }

    /// Writes what is gathered.
    pub(crate) fn send_now(&self) {
        if self.state.lock().send_now() {
            self.attention.notify_one();
        }
    }

    /// Shows an answer to the hooks.
    pub(super) fn show_response(&self, request_code: i32, header: &Header<'_>) {
        for hook in &self.options.rpc.hooks {
            let response = RpcResponse { address: &self.address, request_code, header };
            guarded(&self.options.log, "RPC", || hook.after_response(&response));
        }
    }
}

impl Gathered for Channel {
    fn end_burst(self: Arc<Self>, _: &mut Deferred) {
        self.send_now();
    }
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
