//! One send on its way: the attempt loop, as a state machine that no task or thread belongs to.

use std::sync::Arc;
use std::time::Instant;

use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::codes::request;
use rocketmq_protocol::encode::{EncodeError, Preamble, encode_frame};
use rocketmq_protocol::header::{Header, flag};
use rocketmq_protocol::requests::SendRequest;

use super::bounds::InFlightShare;
use super::engine::{Engine, Mode, Span};
use super::outcome::{self, Attempt};
use super::prepare::Prepared;
use super::target::Target;
use crate::client::PROTOCOL_VERSION;
use crate::completion::{Completion, Wakes};
use crate::error::{Error, ErrorCode, Persistence};
use crate::receipt::{OffsetId, Receipt, SendStatus};
use crate::remoting::{Exchange, Failure, FailureKind, FrameContext};
use crate::routing::{BrokerTarget, RouteWaiter, Topic, Verdict};
use crate::runtime::now_ms;

pub(super) struct SendOperation {
    engine: Arc<Engine>,
    topic: Arc<Topic>,
    prepared: Prepared,
    mode: Mode,
    span: Span,
    /// When the attempt under way began, in ms since 1970.
    born_ms: u64,
    attempts: u32,
    /// When the attempt under way began, if its latency matters.
    attempt_started: Instant,
    /// Where the attempt under way goes, or the last one went.
    target: Option<Arc<BrokerTarget>>,
    queue_id: i32,
    /// The worst that the attempts so far can have done.
    persistence: Persistence,
    /// Stored, but not as safely as `retry.another.broker.when.not.store.ok` asks: the answer if nothing
    /// better comes.
    stored: Option<Box<Receipt>>,
    completion: Completion,
    share: InFlightShare,
}

impl SendOperation {
    #[expect(
        clippy::too_many_arguments,
        reason = "one place makes it, from parts that have no other common home"
    )]
    pub(super) fn new(
        engine: Arc<Engine>,
        topic: Arc<Topic>,
        prepared: Prepared,
        mode: Mode,
        span: Span,
        born_ms: u64,
        completion: Completion,
        share: InFlightShare,
    ) -> Self {
        Self {
            engine,
            topic,
            prepared,
            mode,
            span,
            born_ms,
            attempts: 0,
            attempt_started: span.started,
            target: None,
            queue_id: 0,
            persistence: Persistence::NotPersisted,
            stored: None,
            completion,
            share,
        }
    }

    /// To the first attempt, by way of a route look-up if the topic has no queues yet.
    pub(super) fn start(self: Box<Self>, wakes: &mut Wakes) {
        if self.topic.is_routed() {
            self.attempt(wakes);
        } else {
            let topic = Arc::clone(&self.topic);
            let engine = Arc::clone(&self.engine);
            engine.client.routes.wait(&topic, self);
        }
    }

    /// Chooses a queue and hands the message to its broker's channel.
    fn attempt(mut self: Box<Self>, wakes: &mut Wakes) {
        if self.engine.is_aborted() {
            return self.give_up(Error::closed(), wakes);
        }
        if self.engine.faults.is_some() {
            self.attempt_started = Instant::now();
        }
        let queues = self.topic.queues();
        let last = self.target.as_ref().map(|target| &*target.broker_name);
        let chosen = queues
            .as_ref()
            .and_then(|queues| self.prepared.target.select(queues, last, self.engine.faults.as_deref()));
        let Some(queue) = chosen.cloned() else {
            let error = Error::new(ErrorCode::NoRoute, self.prepared.target.missing());
            return self.give_up(error, wakes);
        };
        self.attempts += 1;
        self.queue_id = queue.queue_id;
        match queue.broker.master() {
            Some(target) => {
                self.target = Some(Arc::clone(&target));
                let (deadline, oneway) = (self.attempt_deadline(), self.mode == Mode::Oneway);
                target.channel.submit(self, deadline, oneway, wakes);
            }
            None => {
                let text = format!("broker {} has no master in any route", queue.broker.name);
                self.target = None;
                self.again(Error::new(ErrorCode::NoRoute, text), wakes);
            }
        }
    }

    /// Every attempt but the last may be cut short, to leave time for another (`sendMsgMaxTimeoutPerRequest`).
    fn attempt_deadline(&self) -> Instant {
        match self.engine.settings.attempt_timeout {
            Some(limit) if self.attempts <= self.retries() => self.span.deadline.min(Instant::now() + limit),
            _ => self.span.deadline,
        }
    }

    fn retries(&self) -> u32 {
        match self.mode {
            Mode::Sync => self.engine.settings.retry_times,
            Mode::Async => self.engine.settings.retry_times_async,
            Mode::Oneway => 0,
        }
    }

    /// After a failed attempt: the next one if count and time allow it, or the end.
    fn again(mut self: Box<Self>, error: Error, wakes: &mut Wakes) {
        self.persistence = self.persistence.max(error.persistence());
        if self.attempts > self.retries() || Instant::now() >= self.span.deadline {
            return self.give_up(error, wakes);
        }
        self.born_ms = now_ms();
        self.attempt(wakes);
    }

    /// Tells the fault strategy how the attempt went. Sends that name their queue have no part in it.
    fn judge(&self, verdict: Verdict, now: Instant) {
        if let (Some(faults), Some(target), Target::Any) =
            (&self.engine.faults, &self.target, &self.prepared.target)
        {
            let latency = now.saturating_duration_since(self.attempt_started);
            faults.record(&target.broker_name, latency, verdict, now);
        }
    }

    /// Stored. If that was not safe enough, another broker is asked too.
    fn stored(mut self: Box<Self>, receipt: Receipt, wakes: &mut Wakes) {
        let better_wanted = receipt.status != SendStatus::SendOk
            && self.engine.settings.retry_another_broker_when_not_store_ok;
        if !better_wanted {
            return self.complete(Ok(receipt), wakes);
        }
        let error = Error::new(ErrorCode::Broker, format!("stored with status {}", receipt.status.name()))
            .with_persistence(Persistence::Persisted);
        self.stored = Some(Box::new(receipt));
        self.again(error, wakes);
    }

    /// No attempt is left: an earlier receipt if there is one, else the error with its whole story.
    fn give_up(mut self: Box<Self>, error: Error, wakes: &mut Wakes) {
        if let Some(receipt) = self.stored.take() {
            return self.complete(Ok(*receipt), wakes);
        }
        let elapsed = self.span.started.elapsed();
        let place = self.target.as_ref().map_or_else(String::new, |target| {
            format!(" (broker {} at {})", target.broker_name, target.channel.address())
        });
        let text = format!(
            "send to topic {} failed after {} attempt(s) in {} ms: {}{place}",
            self.topic.name,
            self.attempts,
            elapsed.as_millis(),
            error.message(),
        );
        let error = match &self.target {
            Some(target) => error.at(Arc::clone(target.channel.address())),
            None => error,
        };
        let persistence = self.persistence.max(error.persistence());
        let error =
            error.with_message(text).with_persistence(persistence).with_history(self.attempts, elapsed);
        self.complete(Err(error), wakes);
    }

    fn complete(self: Box<Self>, result: Result<Receipt, Error>, wakes: &mut Wakes) {
        let Self { engine, completion, share, topic, .. } = *self;
        if let (Completion::Nobody, Err(error)) = (&completion, &result) {
            engine.client.log.warn(|| format!("one-way message to {} lost: {error}", topic.name));
        }
        completion.complete(result, share, wakes);
        engine.bounds.settled();
    }

    fn receipt(&self, status: SendStatus, answer: &SendAnswer<'_>, now: Instant) -> Option<Receipt> {
        Some(Receipt {
            status,
            topic: Arc::clone(&self.topic.name),
            target: Arc::clone(self.target.as_ref()?),
            message_id: self.prepared.unique_id,
            offset_message_id: OffsetId::new(answer.message_id.unwrap_or_default()),
            queue_id: answer.queue_id.unwrap_or(self.queue_id),
            queue_offset: answer.queue_offset.unwrap_or(-1),
            attempts: self.attempts,
            elapsed: now.saturating_duration_since(self.span.started),
        })
    }
}

