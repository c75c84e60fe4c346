//! One send on its way: the attempt loop, as a state machine that no task or thread belongs to.

use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::codes::request;
use rocketmq_protocol::header::{Header, flag};
use rocketmq_protocol::requests::SendRequest;

use super::context::{Mode, SendContext, Span};
use super::outcome::{self, AttemptOutcome, NotStored};
use super::passenger::{Lanes, Passenger, Permit};
use super::pauses::Paused;
use super::prepared::Prepared;
use super::send_header::send_request;
use crate::completion::{Caller, Completion};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode, FailedAttempt, Persistence};
use crate::flow::InFlightShare;
use crate::hooks::SendOutcome;
use crate::lanes::LaneKey;
use crate::log::LogTarget;
use crate::memory::Memory;
use crate::producer_id::ProducerId;
use crate::receipt::{IdText, Receipt, SendStatus};
use crate::remoting::{Exchange, ExtraFields, Failure, FrameWriter, Preparation};
use crate::routing::{BrokerTarget, PublishQueue, RouteWaiter, Topic, Verdict};
use crate::stats::BrokerId;
use crate::sys::Moment;

/// It stays where it is in memory from its acceptance to its outcome.
pub(crate) type Operation = Box<SendOperation>;

pub(crate) struct SendOperation {
    pub(crate) context: Arc<SendContext>,
    pub(crate) topic: Arc<Topic>,
    pub(crate) prepared: Prepared,
    pub(crate) mode: Mode,
    pub(crate) span: Span,
    pub(crate) attempts: u32,
    pub(crate) attempt_started: Moment,
    /// Where the attempt under way goes, or the last one went.
    pub(crate) target: Option<Arc<BrokerTarget>>,
    pub(crate) queue_id: i32,
    /// The attempt under way, as the statistics know it.
    broker: Option<BrokerId>,
    /// Whether send hooks heard of the begin of the attempt under way, and not yet of its end.
    pub(crate) told_begin: bool,
    /// Its place in a lane, until the outcome.
    permit: Permit,
    completion: Completion,
    /// There until the outcome.
    share: Option<InFlightShare>,
    /// What most sends never have.
    pub(crate) rare: Option<Box<Rare>>,
}

/// A hundred thousand may be in flight, and the caches are small.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<SendOperation>() <= 176);

/// What only some sends have: failed attempts, hooks.
#[derive(Default)]
pub(crate) struct Rare {
    /// The broker chosen last that had no master. It counts only while there is no target.
    masterless: Option<Arc<str>>,
    /// What hooks added to the properties of the attempt under way.
    pub(crate) added: Option<Box<str>>,
    /// The worst that the attempts so far can have done.
    persistence: Persistence,
    /// Stored, but not as safely as `retry.another.broker.when.not.store.ok` asks: the answer if nothing
    /// better comes.
    stored: Option<Receipt>,
    history: Vec<FailedAttempt>,
}

impl SendOperation {
    pub(crate) fn new(
        context: Arc<SendContext>,
        topic: Arc<Topic>,
        prepared: Prepared,
        mode: Mode,
        span: Span,
        completion: Completion,
        share: InFlightShare,
    ) -> Self {
        Self {
            context,
            topic,
            prepared,
            mode,
            span,
            attempts: 0,
            attempt_started: span.started,
            target: None,
            queue_id: 0,
            broker: None,
            told_begin: false,
            permit: Permit::default(),
            completion,
            share: Some(share),
            rare: None,
        }
    }

    /// On its way, first to a route look-up if the topic has no queues yet.
    pub(crate) fn start(self: Box<Self>, deferred: &mut Deferred) {
        if self.topic.is_routed() {
            self.line_up(deferred);
        } else {
            let topic = Arc::clone(&self.topic);
            let context = Arc::clone(&self.context);
            context.client.routes.wait(&topic, self);
        }
    }

    /// Into its lane if it has one, else to the first attempt.
    fn line_up(mut self: Box<Self>, deferred: &mut Deferred) {
        let is_bound = !self.prepared.target.is_any();
        match self.context.lanes.clone() {
            Some(lanes) if is_bound || self.may_share() => match self.choose_queue() {
                Ok(queue) => self.enter(&lanes, queue, deferred),
                Err(error) => self.give_up(error, deferred),
            },
            _ => self.attempt(None, deferred),
        }
    }

