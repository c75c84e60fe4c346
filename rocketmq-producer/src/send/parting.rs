//! How messages come together in one shipment, and part again.

use rocketmq_protocol::codes::response;

use super::accepted::AcceptedSend;
use super::batch::Batch;
use super::request::Request;
use super::sends::Sends;
use super::shipment::{BoxedShipment, Permit, Shipment};
use crate::deferred::Deferred;
use crate::error::Error;
use crate::memory::Memory;
use crate::sys::{self, Moment};

impl Shipment {
    /// One of the messages of a request, to go on by itself.
    pub(super) fn alone(request: &Request, send: AcceptedSend) -> BoxedShipment {
        let (request, permit) = (request.another(), Permit::default());
        Memory::take_block().fill(Self { request, permit, sends: Sends::One(send) })
    }

    /// The messages of these travel with its own from now on. The choice of a queue by chance: were it always the first one's,
    /// full batches, as long as a multiple of the number of queues, would all go to one queue.
    pub(super) fn absorb(&mut self, others: Vec<BoxedShipment>, deferred: &mut Deferred) {
        let count = 1 + others.len();
        let chance = sys::chance() as usize % count;
        let mut sends = Vec::with_capacity(count);
        sends.extend(self.sends.take_one());
        for (index, mut other) in others.into_iter().enumerate() {
            if index + 1 == chance {
                std::mem::swap(&mut self.request.aim, &mut other.request.aim);
            }
            sends.extend(other.sends.take_one());
            deferred.recycle(Memory::emptied(other));
        }
        self.sends = Sends::Batch(Box::new(Batch::new(sends, false)));
    }

    /// Each message of a lane's batch by itself, in order; else the shipment as it is.
    pub(super) fn split(mut self: Box<Self>, deferred: &mut Deferred) -> Vec<BoxedShipment> {
        let Some(batch) = self.sends.take_lane_batch() else { return vec![self] };
        let alone = batch.sends.into_iter().map(|send| Self::alone(&self.request, send)).collect();
        self.end(deferred);
        alone
    }

    /// The first message goes alone, to learn from its answer what this broker adds to messages; the others wait for that.
    pub(super) fn split_first(mut self: Box<Self>, deferred: &mut Deferred) {
        let Some(batch) = self.sends.take_lane_batch() else { return self.begin(deferred) };
        let mut sends = batch.sends.into_iter();
        if let Some(first) = sends.next() {
            self.sends = Sends::One(first);
        }
        let others = sends.map(|send| Self::alone(&self.request, send)).collect();
        self.permit.put_back(others, deferred);
        self.request.started = Moment::now();
        self.begin(deferred);
    }

    /// The broker refused the batch: each message is sent by itself, in order, so that only the guilty one fails.
    pub(super) fn split_refused(mut self: Box<Self>, error: &Error, now: Moment, deferred: &mut Deferred) {
        match error.broker_code() {
            Some(response::REQUEST_CODE_NOT_SUPPORTED) => self.request.topic.batches().end(),
            _ => self.request.topic.batches().refused(),
        }
        for send in self.sends.as_mut_slice() {
            send.note_failure(&self.request, error, now);
            send.prepared.alone = true;
        }
        let permit = std::mem::take(&mut self.permit);
        permit.put_back(self.split(deferred), deferred);
        permit.release(deferred);
    }

    /// The messages whose deadline has passed, and until when the others wait for the answer.
    pub(super) fn split_expired_sends(&mut self, now: Moment) -> Option<(Box<Self>, Moment)> {
        let Sends::Batch(batch) = &mut self.sends else { return None };
        let (over, next) = batch.split_expired(&self.request, now)?;
        let (request, permit) = (self.request.another(), Permit::default());
        Some((Box::new(Self { request, permit, sends: Sends::Batch(Box::new(over)) }), next))
    }
}
