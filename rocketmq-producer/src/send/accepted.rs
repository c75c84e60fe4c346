//! One accepted message until its outcome: its attempts are counted here, and its story kept.

use std::sync::Arc;

use rocketmq_protocol::answers::SendAnswer;

use super::context::{Mode, Span};
use super::outcome;
use super::pauses::Pause;
use super::prepared::Prepared;
use super::request::Request;
use crate::completion::Completion;
use crate::config::Settings;
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode, FailedAttempt, Persistence};
use crate::flow::InFlightShare;
use crate::hooks::SendOutcome;
use crate::log::LogTarget;
use crate::receipt::{IdText, Receipt, SendStatus};
use crate::sys::Moment;

/// It lies in a [`Shipment`](super::Shipment), which sees to it that it has its outcome. Where it goes is not its concern.
pub(crate) struct AcceptedSend {
    pub(super) prepared: Prepared,
    pub(super) mode: Mode,
    /// Whether send hooks heard of the begin of the attempt under way, and not yet of its end.
    pub(super) told_begin: bool,
    /// How many attempts were begun.
    pub(super) attempts: u32,
    pub(super) span: Span,
    completion: Completion,
    /// There until the outcome.
    share: Option<InFlightShare>,
    /// What most sends never have.
    pub(super) rare: Option<Box<Rare>>,
}

/// What only some sends have: failed attempts, hooks.
#[derive(Default)]
pub(super) struct Rare {
    /// What hooks added to the properties of the attempt under way.
    pub(super) added: Option<Box<str>>,
    /// The worst that the attempts so far can have done.
    persistence: Persistence,
    /// Stored, but not as safely as `retry.another.broker.when.not.store.ok` asks: the answer if nothing
    /// better comes.
    stored: Option<Receipt>,
    pub(super) history: Vec<FailedAttempt>,
}

impl AcceptedSend {
    pub(crate) fn new(
        prepared: Prepared,
        mode: Mode,
        span: Span,
        completion: Completion,
        share: InFlightShare,
    ) -> Self {
        let share = Some(share);
        Self { prepared, mode, told_begin: false, attempts: 0, span, completion, share, rare: None }
    }

    /// Whether it has its outcome.
    pub(super) fn is_over(&self) -> bool {
        self.share.is_none()
    }

    /// What only some sends have, made at its first use.
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// What hooks added to the properties of the attempt under way.
    pub(super) fn added(&self) -> &str {
        self.rare.as_ref().and_then(|rare| rare.added.as_deref()).unwrap_or_default()
    }