    /// Into the lane to this queue.
    fn enter(self: Box<Self>, lanes: &Lanes, queue: PublishQueue, deferred: &mut Deferred) {
        let is_bound = !self.prepared.target.is_any();
        let key = LaneKey::new(&self.topic, &queue.broker, queue.queue_id, is_bound);
        lanes.arrive(&key, Passenger::One(self, Some(queue)), deferred);
    }

    /// To a queue of another broker than that of its lane, whose place it gives up: there it would keep others from a
    /// broker that it has nothing to do with.
    pub(crate) fn change_lane(mut self: Box<Self>, queue: PublishQueue, deferred: &mut Deferred) {
        std::mem::take(&mut self.permit).release(deferred);
        match self.context.lanes.clone() {
            Some(lanes) if self.may_share() => self.enter(&lanes, queue, deferred),
            _ => self.attempt(Some(queue), deferred),
        }
    }

    /// Whether it may travel in one batch with others of its lane.
    pub(crate) fn may_share(&self) -> bool {
        self.mode == Mode::Async && !self.prepared.alone && self.topic.takes_batches()
    }

    /// It is its lane's turn.
    pub(crate) fn depart(
        mut self: Box<Self>,
        chosen: Option<PublishQueue>,
        permit: Permit,
        deferred: &mut Deferred,
    ) {
        self.permit = permit;
        self.attempt(chosen, deferred);
    }

    /// Chooses a queue, if it is not yet chosen, and hands the message to its broker's channel.
    pub(crate) fn attempt(mut self: Box<Self>, chosen: Option<PublishQueue>, deferred: &mut Deferred) {
        if self.context.is_aborted() {
            return self.give_up(Error::closed(), deferred);
        }
        match chosen.map_or_else(|| self.choose_queue(), Ok) {
            Ok(queue) if self.permit.is_for_another(&queue.broker) => {
                self.change_lane(queue, deferred);
            }
            Ok(queue) => match self.pause_end(&queue) {
                Some(until) => {
                    let context = Arc::clone(&self.context);
                    context.pauses.keep(Paused::One(self, queue), until);
                }
                None => self.attempt_at(&queue, deferred),
            },
            Err(error) => self.give_up(error, deferred),
        }
    }

    /// Until when its next attempt waits if it goes to this queue. A broker that was busy for this message, or that it could
    /// not reach, has a pause; if it may have moved, the answer where it is now is waited for as well. Half of the time that
    /// is left stays for the attempt.
    pub(crate) fn pause_end(&self, queue: &PublishQueue) -> Option<Moment> {
        let history = &self.rare.as_ref()?.history;
        let there = || history.iter().filter(|failed| failed.broker_name == queue.broker.name);
        let refusals = there().filter(|failed| outcome::asks_for_a_pause(failed)).count();
        let backoff = &self.context.settings.backoff;
        let now = Moment::now();
        let pause = (refusals > 0 && !backoff.first.is_zero()).then(|| now + backoff.pause(refusals));
        let found = if there().any(outcome::may_have_moved) { self.topic.looked_up_by() } else { None };
        let end = pause.max(found)?;
        Some(end.min(now + self.span.deadline.since(now) / 2))
    }

    /// The pause is over.
    pub(crate) fn resume(mut self: Box<Self>, queue: &PublishQueue, deferred: &mut Deferred) {
        if self.context.is_aborted() {
            return self.give_up(Error::closed(), deferred);
        }
        self.begin_next(Moment::now());
        self.attempt_at(queue, deferred);
    }

    /// It is its lane's turn, and this its queue.
    pub(crate) fn depart_to(
        mut self: Box<Self>,
        queue: &PublishQueue,
        permit: Permit,
        deferred: &mut Deferred,
    ) {
        self.permit = permit;
        self.begin_next(Moment::now());
        self.attempt_at(queue, deferred);
    }