impl Exchange for SendOperation {
    fn encode(&mut self, context: FrameContext, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let settings = &self.engine.settings;
        let preamble = Preamble {
            code: request::SEND_MESSAGE_V2,
            language: context.language,
            version: PROTOCOL_VERSION,
            opaque: context.opaque,
            flag: if self.mode == Mode::Oneway { flag::ONEWAY } else { 0 },
            remark: None,
        };
        let request = SendRequest {
            producer_group: settings.group.as_str().into(),
            topic: (&*self.topic.name).into(),
            default_topic: settings.create_topic_key.as_str().into(),
            default_topic_queue_nums: settings.default_topic_queue_nums,
            queue_id: self.queue_id,
            sys_flag: self.prepared.sys_flag,
            born_timestamp: self.born_ms as i64,
            flag: self.prepared.flag,
            properties: self.prepared.properties().into(),
            reconsume_times: 0,
            unit_mode: false,
            max_reconsume_times: None,
            batch: false,
            broker_name: self.target.as_ref().map(|target| (&*target.broker_name).into()),
        };
        encode_frame(out, context.encoding, &preamble, &request.v2(), &[self.prepared.body()])
    }

    fn answered(self: Box<Self>, header: &Header<'_>, _: &[u8], now: Instant, wakes: &mut Wakes) {
        let attempt = outcome::of_answer(header, &self.engine.settings.retry_response_codes);
        let stored = matches!(attempt, Attempt::Stored { .. });
        self.judge(if stored { Verdict::Stored } else { Verdict::Refused }, now);
        match attempt {
            Attempt::Stored { status, answer } => match self.receipt(status, &answer, now) {
                Some(receipt) => self.stored(receipt, wakes),
                None => self.give_up(Error::new(ErrorCode::Internal, "an answer without an attempt"), wakes),
            },
            Attempt::Failed(error) => self.again(error, wakes),
            Attempt::Refused(error) => self.give_up(error, wakes),
        }
    }

    fn written(self: Box<Self>) {
        // Nobody listens for the outcome of a one-way send; only its place is given back.
        let Self { engine, share, .. } = *self;
        drop(share);
        engine.bounds.settled();
    }

    fn failed(self: Box<Self>, failure: Failure, wakes: &mut Wakes) {
        if !matches!(failure.kind, FailureKind::Unencodable | FailureKind::Aborted) {
            self.judge(Verdict::Unreached, Instant::now());
        }
        match outcome::of_failure(&failure) {
            Attempt::Failed(error) => self.again(error, wakes),
            Attempt::Refused(error) => self.give_up(error, wakes),
            Attempt::Stored { .. } => {
                self.give_up(Error::new(ErrorCode::Internal, "a failure that is none"), wakes)
            }
        }
    }

    fn owner(&self) -> usize {
        self.engine.owner
    }
}

impl RouteWaiter for SendOperation {
    fn deadline(&self) -> Instant {
        self.span.deadline
    }

    fn owner(&self) -> usize {
        self.engine.owner
    }

    fn routed(self: Box<Self>, wakes: &mut Wakes) {
        self.attempt(wakes);
    }

    fn unrouted(self: Box<Self>, error: Error, wakes: &mut Wakes) {
        self.give_up(error, wakes);
    }
}
