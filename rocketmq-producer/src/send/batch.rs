//! Several messages on their way as one wire batch (protocol 5.8): the attempt loop of [`SendOperation`], made once for
//! all of them. Each keeps its id, its deadline, its count of attempts, its receipt and its error.

use std::sync::Arc;

use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::batch;
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::header::Header;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::requests::SendRequest;

use super::context::SendContext;
use super::operation::{Operation, SendOperation};
use super::outcome::{self, AttemptOutcome, NotStored};
use super::passenger::{Passenger, Permit};
use super::pauses::Paused;
use super::send_header::send_request;
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::lanes::LaneKey;
use crate::producer_id::ProducerId;
use crate::receipt::SendStatus;
use crate::remoting::{
    Body, Exchange, ExtraFields, Failure, FrameWriter, HEADER, OFFSET_ID, Preparation, SHARED_BODY,
};
use crate::routing::{PublishQueue, RouteWaiter, Verdict};
use crate::stats::BrokerId;
use crate::sys::Moment;

pub(crate) struct BatchOperation {
    context: Arc<SendContext>,
    /// In the order of the body. One whose deadline passed after the writing has left a gap.
    members: Vec<Option<Operation>>,
    origin: Origin,
    queue_id: i32,
    broker_name: Arc<str>,
    /// What the broker adds to the properties of single messages, to be added to each member.
    marks: Box<str>,
    born_ms: u64,
    /// The attempt under way, as the statistics know it.
    broker: Option<BrokerId>,
    /// When the attempt under way is cut short, to leave time for another.
    limit: Option<Moment>,
    /// The encoded members, from the choice of the queue to the writing; empty from then on.
    body: Vec<u8>,
}

/// Why these messages travel together.
pub(crate) enum Origin {
    /// The program made the batch: it stays one.
    Program(Option<Permit>),
    /// They waited in one lane: they may part again.
    Lane(Permit),
}

impl BatchOperation {
    /// A batch of at least one message. All have one topic, and one queue if they are bound to one.
    pub(crate) fn new(context: Arc<SendContext>, members: Vec<Operation>, origin: Origin) -> Self {
        Self {
            context,
            members: members.into_iter().map(Some).collect(),
            origin,
            queue_id: 0,
            broker_name: Arc::default(),
            marks: Box::default(),
            born_ms: 0,
            broker: None,
            limit: None,
            body: Vec::new(),
        }
    }

    /// On its way, first to a route look-up if the topic has no queues yet.
    pub(crate) fn start(self: Box<Self>, deferred: &mut Deferred) {
        let Some(topic) = self.first().map(|first| Arc::clone(&first.topic)) else { return };
        if topic.is_routed() {
            self.line_up(deferred);
        } else {
            let context = Arc::clone(&self.context);
            context.client.routes.wait(&topic, self);
        }
    }

    /// Behind what waits for the same queue. Batches to any queue wait for nobody.
    fn line_up(mut self: Box<Self>, deferred: &mut Deferred) {
        let context = Arc::clone(&self.context);
        if let (Some(lanes), Some(first)) = (&context.lanes, self.first_mut())
            && !first.prepared.target.is_any()
        {
            let topic = Arc::clone(&first.topic);
            return match first.choose_queue() {
                Ok(queue) => {
                    let is_bound = true;
                    let key = LaneKey::new(&topic, &queue.broker, queue.queue_id, is_bound);
                    lanes.arrive(&key, Passenger::Batch(self), deferred);
                }
                Err(error) => self.give_up(&error, deferred),
            };
        }
        self.attempt(None, deferred);
    }

    /// It is its lane's turn.
    pub(crate) fn depart(mut self: Box<Self>, permit: Permit, deferred: &mut Deferred) {
        if let Origin::Program(place) = &mut self.origin {
            *place = Some(permit);
        }
        self.attempt(None, deferred);
    }