    fn attempt_at(mut self: Box<Self>, queue: &PublishQueue, deferred: &mut Deferred) {
        match self.engage(queue).and_then(|()| self.before_hooks()) {
            Ok(()) => self.submit(deferred),
            Err(error) => self.again(error, deferred),
        }
    }

    fn submit(mut self: Box<Self>, deferred: &mut Deferred) {
        let Some(target) = self.target.clone() else {
            return self.give_up(Error::new(ErrorCode::Internal, "an attempt without a target"), deferred);
        };
        let (deadline, oneway) = (self.attempt_deadline(), self.mode == Mode::Oneway);
        self.context.recorder.attempted(target.id, &target.address.name);
        self.broker = Some(target.id);
        target.send_channel.submit(self, deadline, oneway, deferred);
    }

    /// The queue of the next attempt.
    pub(crate) fn choose_queue(&mut self) -> Result<PublishQueue, Error> {
        let queues = self.topic.queues();
        let target = self.target.as_ref().map(|target| &target.address.name);
        let masterless = self.rare.as_ref().and_then(|rare| rare.masterless.as_ref());
        let last = target.or(masterless).map(|name| &**name);
        let faults = self.context.faults.as_deref().map(|faults| (faults, Moment::now()));
        self.prepared.target.select(queues.as_deref(), last, faults, &self.context.client.log)
    }

    /// Begins an attempt at this queue; an error if its broker has no master.
    pub(crate) fn engage(&mut self, queue: &PublishQueue) -> Result<(), Error> {
        self.engage_with(queue, queue.broker.master())
    }

    /// The same with the master that was found already.
    pub(crate) fn engage_with(
        &mut self,
        queue: &PublishQueue,
        master: Option<Arc<BrokerTarget>>,
    ) -> Result<(), Error> {
        self.attempts += 1;
        if self.attempts > 1 {
            self.context.recorder.retried(1);
        }
        self.queue_id = queue.queue_id;
        self.target = master;
        if self.target.is_some() {
            return Ok(());
        }
        self.context.client.routes.doubt(&self.topic);
        self.rare().masterless = Some(Arc::clone(&queue.broker.name));
        let text = format!("broker {} has no master in any route", queue.broker.name);
        Err(Error::new(ErrorCode::NoRoute, text))
    }

    /// To be filled.
    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// What hooks added to the properties of the attempt under way.
    pub(crate) fn added(&self) -> &str {
        self.rare.as_ref().and_then(|rare| rare.added.as_deref()).unwrap_or_default()
    }

    /// Every attempt but the last may be cut short, to leave time for another (`sendMsgMaxTimeoutPerRequest`).
    pub(crate) fn attempt_limit(&self) -> Option<Moment> {
        let limit = self.context.settings.attempt_timeout?;
        (self.attempts <= self.retries()).then(|| Moment::now() + limit)
    }

    /// Whether its next attempt will have such a limit.
    pub(crate) fn may_be_cut_short(&self) -> bool {
        self.context.settings.attempt_timeout.is_some() && self.attempts < self.retries()
    }

    fn attempt_deadline(&self) -> Moment {
        self.attempt_limit().map_or(self.span.deadline, |limit| limit.min(self.span.deadline))
    }

    fn retries(&self) -> u32 {
        match self.mode {
            Mode::Sync => self.context.settings.retry_times,
            Mode::Async => self.context.settings.retry_times_async,
            Mode::Oneway => 0,
        }
    }

    /// A one-way message whose connection was closed before it was written was not tried at all.
    fn retries_after(&self, error: &Error) -> u32 {
        let was_untried =
            error.code() == ErrorCode::ConnectionLost && error.persistence() == Persistence::NotPersisted;
        match self.mode {
            Mode::Oneway if was_untried => self.context.settings.retry_times_async,
            _ => self.retries(),
        }
    }

    /// Whether a retry would find another broker, one that can be reached.
    pub(crate) fn has_an_alternative(&self) -> bool {
        let Some(target) = self.target.as_ref().filter(|_| self.prepared.target.is_any()) else {
            return false;
        };
        let queues = self.topic.queues();
        self.attempts <= self.retries()
            && queues.as_ref().is_some_and(|queues| queues.has_another_in_reach(&target.address.name))
    }

