//! The messages of one request on their way: the attempt loop, as a state machine that no task or thread belongs to.
//!
//! A [`Shipment`] has one message, or the several of a wire batch. It is moved into whatever it waits for, and comes back out
//! by a call; so it stays where it is in memory from its acceptance to the last outcome.
//!
//! ```text
//!   start ──▶ [topic: a route] ──▶ line up ──▶ [lane: its turn] ──depart──▶ attempt ◀─────────────────────────────┐
//!     └────────── routed already ─────┘ └──── no lane ─────────────────────▶ │ chooses a queue                     │
//!                                        ▲                                   ▼                                     │
//!                                        └── to another lane's broker ◀── permit? ─▶ [pauses] ─resume─▶ begin      │
//!                                                                                                         │        │
//!   end ◀── stored ◀─────────────────────────────────── answered ◀── [channel: an answer] ◀──── submit ◀──┘        │
//!    ▲                                                      │          │        │                                  │
//!    │                                                      ▼          ▼        └─ written (one-way) ─▶ end        │
//!    └── refused, or no attempt is left ◀─────────── not stored ◀── failed                                         │
//!                                                      │   └────── again, those that may ──────────────────────────┘
//!                                                      └── refused for one message's fault: apart, back into the lane
//! ```
//!
//! In brackets is where it lies: the [topic](crate::routing::Topic) as a [`RouteWaiter`](crate::routing::RouteWaiter), a lane as a
//! [`Waiting`](crate::lanes::Waiting), the [pauses](super::Pauses), a channel as an [`Exchange`](crate::remoting::Exchange). From
//! each, the close of the producer and the deadline lead to the end. Before a pause it may wait at its topic again (`pauses.rs`).
//!
//! What all messages share, and the attempt under way, is the [`Request`]; what each has for itself is an [`AcceptedSend`]. How
//! messages come together and part is in `parting.rs`; what answers mean, in `outcome.rs`.

use std::sync::Arc;

use super::accepted::AcceptedSend;
use super::batch::Batch;
use super::context::{Mode, SendContext};
use super::outcome::NotStored;
use super::pauses::Pause;
use super::request::{Aim, Request};
use super::sends::Sends;
use crate::auth::Refusal;
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::lanes::{self, LaneKey};
use crate::memory::Memory;
use crate::routing::{Master, Topic};
use crate::sys::Moment;

/// A shipment stays where it is in memory, whoever has it.
pub(super) type BoxedShipment = Box<Shipment>;

pub(crate) type Lanes = lanes::Lanes<BoxedShipment>;
pub(super) type Permit = lanes::Permit<BoxedShipment>;

pub(crate) struct Shipment {
    pub(super) request: Request,
    /// Its place in a lane, until the outcome.
    pub(super) permit: Permit,
    pub(super) sends: Sends,
}

/// A hundred thousand may be in flight, and the caches are small.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Shipment>() <= 176);

impl Shipment {
    /// A shipment of one message.
    pub(crate) fn of_one(
        memory: Memory,
        context: Arc<SendContext>,
        topic: Arc<Topic>,
        send: AcceptedSend,
    ) -> Box<Self> {
        let request = Request { context, topic, aim: Aim::Open, started: send.span.started };
        memory.fill(Self { request, permit: Permit::default(), sends: Sends::One(send) })
    }

    /// A batch of a program's, of at least one message. All have one topic, and one queue if they are bound to one.
    pub(crate) fn of_batch(
        context: Arc<SendContext>,
        topic: Arc<Topic>,
        sends: Vec<AcceptedSend>,
    ) -> Box<Self> {
        let started = sends.first().map_or_else(Moment::now, |first| first.span.started);
        let request = Request { context, topic, aim: Aim::Open, started };
        let sends = Sends::Batch(Box::new(Batch::new(sends, true)));
        Memory::take_block().fill(Self { request, permit: Permit::default(), sends })
    }

    /// On its way, first to a route look-up if the topic has no queues yet.
    pub(crate) fn start(self: Box<Self>, deferred: &mut Deferred) {
        if self.request.topic.is_routed() {
            self.line_up(deferred);
        } else {
            let topic = Arc::clone(&self.request.topic);
            let context = Arc::clone(&self.request.context);
            context.client.routes.wait(&topic, self);
        }
    }

    /// Into its lane if it has one, else to the first attempt. Programs' batches to any queue wait for nobody.
    pub(super) fn line_up(mut self: Box<Self>, deferred: &mut Deferred) {
        match self.request.context.lanes.clone() {
            Some(lanes) if self.sends.are_bound() || self.may_share() => match self.choose_queue() {
                Ok(()) => self.enter(&lanes, deferred),
                Err(error) => self.give_up(&error, deferred),
            },
            _ => self.attempt(deferred),
        }
    }

