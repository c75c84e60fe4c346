//! Several messages in one wire batch (protocol 5.8). Each keeps its id, its deadline, its count of attempts, its receipt and
//! its error.

use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::batch;

use super::accepted::AcceptedSend;
use super::request::Request;
use super::shipment::{BoxedShipment, Shipment};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::memory::Memory;
use crate::receipt::SendStatus;
use crate::sys::Moment;

pub(super) struct Batch {
    /// In the order of the body.
    pub(super) sends: Vec<AcceptedSend>,
    /// The program made the batch, and it stays one. Else its messages met in a lane, and may part again.
    pub(super) is_programs: bool,
    /// The encoded messages, from the choice of the queue to the writing; empty from then on.
    pub(super) body: Vec<u8>,
    /// Places in the body of messages that left after the writing, in order.
    gaps: Vec<usize>,
    /// When the attempt under way is cut short, to leave time for another.
    pub(super) limit: Option<Moment>,
}

impl Batch {
    pub(super) fn new(sends: Vec<AcceptedSend>, is_programs: bool) -> Self {
        Self { sends, is_programs, body: Vec::new(), gaps: Vec::new(), limit: None }
    }

    /// The messages that have their outcome leave.
    pub(super) fn forget_ended(&mut self, deferred: &mut Deferred) {
        for mut ended in self.sends.extract_if(.., |send| send.is_over()) {
            deferred.recycle(Memory::of_bytes(ended.prepared.take_memory()));
        }
    }

    /// How many messages the broker got.
    pub(super) fn len_as_written(&self) -> usize {
        self.sends.len() + self.gaps.len()
    }

    /// Where each message lies in the body.
    fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let gaps = self.gaps.clone();
        (0..).filter(move |place| gaps.binary_search(place).is_err())
    }

    /// Makes the body for the attempt that begins. Gives those that go on alone, or have their outcome: a hook forbids them, or
    /// they cannot be encoded.
    pub(super) fn fill(&mut self, request: &Request, deferred: &mut Deferred) -> Vec<BoxedShipment> {
        self.gaps.clear();
        let of_a_hook = |send: &mut AcceptedSend| leaves_by_hook(send, request, deferred);
        let alone = |send| Shipment::alone(request, send);
        let mut leaving: Vec<_> = self.sends.extract_if(.., of_a_hook).map(alone).collect();
        let now = Moment::now();
        for (mut send, error) in self.encode(request) {
            send.fail(request, &error, now, deferred);
            leaving.push(alone(send));
        }
        leaving
    }

    /// Encodes the messages; gives those that cannot be encoded.
    fn encode(&mut self, request: &Request) -> Vec<(AcceptedSend, Error)> {
        self.body.clear();
        let marks = match self.is_programs {
            true => None,
            false => request.master().and_then(|master| master.properties().text()),
        };
        let marks = marks.unwrap_or_default();
        let room = |send: &AcceptedSend| send.prepared.item_len() + send.added().len() + marks.len();
        if let Err(cause) = self.body.try_reserve(self.sends.iter().map(room).sum()) {
            let error = Error::out_of_memory("a batch", cause);
            return self.sends.drain(..).map(|send| (send, error.clone())).collect();
        }
        let mut errors = Vec::new();
        let body = &mut self.body;
        let unfit = self.sends.extract_if(.., |send| {
            let prepared = &send.prepared;
            let properties = [prepared.properties(), send.added(), &*marks];
            let pushed = batch::push(body, prepared.flag, &properties, prepared.body());
            let is_unfit = pushed.is_err();
            errors.extend(pushed.err());
            is_unfit
        });
        let unfit: Vec<_> = unfit.collect();
        let errors = errors.into_iter().map(|cause| {
            let text = format!("the message cannot be sent: {cause}");
            Error::new(ErrorCode::MessageIllegal, text).with_source(cause)
        });
        unfit.into_iter().zip(errors).collect()
    }

    /// The broker has stored all.
    pub(super) fn store(
        &mut self,
        request: &Request,
        status: SendStatus,
        answer: &SendAnswer<'_>,
        now: Moment,
        deferred: &mut Deferred,
    ) {
        let ids: Vec<&str> = answer.message_id.unwrap_or_default().split(',').collect();
        let as_one_record = ids.len() != self.len_as_written();
        match as_one_record {
            true => request.topic.batches().end(),
            false => request.topic.batches().stored(),
        }
        for (place, send) in self.places().zip(&mut self.sends) {
            let id = if as_one_record { ids.first() } else { ids.get(place) };
            let own = SendAnswer {
                message_id: id.copied(),
                queue_offset: answer.queue_offset.map(|first| first.saturating_add(place as i64)),
                ..*answer
            };
            send.store(request, status, &own, now, deferred);
        }
    }

    /// Takes out the messages that are over, and says until when the others wait; `None`: all are over, or cut short.
    pub(super) fn split_expired(&mut self, request: &Request, now: Moment) -> Option<(Self, Moment)> {
        if self.limit.is_some_and(|limit| limit <= now) {
            return None;
        }
        let is_over = |send: &AcceptedSend| send.span.deadline <= now;
        let rest = self.sends.iter().filter(|send| !is_over(send));
        let next = rest.map(|send| send.span.deadline).min()?;
        let next = self.limit.map_or(next, |limit| limit.min(next));
        let is_written = self.body.is_empty();
        if is_written {
            let places = self.places().zip(&self.sends);
            let gaps: Vec<_> = places.filter(|(_, send)| is_over(send)).map(|(place, _)| place).collect();
            self.gaps.extend(gaps);
            self.gaps.sort_unstable();
        }
        let mut over: Vec<_> = self.sends.extract_if(.., |send| is_over(send)).collect();
        if !is_written {
            // The broker must not get those that are told to have failed.
            over.extend(self.encode(request).into_iter().map(|(send, _)| send));
        }
        Some((Self::new(over, self.is_programs), next))
    }
}

/// Asks the hooks for the attempt; whether the message leaves the batch. One that may go to any queue is tried alone then; one
/// that is bound is tried again in its place, as others must not overtake it.
fn leaves_by_hook(send: &mut AcceptedSend, request: &Request, deferred: &mut Deferred) -> bool {
    while let Err(error) = send.before_hooks(request) {
        send.fail(request, &error, Moment::now(), deferred);
        if send.is_over() || send.prepared.choice.is_any() {
            return true;
        }
        send.begin(request);
    }
    false
}