    /// After a failed attempt: the next one, or the end.
    fn again(self: Box<Self>, error: Error, deferred: &mut Deferred) {
        if let Some(next) = self.after_failure(error, deferred) {
            next.attempt(None, deferred);
        }
    }

    /// The attempt failed. Gives itself back if count and time allow another one; else this was the end.
    pub(crate) fn after_failure(
        mut self: Box<Self>,
        error: Error,
        deferred: &mut Deferred,
    ) -> Option<Box<Self>> {
        let now = Moment::now();
        self.note_failure(&error, now);
        if self.attempts > self.retries_after(&error) || now >= self.span.deadline {
            self.give_up(error, deferred);
            return None;
        }
        self.begin_next(now);
        Some(self)
    }

    fn not_stored(self: Box<Self>, why: NotStored, deferred: &mut Deferred) {
        match why {
            NotStored { error, can_retry: true } => self.again(error, deferred),
            NotStored { error, can_retry: false } => self.refused(error, deferred),
        }
    }

    /// No attempt will get over this.
    pub(crate) fn refused(mut self: Box<Self>, error: Error, deferred: &mut Deferred) {
        self.note_failure(&error, Moment::now());
        self.give_up(error, deferred);
    }

    /// Ready for another attempt, however many there were.
    pub(crate) fn begin_next(&mut self, now: Moment) {
        self.attempt_started = now;
    }

    /// Keeps what the attempt under way came to.
    pub(crate) fn note_failure(&mut self, error: &Error, now: Moment) {
        self.after_hooks(SendOutcome::Failed(error));
        let elapsed = self.latency(now);
        let place = self.target.as_ref();
        let place =
            place.map(|target| (Arc::clone(&target.address.name), Arc::clone(&target.address.address)));
        let rare = self.rare();
        let (broker_name, broker_address) =
            place.unwrap_or_else(|| (rare.masterless.clone().unwrap_or_default(), Arc::default()));
        rare.persistence = rare.persistence.max(error.persistence());
        rare.history.push(FailedAttempt {
            broker_name,
            broker_address,
            elapsed,
            code: error.code(),
            broker_code: error.broker_code(),
            message: error.message().into(),
        });
    }

    /// Tells statistics and fault strategy how a request to this broker went that brought the message, perhaps with
    /// others; no verdict: it says nothing of the broker.
    pub(crate) fn conclude(&self, broker: Option<BrokerId>, verdict: Option<Verdict>, now: Moment) {
        let recorder = &self.context.recorder;
        match (broker, verdict) {
            (Some(broker), Some(Verdict::Stored)) => recorder.attempt_succeeded(broker, self.latency(now)),
            (Some(broker), _) => recorder.attempt_failed(broker),
            (None, _) => {}
        }
        if let Some(verdict) = verdict {
            self.judge(verdict, now);
        }
    }

    /// Tells the fault strategy how the attempt went. Sends that name their queue have no part in it.
    fn judge(&self, verdict: Verdict, now: Moment) {
        if let (Some(faults), Some(target), true) =
            (&self.context.faults, &self.target, self.prepared.target.is_any())
        {
            faults.record(&target.address.name, self.latency(now), verdict, now);
        }
    }

    /// Of the attempt under way, so far.
    fn latency(&self, now: Moment) -> Duration {
        now.since(self.attempt_started)
    }

    /// Stored. If that was not safe enough, another broker is asked too: gives itself back for that.
    pub(crate) fn after_stored(
        mut self: Box<Self>,
        status: SendStatus,
        answer: &SendAnswer<'_>,
        now: Moment,
        deferred: &mut Deferred,
    ) -> Option<Box<Self>> {
        let Some(receipt) = self.receipt(status, answer, now) else {
            self.give_up(Error::new(ErrorCode::Internal, "an answer without an attempt"), deferred);
            return None;
        };
        let better_wanted =
            status != SendStatus::SendOk && self.context.settings.retry_another_broker_when_not_store_ok;
        if !better_wanted {
            self.after_hooks(SendOutcome::Stored(&receipt));
            self.complete(Ok(receipt), deferred);
            return None;
        }
        let error = Error::new(ErrorCode::Broker, format!("stored with status {}", status.name()))
            .with_persistence(Persistence::Persisted);
        self.rare().stored = Some(receipt);
        self.after_failure(error, deferred)
    }