    fn first(&self) -> Option<&SendOperation> {
        self.members.iter().flatten().next().map(|first| &**first)
    }

    fn first_mut(&mut self) -> Option<&mut SendOperation> {
        self.members.iter_mut().flatten().next().map(|first| &mut **first)
    }

    /// The earliest deadline of its members.
    pub(crate) fn deadline(&self) -> Moment {
        let deadlines = self.members.iter().flatten().map(|member| member.span.deadline);
        deadlines.min().unwrap_or_else(Moment::now)
    }

    /// Chooses a queue, if it is not yet chosen, and hands the members to its broker's channel.
    pub(crate) fn attempt(mut self: Box<Self>, chosen: Option<PublishQueue>, deferred: &mut Deferred) {
        if self.context.is_aborted() {
            return self.give_up(&Error::closed(), deferred);
        }
        let Some(first) = self.first_mut() else { return self.release(deferred) };
        let queue = match chosen.map_or_else(|| first.choose_queue(), Ok) {
            Ok(queue) => queue,
            Err(error) => return self.give_up(&error, deferred),
        };
        if matches!(&self.origin, Origin::Lane(permit) if permit.is_for_another(&queue.broker)) {
            return self.change_lane(&queue, deferred);
        }
        if let Some(until) = self.pause_end(&queue) {
            let context = Arc::clone(&self.context);
            return context.pauses.keep(Paused::Batch(self, queue), until);
        }
        self.attempt_at(&queue, deferred);
    }

    /// Until when the next attempt waits if it goes to this queue: one without a pause takes the others along.
    fn pause_end(&self, queue: &PublishQueue) -> Option<Moment> {
        let mut earliest = None;
        for member in self.members.iter().flatten() {
            let end = member.pause_end(queue)?;
            earliest = earliest.into_iter().chain([end]).min();
        }
        earliest
    }

    /// The pause is over.
    pub(crate) fn resume(self: Box<Self>, queue: &PublishQueue, deferred: &mut Deferred) {
        if self.context.is_aborted() {
            return self.give_up(&Error::closed(), deferred);
        }
        self.attempt_at(queue, deferred);
    }

    fn attempt_at(mut self: Box<Self>, queue: &PublishQueue, deferred: &mut Deferred) {
        let is_known = queue.broker.master().is_some_and(|target| target.marks().are_known());
        if matches!(self.origin, Origin::Lane(_)) && !is_known {
            return self.probe(queue, deferred);
        }
        if let Some(error) = self.engage(queue) {
            return self.not_stored(&NotStored { error, can_retry: true }, deferred);
        }
        self.fill(queue, deferred);
        let Some(target) = self.first().and_then(|first| first.target.clone()) else {
            return self.release(deferred);
        };
        self.limit = self.first().and_then(SendOperation::attempt_limit);
        self.context.recorder.attempted(target.id, &target.address.name);
        self.broker = Some(target.id);
        self.context.recorder.wire_batch(self.members.len());
        let deadline = self.limit.map_or(self.deadline(), |limit| limit.min(self.deadline()));
        target.send_channel.submit(self, deadline, false, deferred);
    }

    /// Each member goes on in the lane to this queue's broker.
    fn change_lane(mut self, queue: &PublishQueue, deferred: &mut Deferred) {
        for member in std::mem::take(&mut self.members).into_iter().flatten() {
            member.change_lane(queue.clone(), deferred);
        }
        self.release(deferred);
    }

    /// The first message alone, to learn from its answer what this broker adds to messages; the others wait for that.
    fn probe(self, queue: &PublishQueue, deferred: &mut Deferred) {
        let mut members = self.members.into_iter().flatten();
        if let (Some(first), Origin::Lane(permit)) = (members.next(), self.origin) {
            permit.put_back(members.map(|member| Passenger::One(member, Some(queue.clone()))).collect());
            first.depart_to(queue, permit, deferred);
        }
    }