    /// Into the lane to the queue that is chosen.
    fn enter(self: Box<Self>, lanes: &Lanes, deferred: &mut Deferred) {
        let Aim::Chosen { broker, queue_id } = &self.request.aim else { return self.attempt(deferred) };
        let key = LaneKey::new(&self.request.topic, broker, *queue_id, self.sends.are_bound());
        lanes.arrive(&key, self, deferred);
    }

    /// Whether it may travel in one batch with others of its lane.
    pub(super) fn may_share(&self) -> bool {
        matches!(&self.sends, Sends::One(send) if send.mode == Mode::Async && !send.prepared.alone)
            && self.request.topic.takes_batches()
    }

    /// Chooses a queue, if none is chosen, and begins an attempt there: at once, after a pause, or in its turn.
    pub(super) fn attempt(mut self: Box<Self>, deferred: &mut Deferred) {
        if self.request.context.is_aborted() {
            return self.give_up(&Error::closed(), deferred);
        }
        if !matches!(self.request.aim, Aim::Chosen { .. })
            && let Err(error) = self.choose_queue()
        {
            return self.give_up(&error, deferred);
        }
        let Aim::Chosen { broker, .. } = &self.request.aim else {
            return self.give_up(&Error::new(ErrorCode::Internal, "a choice of no queue"), deferred);
        };
        if self.permit.is_for_another(broker) {
            return self.change_lane(deferred);
        }
        match self.pause(&broker.name) {
            Some(pause) => self.wait_through(pause, deferred),
            None => self.begin(deferred),
        }
    }

    /// Chooses the queue of the next attempt. Messages of a batch have one destination: the first one's choice is that of all.
    fn choose_queue(&mut self) -> Result<(), Error> {
        let Request { context, topic, aim, .. } = &mut self.request;
        let Some((first, others)) = self.sends.as_mut_slice().split_first_mut() else {
            return Err(Error::new(ErrorCode::Internal, "a request without messages"));
        };
        let queues = topic.queues();
        let history = first.rare.as_ref().map_or(&[][..], |rare| &rare.history);
        let last = history.last().map(|last| &*last.broker_name);
        let faults = context.faults.as_deref().map(|faults| (faults, Moment::now()));
        let queue = first.prepared.choice.select(queues.as_deref(), last, faults, &context.client.log)?;
        for other in others {
            other.prepared.choice.bind(&queue);
        }
        *aim = Aim::Chosen { broker: queue.broker, queue_id: queue.queue_id };
        Ok(())
    }

    /// To a queue of another broker than that of its lane, whose place it gives up: there it would keep others from a
    /// broker that it has nothing to do with. Each message of a batch goes on in the lane to that broker.
    fn change_lane(mut self: Box<Self>, deferred: &mut Deferred) {
        std::mem::take(&mut self.permit).release(deferred);
        for shipment in self.split(deferred) {
            match shipment.request.context.lanes.clone() {
                Some(lanes) if shipment.may_share() => shipment.enter(&lanes, deferred),
                _ => shipment.attempt(deferred),
            }
        }
    }

    /// The pause before its next attempt if that goes to this broker: a message without a pause takes the others along.
    fn pause(&self, broker_name: &str) -> Option<Pause> {
        let mut pauses = self.sends.as_slice().iter().map(|send| send.pause(&self.request, broker_name));
        let first = pauses.next()??;
        pauses.try_fold(first, |shortest, pause| Some(shortest.shortened_by(pause?)))
    }

    /// The pause is over: begins the attempt that waited for it.
    pub(super) fn resume(mut self: Box<Self>, deferred: &mut Deferred) {
        if self.request.context.is_aborted() {
            return self.give_up(&Error::closed(), deferred);
        }
        self.request.started = Moment::now();
        self.begin(deferred);
    }

    /// Begins the attempt at the queue that is chosen.
    pub(super) fn begin(mut self: Box<Self>, deferred: &mut Deferred) {
        if self.is_to_probe() {
            return self.split_first(deferred);
        }
        for send in self.sends.as_mut_slice() {
            send.begin(&self.request);
        }
        let master = match self.request.engage() {
            Ok(master) => master,
            Err(error) => return self.again(&error, Moment::now(), deferred),
        };
        match &mut self.sends {
            Sends::Gone => {}
            Sends::One(send) => {
                if let Err(error) = send.before_hooks(&self.request) {
                    return self.again(&error, Moment::now(), deferred);
                }
            }
            Sends::Batch(batch) => {
                for shipment in batch.fill(&self.request, deferred) {
                    shipment.go_on(Moment::now(), deferred);
                }
            }
        }
        self.submit(&master, deferred);
    }