    /// The properties of the attempt under way.
    #[inline(always)]
    pub(super) fn properties(&self) -> std::borrow::Cow<'_, str> {
        match self.added() {
            "" => self.prepared.properties().into(),
            added => format!("{}{added}", self.prepared.properties()).into(),
        }
    }

    /// Every attempt but the last may be cut short, to leave time for another (`sendMsgMaxTimeoutPerRequest`).
    pub(super) fn attempt_limit(&self, settings: &Settings) -> Option<Moment> {
        let limit = settings.attempt_timeout?;
        (self.attempts <= self.retries(settings)).then(|| Moment::now() + limit)
    }

    /// Whether its next attempt will have such a limit.
    pub(super) fn may_be_cut_short(&self, settings: &Settings) -> bool {
        settings.attempt_timeout.is_some() && self.attempts < self.retries(settings)
    }

    pub(super) fn retries(&self, settings: &Settings) -> u32 {
        match self.mode {
            Mode::Sync => settings.retry_times,
            Mode::Async => settings.retry_times_async,
            Mode::Oneway => 0,
        }
    }

    /// A one-way message whose connection was closed before it was written was not tried at all.
    fn retries_after(&self, error: &Error, settings: &Settings) -> u32 {
        let was_untried =
            error.code() == ErrorCode::ConnectionLost && error.persistence() == Persistence::NotPersisted;
        match self.mode {
            Mode::Oneway if was_untried => settings.retry_times_async,
            _ => self.retries(settings),
        }
    }

    /// The pause before its next attempt if that goes to this broker. One that was busy for this message, or that it could not
    /// reach, is left in peace; if it may have moved, the answer where it is now is waited for as well, as other credentials are
    /// after a refusal of access control. Half of the time that is left stays for the attempt.
    pub(super) fn pause(&self, request: &Request, broker_name: &str) -> Option<Pause> {
        let history = &self.rare.as_ref()?.history;
        let there = || history.iter().filter(|failed| &*failed.broker_name == broker_name);
        let refusals = there().filter(|failed| outcome::asks_for_a_pause(failed)).count();
        let backoff = &request.context.settings.backoff;
        let now = Moment::now();
        let end = (refusals > 0 && !backoff.first.is_zero()).then(|| now + backoff.pause(refusals));
        let limit = now + self.span.deadline.since(now) / 2;
        let waits = there().any(outcome::may_have_moved) || self.was_denied();
        let settled_by = waits.then_some(limit);
        if end.is_none() && settled_by.is_none() {
            return None;
        }
        Some(Pause { end: end.unwrap_or(now).min(limit), settled_by })
    }

    /// Whether access control has refused an attempt.
    pub(super) fn was_denied(&self) -> bool {
        let history = self.rare.as_ref().map_or(&[][..], |rare| &rare.history);
        history.iter().any(|failed| failed.code == ErrorCode::AccessDenied)
    }

    /// One more attempt begins.
    pub(super) fn begin(&mut self, request: &Request) {
        self.attempts += 1;
        if self.attempts > 1 {
            request.context.recorder.retried(1);
        }
    }

    /// The attempt failed: this is the end, unless count and time allow another one.
    pub(super) fn fail(&mut self, request: &Request, error: &Error, now: Moment, deferred: &mut Deferred) {
        self.note_failure(request, error, now);
        if self.attempts > self.retries_after(error, &request.context.settings) || now >= self.span.deadline {
            self.give_up(request, error, deferred);
        }
    }

    /// The attempt failed, and no other one will get over it.
    pub(super) fn refuse(&mut self, request: &Request, error: &Error, now: Moment, deferred: &mut Deferred) {
        self.note_failure(request, error, now);
        self.give_up(request, error, deferred);
    }

    /// Keeps what the attempt under way came to.
    pub(super) fn note_failure(&mut self, request: &Request, error: &Error, now: Moment) {
        self.after_hooks(request, SendOutcome::Failed(error));
        let (broker_name, broker_address) = request.tried();
        let rare = self.rare();
        rare.persistence = rare.persistence.max(error.persistence());
        rare.history.push(FailedAttempt {
            broker_name,
            broker_address,
            elapsed: request.latency(now),
            code: error.code(),
            broker_code: error.broker_code(),
            message: error.message().into(),
        });
    }

    /// The attempt succeeded. If the message is not stored safely enough, another broker may be asked too.
    pub(super) fn store(
        &mut self,
        request: &Request,
        status: SendStatus,
        answer: &SendAnswer<'_>,
        now: Moment,
        deferred: &mut Deferred,
    ) {
        let Some(receipt) = self.receipt(request, status, answer, now) else {
            let error = Error::new(ErrorCode::Internal, "an answer without an attempt");
            return self.give_up(request, &error, deferred);
        };
        let better_wanted =
            status != SendStatus::SendOk && request.context.settings.retry_another_broker_when_not_store_ok;
        if !better_wanted {
            self.after_hooks(request, SendOutcome::Stored(&receipt));
            return self.complete(request, Ok(receipt), deferred);
        }
        let error = Error::new(ErrorCode::Broker, format!("stored with status {}", status.name()))
            .with_persistence(Persistence::Persisted);
        self.rare().stored = Some(receipt);
        self.fail(request, &error, now, deferred);
    }

    /// It was handed to the socket, and no answer is asked for: nobody listens for the outcome.
    pub(super) fn written(&mut self, request: &Request, deferred: &mut Deferred) {
        self.after_hooks(request, SendOutcome::Written);
        request.context.recorder.oneway_written(1);
        deferred.settled(&request.context.bounds);
        drop(self.take_owed());
    }

    /// No attempt is left: an earlier receipt if there is one, else the error with its whole story.
    pub(super) fn give_up(&mut self, request: &Request, error: &Error, deferred: &mut Deferred) {
        let rare = self.rare.take().map(|rare| *rare).unwrap_or_default();
        if let Some(receipt) = rare.stored {
            return self.complete(request, Ok(receipt), deferred);
        }
        let elapsed = self.span.started.elapsed();
        let tried = rare.history.last().filter(|last| !last.broker_address.is_empty());
        let place = tried.map_or_else(String::new, |tried| {
            format!(" (broker {} at {})", tried.broker_name, tried.broker_address)
        });
        let text = format!(
            "send to topic {} failed after {} attempt(s) in {} ms: {}{place}",
            request.topic.name,
            self.attempts,
            elapsed.as_millis(),
            error.message(),
        );
        let error = match tried {
            Some(tried) => error.clone().at(Arc::clone(&tried.broker_address)),
            None => error.clone(),
        };
        let persistence = rare.persistence.max(error.persistence());
        let error = error.with_message(text).with_persistence(persistence).with_history(
            rare.history,
            self.attempts,
            elapsed,
        );
        self.complete(request, Err(error), deferred);
    }

    fn complete(&mut self, request: &Request, result: Result<Receipt, Error>, deferred: &mut Deferred) {
        let Some((completion, share)) = self.take_owed() else { return };
        let context = &request.context;
        if let (true, Err(error)) = (completion.is_nobodys(), &result) {
            context.client.log.warn(LogTarget::Producer, || {
                format!("one-way message to {} lost: {error}", request.topic.name)
            });
        }
        match &result {
            Ok(receipt) => context.recorder.succeeded(1, receipt.elapsed),
            Err(error) => context.recorder.failed(1, error.code()),
        }
        // First: whatever comes of the handing over, it is no longer owed.
        deferred.settled(&context.bounds);
        completion.complete(result, share, deferred);
    }

    /// What is owed until the outcome.
    fn take_owed(&mut self) -> Option<(Completion, InFlightShare)> {
        let share = self.share.take()?;
        Some((std::mem::replace(&mut self.completion, Completion::Caller(None)), share))
    }

    /// A panic took it away from whoever was at it: the outcome that is still owed comes now.
    #[cold]
    pub(super) fn lose(&mut self, request: &Request) {
        let Some((completion, share)) = self.take_owed() else { return };
        let text =
            format!("send to topic {} was given up: a part of the library panicked", request.topic.name);
        let error = Error::new(ErrorCode::Internal, text).with_persistence(Persistence::PossiblyPersisted);
        let error = error.with_history(Vec::new(), self.attempts, self.span.started.elapsed());
        request.context.recorder.failed(1, error.code());
        let mut deferred = Deferred::default();
        completion.complete(Err(error), share, &mut deferred);
        drop(deferred);
        request.context.bounds.settled(1);
    }

    fn receipt(
        &self,
        request: &Request,
        status: SendStatus,
        answer: &SendAnswer<'_>,
        now: Moment,
    ) -> Option<Receipt> {
        Some(Receipt {
            status,
            topic: Arc::clone(&request.topic.name),
            broker: Arc::clone(request.address()?),
            message_id: IdText::of_bytes(self.prepared.unique_id_bytes()),
            offset_message_id: IdText::new(answer.message_id.unwrap_or_default()),
            queue_id: answer.queue_id.unwrap_or(request.queue_id()),
            queue_offset: answer.queue_offset.unwrap_or(-1),
            attempts: self.attempts,
            elapsed: now.since(self.span.started),
        })
    }
}