    /// Begins an attempt of every member at this queue; an error if its broker has no master.
    fn engage(&mut self, queue: &PublishQueue) -> Option<Error> {
        let now = Moment::now();
        let master = queue.broker.master();
        let begun = self.members.iter_mut().flatten().filter_map(|member| {
            member.attempt_started = now;
            member.prepared.target.bind(queue);
            member.engage_with(queue, master.clone()).err()
        });
        begun.last()
    }

    /// Makes the body; a member that a hook forbids, or that does not fit, leaves.
    fn fill(&mut self, queue: &PublishQueue, deferred: &mut Deferred) {
        self.born_ms = self.context.wall_ms(Moment::now());
        self.queue_id = queue.queue_id;
        self.broker_name = Arc::clone(&queue.broker.name);
        self.marks = match &self.origin {
            Origin::Lane(_) => {
                queue.broker.master().and_then(|target| target.marks().text()).unwrap_or_default()
            }
            Origin::Program(_) => Box::default(),
        };
        for place in &mut self.members {
            *place = place.take().and_then(|member| allowed(member, queue, deferred));
        }
        for (member, error) in self.fill_body() {
            if let Some(next) = member.after_failure(error, deferred) {
                next.attempt(None, deferred);
            }
        }
    }

    /// Encodes the members that are there, and closes the gaps. Gives those that cannot be encoded.
    fn fill_body(&mut self) -> Vec<(Operation, Error)> {
        self.body.clear();
        let mut leaving = Vec::new();
        let marks = self.marks.len();
        let room = |member: &Operation| member.prepared.item_len() + member.added().len() + marks;
        if let Err(cause) = self.body.try_reserve(self.members.iter().flatten().map(room).sum()) {
            let error = Error::out_of_memory("a batch", cause);
            leaving.extend(self.members.drain(..).flatten().map(|member| (member, error.clone())));
        }
        for place in &mut self.members {
            let Some(member) = place else { continue };
            let prepared = &member.prepared;
            let properties = [prepared.properties(), member.added(), &*self.marks];
            if let Err(cause) = batch::push(&mut self.body, prepared.flag, &properties, prepared.body()) {
                let text = format!("the message cannot be sent: {cause}");
                let error = Error::new(ErrorCode::MessageIllegal, text).with_source(cause);
                leaving.extend(place.take().map(|member| (member, error)));
            }
        }
        self.members.retain(Option::is_some);
        leaving
    }

    /// Every member ends with this error.
    pub(crate) fn give_up(mut self, error: &Error, deferred: &mut Deferred) {
        for member in std::mem::take(&mut self.members).into_iter().flatten() {
            member.give_up(error.clone(), deferred);
        }
        self.release(deferred);
    }

    /// It is over.
    fn release(self, deferred: &mut Deferred) {
        match self.origin {
            Origin::Program(Some(permit)) | Origin::Lane(permit) => permit.release(deferred),
            Origin::Program(None) => {}
        }
    }

    /// After an attempt: the members that go on make another one together.
    fn go_on(mut self: Box<Self>, next: Vec<Operation>, deferred: &mut Deferred) {
        if next.is_empty() {
            return self.release(deferred);
        }
        self.members = next.into_iter().map(Some).collect();
        self.attempt(None, deferred);
    }

    fn stored(
        mut self: Box<Self>,
        status: SendStatus,
        answer: &SendAnswer<'_>,
        now: Moment,
        deferred: &mut Deferred,
    ) {
        let ids: Vec<&str> = answer.message_id.unwrap_or_default().split(',').collect();
        let as_one_record = ids.len() != self.members.len();
        if let Some(first) = self.first() {
            match as_one_record {
                true => first.topic.batches().end(),
                false => first.topic.batches().stored(),
            }
        }
        let mut next = Vec::new();
        for (index, member) in std::mem::take(&mut self.members).into_iter().enumerate() {
            let Some(member) = member else { continue };
            let id = if as_one_record { ids.first() } else { ids.get(index) };
            let own = SendAnswer {
                message_id: id.copied(),
                queue_offset: answer.queue_offset.map(|first| first.saturating_add(index as i64)),
                ..*answer
            };
            next.extend(member.after_stored(status, &own, now, deferred));
        }
        self.go_on(next, deferred);
    }