    /// Whether it needs to be known what its broker adds to messages, and is not.
    fn is_to_probe(&self) -> bool {
        let Aim::Chosen { broker, .. } = &self.request.aim else { return false };
        self.sends.are_lane_batch() && !broker.master().is_some_and(|master| master.properties().are_known())
    }

    /// Hands the messages to the channel of their broker.
    fn submit(mut self: Box<Self>, master: &Master, deferred: &mut Deferred) {
        let Some(first) = self.sends.first() else { return self.end(deferred) };
        let limit = first.attempt_limit(&self.request.context.settings);
        let is_oneway = first.mode == Mode::Oneway;
        let deadline = limit.map_or(self.deadline(), |limit| limit.min(self.deadline()));
        self.request.submitted();
        if let Sends::Batch(batch) = &mut self.sends {
            batch.limit = limit;
            self.request.context.recorder.wire_batch(batch.sends.len());
        }
        master.send_channel.submit(self, deadline, is_oneway, deferred);
    }

    /// The earliest deadline of its messages.
    pub(super) fn deadline(&self) -> Moment {
        let deadlines = self.sends.as_slice().iter().map(|send| send.span.deadline);
        deadlines.min().unwrap_or_else(Moment::now)
    }

    /// No answer says that the messages are stored.
    pub(super) fn not_stored(mut self: Box<Self>, why: &NotStored, now: Moment, deferred: &mut Deferred) {
        if self.sends.are_lane_batch() && why.may_be_one_messages_fault() {
            return self.split_refused(&why.error, now, deferred);
        }
        if why.can_retry {
            return self.again(&why.error, now, deferred);
        }
        for send in self.sends.as_mut_slice() {
            send.refuse(&self.request, &why.error, now, deferred);
        }
        self.end(deferred);
    }

    /// Whether the access control that refused the attempt may accept another one, which waits for other credentials then: at the
    /// topic, in whose look-up they are waited for. Once for each message.
    pub(super) fn may_be_signed_anew(&self, refusal: Refusal, error: &Error) -> bool {
        let client = &self.request.context.client;
        let signing = client.remoting.signing();
        signing.tell_refusal(&format!("send refused: {}", error.message()));
        let is_first = !self.sends.as_slice().iter().any(AcceptedSend::was_denied);
        let may = refusal.is_of_credentials() && is_first && signing.refused(self.request.started);
        if may {
            client.routes.doubt(&self.request.topic);
        }
        may
    }

    /// The attempt failed: the messages for which it was not the end make another one, together.
    fn again(mut self: Box<Self>, error: &Error, now: Moment, deferred: &mut Deferred) {
        for send in self.sends.as_mut_slice() {
            send.fail(&self.request, error, now, deferred);
        }
        self.go_on(now, deferred);
    }

    /// To the next attempt of those that have no outcome yet.
    #[inline]
    pub(super) fn go_on(mut self: Box<Self>, now: Moment, deferred: &mut Deferred) {
        if let Sends::Batch(batch) = &mut self.sends {
            batch.forget_ended(deferred);
        }
        if self.sends.first().is_none_or(AcceptedSend::is_over) {
            return self.end(deferred);
        }
        self.request.started = now;
        self.attempt(deferred);
    }

    /// Every message ends with this error.
    pub(super) fn give_up(mut self: Box<Self>, error: &Error, deferred: &mut Deferred) {
        for send in self.sends.as_mut_slice() {
            send.give_up(&self.request, error, deferred);
        }
        self.end(deferred);
    }

    /// Every message has its outcome: the place in the lane and the memory are free.
    pub(super) fn end(mut self: Box<Self>, deferred: &mut Deferred) {
        std::mem::take(&mut self.permit).release(deferred);
        let mut bytes = Vec::new();
        match &mut self.sends {
            Sends::Gone => {}
            Sends::One(send) => bytes = send.prepared.take_memory(),
            Sends::Batch(batch) => batch.forget_ended(deferred),
        }
        deferred.recycle(Memory::emptied(self).with_bytes(bytes));
    }
}

impl Drop for Shipment {
    /// An accepted send has its outcome, also when a panic took it away from whoever was at it.
    fn drop(&mut self) {
        for send in self.sends.as_mut_slice() {
            if !send.is_over() {
                send.lose(&self.request);
            }
        }
    }
}
