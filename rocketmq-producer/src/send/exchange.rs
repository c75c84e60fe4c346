//! A shipment as those see it who have it while it waits: the channel of its broker, its topic, its lane.

use rocketmq_protocol::codes::request;
use rocketmq_protocol::header::{Header, flag};

use super::context::Mode;
use super::outcome::{self, AttemptOutcome};
use super::send_header;
use super::sends::Sends;
use super::shipment::{Permit, Shipment};
use crate::deferred::Deferred;
use crate::error::Error;
use crate::lanes::Waiting;
use crate::producer_id::ProducerId;
use crate::remoting::{
    Body, Exchange, ExtraFields, Failure, FrameWriter, HEADER, OFFSET_ID, Preparation, SHARED_BODY,
};
use crate::routing::{RouteWaiter, Verdict};
use crate::sys::Moment;

/// The part of its time that a message waits for others' answers or for company: 1 of so many.
const PATIENCE: u32 = 4;

impl Exchange for Shipment {
    fn code(&self) -> i32 {
        match &self.sends {
            Sends::Batch(_) => request::SEND_BATCH_MESSAGE,
            _ if self.request.context.settings.smart_headers => request::SEND_MESSAGE_V2,
            _ => request::SEND_MESSAGE,
        }
    }

    fn prepare(&mut self, preparation: Preparation<'_>) -> Result<ExtraFields, Failure> {
        let code = self.code();
        match &self.sends {
            Sends::Gone => Ok(ExtraFields::default()),
            Sends::One(send) => {
                let (header, body) = (send_header::of_one(&self.request, send), send.prepared.body());
                match code {
                    request::SEND_MESSAGE_V2 => preparation.extra_fields(code, &header.v2(), body),
                    _ => preparation.extra_fields(code, &header.v1(), body),
                }
            }
            Sends::Batch(batch) => {
                let header = send_header::of_batch(&self.request, batch);
                preparation.extra_fields(code, &header.v2(), &batch.body)
            }
        }
    }

    fn append(&mut self, frame: FrameWriter<'_>) -> Result<(), Failure> {
        match &mut self.sends {
            Sends::Gone => Ok(()),
            Sends::One(send) => {
                let flag = if send.mode == Mode::Oneway { flag::ONEWAY } else { 0 };
                let (header, body) = (send_header::of_one(&self.request, send), send.prepared.shared_body());
                match self.request.context.settings.smart_headers {
                    true => frame.write(request::SEND_MESSAGE_V2, flag, &header.v2(), body),
                    false => frame.write(request::SEND_MESSAGE, flag, &header.v1(), body),
                }
            }
            Sends::Batch(batch) => {
                // Another attempt makes it anew, perhaps with fewer messages.
                let made = std::mem::take(&mut batch.body);
                let header = send_header::of_batch(&self.request, batch);
                let two_way = 0;
                let body =
                    if made.len() < SHARED_BODY { Body::Copied(&made) } else { Body::Shared(made.into()) };
                frame.write(request::SEND_BATCH_MESSAGE, two_way, &header.v2(), body)
            }
        }
    }

    fn begun(&self) -> Moment {
        self.request.started
    }

    /// The answer to a batch has an id for each of its messages.
    fn longest_header(&self) -> usize {
        match &self.sends {
            Sends::Batch(batch) => HEADER + OFFSET_ID * batch.len_as_written(),
            Sends::Gone | Sends::One(_) => HEADER,
        }
    }

    fn answered(mut self: Box<Self>, header: &Header<'_>, _: Body<'_>, now: Moment, deferred: &mut Deferred) {
        let attempt = outcome::of_answer(header, &self.request.context.settings.retry_response_codes);
        self.request.conclude(Some(attempt.verdict()), &self.sends, now);
        match attempt {
            AttemptOutcome::Stored { status, answer } => {
                if let (Some(_), Some(master)) = (&self.request.context.lanes, self.request.master()) {
                    master.learn(header.version, &answer);
                }
                match &mut self.sends {
                    Sends::Gone => {}
                    Sends::One(send) => send.store(&self.request, status, &answer, now, deferred),
                    Sends::Batch(batch) => batch.store(&self.request, status, &answer, now, deferred),
                }
                self.go_on(now, deferred);
            }
            AttemptOutcome::NotStored(mut why) => {
                if let Some(refusal) = why.refusal {
                    why.can_retry = self.may_be_signed_anew(refusal, &why.error);
                }
                self.not_stored(&why, now, deferred);
            }
        }
    }