    /// No attempt is left: an earlier receipt if there is one, else the error with its whole story.
    pub(crate) fn give_up(mut self: Box<Self>, error: Error, deferred: &mut Deferred) {
        let rare = self.rare.take().map(|rare| *rare).unwrap_or_default();
        if let Some(receipt) = rare.stored {
            return self.complete(Ok(receipt), deferred);
        }
        let elapsed = self.span.started.elapsed();
        let place = self.target.as_ref().map_or_else(String::new, |target| {
            format!(" (broker {} at {})", target.address.name, target.address.address)
        });
        let text = format!(
            "send to topic {} failed after {} attempt(s) in {} ms: {}{place}",
            self.topic.name,
            self.attempts,
            elapsed.as_millis(),
            error.message(),
        );
        let error = match &self.target {
            Some(target) => error.at(Arc::clone(&target.address.address)),
            None => error,
        };
        let persistence = rare.persistence.max(error.persistence());
        let error = error.with_message(text).with_persistence(persistence).with_history(
            rare.history,
            self.attempts,
            elapsed,
        );
        self.complete(Err(error), deferred);
    }

    fn complete(self: Box<Self>, result: Result<Receipt, Error>, deferred: &mut Deferred) {
        if let (Completion::Caller(Caller::Nobody), Err(error)) = (&self.completion, &result) {
            self.context.client.log.warn(LogTarget::Producer, || {
                format!("one-way message to {} lost: {error}", self.topic.name)
            });
        }
        match &result {
            Ok(receipt) => self.context.recorder.succeeded(1, receipt.elapsed),
            Err(error) => self.context.recorder.failed(1, error.code()),
        }
        self.end(|completion, share, deferred| completion.complete(result, share, deferred), deferred);
    }

    /// Hands the outcome over; its place in the lane and its memory are free.
    fn end(
        self: Box<Self>,
        hand_over: impl FnOnce(Completion, InFlightShare, &mut Deferred),
        deferred: &mut Deferred,
    ) {
        let (mut operation, memory) = Memory::empty(self);
        let bytes = operation.prepared.take_memory();
        // First: whatever comes of the handing over, these are no longer owed.
        std::mem::take(&mut operation.permit).release(deferred);
        deferred.finished(&operation.context.bounds, memory.with_bytes(bytes));
        if let Some((completion, share)) = operation.take_owed() {
            hand_over(completion, share, deferred);
        }
    }

    /// What is owed until the outcome.
    fn take_owed(&mut self) -> Option<(Completion, InFlightShare)> {
        let share = self.share.take()?;
        Some((std::mem::replace(&mut self.completion, Completion::Caller(Caller::Nobody)), share))
    }

    fn receipt(&self, status: SendStatus, answer: &SendAnswer<'_>, now: Moment) -> Option<Receipt> {
        Some(Receipt {
            status,
            topic: Arc::clone(&self.topic.name),
            broker: Arc::clone(&self.target.as_ref()?.address),
            message_id: IdText::new(self.prepared.unique_id()),
            offset_message_id: IdText::new(answer.message_id.unwrap_or_default()),
            queue_id: answer.queue_id.unwrap_or(self.queue_id),
            queue_offset: answer.queue_offset.unwrap_or(-1),
            attempts: self.attempts,
            elapsed: now.since(self.span.started),
        })
    }

    /// The request of the attempt under way.
    fn request(&self) -> SendRequest<'_> {
        SendRequest {
            sys_flag: self.prepared.sys_flag,
            flag: self.prepared.flag,
            properties: self.properties(),
            broker_name: self.target.as_ref().map(|target| (&*target.address.name).into()),
            ..send_request(
                &self.context.settings,
                &self.topic.wire_name,
                self.queue_id,
                self.context.wall_ms(self.attempt_started),
            )
        }
    }

    /// The properties of the attempt under way.
    pub(crate) fn properties(&self) -> std::borrow::Cow<'_, str> {
        match self.added() {
            "" => self.prepared.properties().into(),
            added => format!("{}{added}", self.prepared.properties()).into(),
        }
    }
}