    fn not_stored(mut self: Box<Self>, why: &NotStored, deferred: &mut Deferred) {
        let NotStored { error, can_retry } = why;
        if self.may_be_one_members_fault(error, *can_retry) {
            return self.part(error, deferred);
        }
        let members = std::mem::take(&mut self.members).into_iter().flatten();
        let mut next = Vec::new();
        for member in members {
            if *can_retry {
                next.extend(member.after_failure(error.clone(), deferred));
            } else {
                member.refused(error.clone(), deferred);
            }
        }
        self.go_on(next, deferred);
    }

    /// Whether the broker refused the batch for what may be in only one of its messages. It says code 1 for whatever
    /// it did not expect.
    fn may_be_one_members_fault(&self, error: &Error, can_retry: bool) -> bool {
        let of_message = !can_retry || error.broker_code() == Some(response::SYSTEM_ERROR);
        matches!(self.origin, Origin::Lane(_)) && error.broker_code().is_some() && of_message
    }

    /// Sends each by itself, in order, so that only the guilty one fails.
    fn part(mut self, error: &Error, deferred: &mut Deferred) {
        let now = Moment::now();
        if let Some(first) = self.first() {
            match error.broker_code() {
                Some(response::REQUEST_CODE_NOT_SUPPORTED) => first.topic.batches().end(),
                _ => first.topic.batches().refused(),
            }
        }
        let mut members: Vec<_> = std::mem::take(&mut self.members).into_iter().flatten().collect();
        for member in &mut members {
            member.note_failure(error, now);
            member.prepared.alone = true;
        }
        if let Origin::Lane(permit) = &self.origin {
            permit.put_back(members.into_iter().map(|member| Passenger::One(member, None)).collect());
        }
        self.release(deferred);
    }

    /// The request of the attempt under way; `None`: it has no members.
    fn request(&self) -> Option<SendRequest<'_>> {
        let (first, settings) = (self.first()?, &self.context.settings);
        let mut shared = String::new();
        // No unique id: brokers up to 5.3 append these properties to every member's (protocol 5.8).
        let wait = if first.prepared.wait_store_ok { "true" } else { "false" };
        properties::push(&mut shared, name::WAIT, wait);
        if let Some(namespace) = &settings.namespace {
            properties::push(&mut shared, name::INSTANCE_ID, namespace);
        }
        Some(SendRequest {
            properties: shared.into(),
            batch: true,
            broker_name: Some((&*self.broker_name).into()),
            ..send_request(settings, &first.topic.wire_name, self.queue_id, self.born_ms)
        })
    }

    /// Tells statistics and fault strategy how the request went; `None`: it says nothing of the broker.
    fn conclude(&mut self, verdict: Option<Verdict>, now: Moment) {
        let broker = self.broker.take();
        if let Some(first) = self.first() {
            first.conclude(broker, verdict, now);
        }
    }
}

/// The member, unless a hook forbids it. One that may go to any queue is tried alone then; one that is bound is tried
/// again in its place, as others must not overtake it.
fn allowed(mut member: Operation, queue: &PublishQueue, deferred: &mut Deferred) -> Option<Operation> {
    let mut asked = member.before_hooks();
    while let Err(error) = asked {
        member = member.after_failure(error, deferred)?;
        if member.prepared.target.is_any() {
            member.attempt(None, deferred);
            return None;
        }
        asked = member.engage(queue).and_then(|()| member.before_hooks());
    }
    Some(member)
}