    fn written(mut self: Box<Self>, deferred: &mut Deferred) {
        for send in self.sends.as_mut_slice() {
            send.written(&self.request, deferred);
        }
        self.end(deferred);
    }

    fn split_expired(&mut self, now: Moment) -> Option<(Box<dyn Exchange>, Moment)> {
        let (expired, next) = self.split_expired_sends(now)?;
        Some((expired, next))
    }

    fn failed(mut self: Box<Self>, failure: Failure, deferred: &mut Deferred) {
        let now = Moment::now();
        let verdict = failure.kind.is_of_peer().then_some(Verdict::Unreached);
        self.request.conclude(verdict, &self.sends, now);
        if failure.is_of_place() {
            self.request.context.client.routes.doubt(&self.request.topic);
        }
        self.not_stored(&outcome::of_failure(&failure), now, deferred);
    }

    /// Whether a retry would find another broker for every message, one that can be reached.
    fn may_go_elsewhere(&self) -> bool {
        let Some(master) = self.request.master().filter(|_| !self.sends.are_bound()) else { return false };
        let settings = &self.request.context.settings;
        let queues = self.request.topic.queues();
        self.sends.as_slice().iter().all(|send| send.attempts <= send.retries(settings))
            && queues.as_ref().is_some_and(|queues| queues.has_another_in_reach(&master.address.name))
    }

    fn producer(&self) -> ProducerId {
        self.request.context.producer
    }
}

impl RouteWaiter for Shipment {
    fn deadline(&self) -> Moment {
        self.deadline()
    }

    fn producer(&self) -> ProducerId {
        self.request.context.producer
    }

    fn routed(mut self: Box<Self>, deferred: &mut Deferred) {
        self.request.started = Moment::now();
        self.line_up(deferred);
    }

    fn unrouted(self: Box<Self>, error: Error, deferred: &mut Deferred) {
        self.give_up(&error, deferred);
    }
}

impl Waiting for Box<Shipment> {
    fn deadline(&self) -> Moment {
        Shipment::deadline(self)
    }

    fn arrived(&self) -> Moment {
        match self.sends.first() {
            Some(first) if first.attempts > 0 => first.span.started,
            _ => self.request.started,
        }
    }

    fn wait_limit(&self) -> Moment {
        let span = self.sends.first().map(|first| first.span);
        span.map_or(self.request.started, |span| span.started + span.deadline.since(span.started) / PATIENCE)
    }

    fn keeps_order(&self) -> bool {
        self.sends.are_bound()
    }

    /// A program's batch fills no other one.
    fn bytes(&self) -> usize {
        match &self.sends {
            Sends::One(send) => send.prepared.marked_item_len(),
            Sends::Gone | Sends::Batch(_) => 0,
        }
    }

    fn may_share(&self) -> bool {
        Shipment::may_share(self)
    }

    fn may_join(&self, before: &Self) -> bool {
        let (Sends::One(own), Sends::One(first)) = (&self.sends, &before.sends) else { return false };
        let settings = &self.request.context.settings;
        let alike = own.prepared.wait_store_ok == first.prepared.wait_store_ok;
        // An attempt that is cut short and one that is the last do not end together.
        let alike = alike && own.may_be_cut_short(settings) == first.may_be_cut_short(settings);
        alike && self.may_share() && before.may_share()
    }

    fn depart(mut self, others: Vec<Self>, permit: Permit, now: Option<Moment>, deferred: &mut Deferred) {
        self.permit = permit;
        if !others.is_empty() {
            self.absorb(others, deferred);
        }
        if let Some(now) = now {
            self.request.started = now;
        }
        self.attempt(deferred);
    }

    fn give_up(self, error: &Error, deferred: &mut Deferred) {
        Shipment::give_up(self, error, deferred);
    }
}