impl Drop for SendOperation {
    /// An accepted send has its outcome, also when a panic took it away from whoever was at it.
    fn drop(&mut self) {
        let Some((completion, share)) = self.take_owed() else { return };
        let text = format!("send to topic {} was given up: a part of the library panicked", self.topic.name);
        let error = Error::new(ErrorCode::Internal, text).with_persistence(Persistence::PossiblyPersisted);
        let error = error.with_history(Vec::new(), self.attempts, self.span.started.elapsed());
        self.context.recorder.failed(1, error.code());
        let mut deferred = Deferred::default();
        completion.complete(Err(error), share, &mut deferred);
        drop(deferred);
        self.context.bounds.settled(1);
    }
}

impl Exchange for SendOperation {
    fn code(&self) -> i32 {
        if self.context.settings.smart_headers { request::SEND_MESSAGE_V2 } else { request::SEND_MESSAGE }
    }

    fn prepare(&mut self, preparation: Preparation<'_>) -> Result<ExtraFields, Failure> {
        let (request, body) = (self.request(), self.prepared.body());
        match self.code() {
            code @ request::SEND_MESSAGE_V2 => preparation.extra_fields(code, &request.v2(), body),
            code => preparation.extra_fields(code, &request.v1(), body),
        }
    }

    fn append(&mut self, frame: FrameWriter<'_>) -> Result<(), Failure> {
        let flag = if self.mode == Mode::Oneway { flag::ONEWAY } else { 0 };
        let (request, body) = (self.request(), self.prepared.shared_body());
        match self.code() {
            code @ request::SEND_MESSAGE_V2 => frame.write(code, flag, &request.v2(), body),
            code => frame.write(code, flag, &request.v1(), body),
        }
    }

    fn begun(&self) -> Moment {
        self.attempt_started
    }

    fn answered(mut self: Box<Self>, header: &Header<'_>, _: &[u8], now: Moment, deferred: &mut Deferred) {
        let attempt = outcome::of_answer(header, &self.context.settings.retry_response_codes);
        let broker = self.broker.take();
        self.conclude(broker, Some(attempt.verdict()), now);
        match attempt {
            AttemptOutcome::Stored { status, answer } => {
                if let (Some(_), Some(target)) = (&self.context.lanes, &self.target) {
                    target.learn(header.version, &answer);
                }
                if let Some(next) = self.after_stored(status, &answer, now, deferred) {
                    next.attempt(None, deferred);
                }
            }
            AttemptOutcome::NotStored(why) => self.not_stored(why, deferred),
        }
    }

    fn written(mut self: Box<Self>, deferred: &mut Deferred) {
        self.after_hooks(SendOutcome::Written);
        self.context.recorder.oneway_written(1);
        // Nobody listens for the outcome of a one-way send; only its room is given back.
        self.end(|_, share, _| drop(share), deferred);
    }

    fn failed(mut self: Box<Self>, failure: Failure, deferred: &mut Deferred) {
        let verdict = failure.kind.is_of_peer().then_some(Verdict::Unreached);
        let broker = self.broker.take();
        self.conclude(broker, verdict, Moment::now());
        if failure.is_of_place() {
            self.context.client.routes.doubt(&self.topic);
        }
        self.not_stored(outcome::of_failure(&failure), deferred);
    }

    fn may_go_elsewhere(&self) -> bool {
        self.has_an_alternative()
    }

    fn producer(&self) -> ProducerId {
        self.context.producer
    }
}

impl RouteWaiter for SendOperation {
    fn deadline(&self) -> Moment {
        self.span.deadline
    }

    fn producer(&self) -> ProducerId {
        self.context.producer
    }

    fn routed(mut self: Box<Self>, deferred: &mut Deferred) {
        self.attempt_started = Moment::now();
        self.line_up(deferred);
    }

    fn unrouted(self: Box<Self>, error: Error, deferred: &mut Deferred) {
        self.give_up(error, deferred);
    }
}