impl Exchange for BatchOperation {
    fn code(&self) -> i32 {
        request::SEND_BATCH_MESSAGE
    }

    fn prepare(&mut self, preparation: Preparation<'_>) -> Result<ExtraFields, Failure> {
        match self.request() {
            Some(request) => preparation.extra_fields(self.code(), &request.v2(), &self.body),
            None => Ok(ExtraFields::default()),
        }
    }

    fn append(&mut self, frame: FrameWriter<'_>) -> Result<(), Failure> {
        // Another attempt makes it anew, perhaps with fewer members.
        let made = std::mem::take(&mut self.body);
        let Some(request) = self.request() else { return Ok(()) };
        let two_way = 0;
        let body = if made.len() < SHARED_BODY { Body::Copied(&made) } else { Body::Shared(made.into()) };
        frame.write(request::SEND_BATCH_MESSAGE, two_way, &request.v2(), body)
    }

    fn begun(&self) -> Moment {
        self.first().map_or_else(Moment::now, |first| first.attempt_started)
    }

    /// With an id for each message.
    fn longest_header(&self) -> usize {
        HEADER + OFFSET_ID * self.members.len()
    }

    fn answered(mut self: Box<Self>, header: &Header<'_>, _: &[u8], now: Moment, deferred: &mut Deferred) {
        let context = Arc::clone(&self.context);
        let attempt = outcome::of_answer(header, &context.settings.retry_response_codes);
        self.conclude(Some(attempt.verdict()), now);
        match attempt {
            AttemptOutcome::Stored { status, answer } => {
                if let Some(target) = self.first().and_then(|first| first.target.as_ref()) {
                    target.learn(header.version, &answer);
                }
                self.stored(status, &answer, now, deferred);
            }
            AttemptOutcome::NotStored(why) => self.not_stored(&why, deferred),
        }
    }

    fn written(self: Box<Self>, deferred: &mut Deferred) {
        self.release(deferred);
    }

    fn split_expired(&mut self, now: Moment) -> Option<(Box<dyn Exchange>, Moment)> {
        if self.limit.is_some_and(|limit| limit <= now) {
            return None;
        }
        let is_over = |member: &SendOperation| member.span.deadline <= now;
        let rest = self.members.iter().flatten().filter(|member| !is_over(member));
        let next = rest.map(|member| member.span.deadline).min()?;
        let next = self.limit.map_or(next, |limit| limit.min(next));
        let members = self.members.iter_mut();
        let mut over: Vec<_> = members.filter_map(|place| place.take_if(|member| is_over(member))).collect();
        if !self.body.is_empty() {
            // Not written yet: the broker must not get those that are told to have failed.
            over.extend(self.fill_body().into_iter().map(|(member, _)| member));
        }
        let expired = Self::new(Arc::clone(&self.context), over, Origin::Program(None));
        Some((Box::new(expired), next))
    }

    fn failed(mut self: Box<Self>, failure: Failure, deferred: &mut Deferred) {
        self.conclude(failure.kind.is_of_peer().then_some(Verdict::Unreached), Moment::now());
        if let Some(first) = self.first().filter(|_| failure.is_of_place()) {
            self.context.client.routes.doubt(&first.topic);
        }
        self.not_stored(&outcome::of_failure(&failure), deferred);
    }

    fn may_go_elsewhere(&self) -> bool {
        self.members.iter().flatten().all(|member| member.has_an_alternative())
    }

    fn producer(&self) -> ProducerId {
        self.context.producer
    }
}

impl RouteWaiter for BatchOperation {
    fn deadline(&self) -> Moment {
        self.deadline()
    }

    fn producer(&self) -> ProducerId {
        self.context.producer
    }

    fn routed(self: Box<Self>, deferred: &mut Deferred) {
        self.line_up(deferred);
    }

    fn unrouted(self: Box<Self>, error: Error, deferred: &mut Deferred) {
        self.give_up(&error, deferred);
    }
}
