//! Accepts sends, lives and closes, and answers what a program asks.

mod detector;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use rocketmq_protocol::topics;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::client::ClientInstance;
use crate::completion::{Complete, Completion, LAST_RESORT, Queues};
use crate::config::{Compression, InFlightFull, Settings};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::flow::{Bounds, InFlightShare};
use crate::log::LogTarget;
use crate::memory::Memory;
use crate::message::Message;
use crate::producer_id::ProducerId;
use crate::routing::{BrokerTarget, FaultStrategy, RouteWaiter};
use crate::send::{
    AcceptedSend, Lanes, Mode, Pauses, Prepared, RouteWait, SendContext, Shipment, Span, check_batch,
    illegal, validate,
};
use crate::stats::{BrokerState, Recorder, Stats, Surroundings};
use crate::sys::{self, Moment};
use crate::task::{self, Stopped};

/// While a close waits for sends that are between two steps, it looks again this often.
const ABORT_INTERVAL: Duration = Duration::from_millis(5);

pub(crate) struct Engine {
    pub(crate) sends: Arc<SendContext>,
    /// No new sends.
    closing: AtomicBool,
    /// Told when closing begins.
    close_begun: Notify,
    generation: u64,
}

impl Engine {
    pub(crate) fn start(settings: Settings) -> Result<Arc<Self>, Error> {
        let client = ClientInstance::join(&settings)?;
        let bounds = Arc::new(Bounds::new(settings.in_flight_max_messages, settings.in_flight_max_bytes));
        let faults = settings.fault_tolerance.clone().map(|tolerance| {
            let faults = Arc::new(FaultStrategy::new(tolerance.bans, tolerance.detector.is_some()));
            if let Some((interval, timeout)) = tolerance.detector {
                let (faults, brokers) = (Arc::downgrade(&faults), Arc::downgrade(&client));
                task::keep(&client.process.process().io, settings.log.clone(), "detector", move || {
                    detector::run(Weak::clone(&faults), Weak::clone(&brokers), interval, timeout)
                });
            }
            faults
        });
        let lanes = settings.batching.map(|batching| {
            let lanes = Arc::new(Lanes::new(batching));
            let watched = Arc::clone(&lanes);
            let watch = move || Arc::clone(&watched).watch();
            task::keep(&client.process.process().io, settings.log.clone(), "watch of the lanes", watch);
            lanes
        });
        let pauses = Arc::<Pauses>::default();
        let kept = Arc::clone(&pauses);
        let run = move || {
            let pauses = Arc::clone(&kept);
            async move { pauses.run().await }
        };
        task::keep(&client.process.process().io, settings.log.clone(), "pauses between attempts", run);
        for topic in &settings.topics {
            client.routes.warm_up(topic);
        }
        let generation = client.process.generation();
        let sends = Arc::new(SendContext {
            producer: ProducerId::next(),
            settings,
            client,
            bounds,
            recorder: Recorder::new(),
            faults,
            lanes,
            pauses,
            aborted: AtomicBool::new(false),
            told_of_checks: AtomicBool::new(false),
        });
        sends.client.attach(&sends.settings.wire_group, Arc::downgrade(&sends) as _);
        Ok(Arc::new(Self { sends, closing: AtomicBool::new(false), close_begun: Notify::new(), generation }))
    }

    pub(crate) fn is_forked(&self) -> bool {
        sys::fork_generation() != self.generation
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Refuses new sends; `true` for the first who asks.
    pub(crate) fn begin_closing(&self) -> bool {
        let first = !self.closing.swap(true, Ordering::SeqCst);
        self.sends.bounds.wake_waiters();
        self.sends.send_now();
        self.close_begun.notify_waiters();
        first
    }

    /// Aborts until nothing is left. A send that is between two steps on another thread ends at its next one.
    pub(crate) fn abort_until_settled(&self) {
        loop {
            self.sends.abort();
            if self.sends.bounds.wait_settled(Some(Moment::now() + ABORT_INTERVAL)) {
                return;
            }
        }
    }

    /// Gives the group free, tells the brokers, and waits for their answers until the deadline.
    pub(crate) fn leave(&self, deadline: Option<Moment>) {
        self.sends.client.deregister(&self.sends.settings.wire_group);
        let client = Arc::clone(&self.sends.client);
        let group = self.sends.settings.wire_group.clone();
        let left = deadline.map_or(self.sends.settings.api_timeout, |deadline| deadline.since(Moment::now()));
        let (sender, told) = mpsc::channel();
        let tell = async move { client.tell_unregistered(&group, left).await };
        // The receiver may have gone.
        task::spawn(self.io(), tell, move |outcome| drop(sender.send(outcome)));
        // Whatever comes of it, this producer has left.
        let _ = told.recv_timeout(left);
    }

    /// The end without anyone waiting for it.
    pub(crate) fn end_in_background(self: &Arc<Self>) {
        let engine = Arc::clone(self);
        let left = Arc::clone(self);
        self.sends.client.deregister(&self.sends.settings.wire_group);
        let end = async move {
            while engine.sends.bounds.has_outstanding() {
                engine.sends.abort();
                tokio::task::yield_now().await;
            }
            engine
                .sends
                .client
                .tell_unregistered(&engine.sends.settings.wire_group, engine.sends.settings.api_timeout)
                .await;
        };
        task::spawn(self.io(), end, move |outcome| {
            if let Err(stopped) = outcome {
                left.sends.client.log.error(LogTarget::Producer, || {
                    format!("the end of group {}: {stopped}", left.sends.settings.group)
                });
                left.sends.abort();
            }
        });
    }

    /// Waits until a name server has answered, or until the close.
    pub(crate) fn wait_ready(self: &Arc<Self>, timeout: Duration) -> Result<(), Error> {
        let engine = Arc::clone(self);
        self.on_io_thread(timeout, async move {
            let closed = engine.close_begun.notified();
            tokio::pin!(closed);
            // Before the look at the flag, so that a close between the two is not missed.
            closed.as_mut().enable();
            if engine.is_closing() {
                return Err(Error::closed());
            }
            tokio::select! {
                ready = engine.sends.client.name_servers.wait_ready(&engine.sends.settings.create_topic_key, timeout) => ready,
                () = closed => Err(Error::closed()),
            }
        })?
    }

    /// What was counted so far, and how things stand.
    pub(crate) fn stats(&self) -> Stats {
        let now = Moment::now();
        let state = |broker: Arc<BrokerTarget>| {
            let name = &broker.address.name;
            let faults = self.sends.faults.as_deref();
            BrokerState {
                address: Some(Arc::clone(&broker.address.address)),
                available: faults.is_none_or(|faults| faults.is_available(name, now)),
                reachable: faults.is_none_or(|faults| faults.is_reachable(name)),
                banned_for: faults.map_or(Duration::ZERO, |faults| faults.banned_for(name, now)),
                name: Arc::clone(name),
            }
        };
        let surroundings = Surroundings {
            group: self.sends.settings.group.clone(),
            client_id: self.sends.client.client_id.clone(),
            in_flight_messages: self.sends.bounds.messages() as u64,
            in_flight_bytes: self.sends.bounds.bytes(),
            brokers: self.sends.client.brokers.masters().into_iter().map(state).collect(),
            topics: self.sends.client.routes.states(),
        };
        Stats::of(&self.sends.recorder, surroundings)
    }

    /// Whether a call that waits may be made here and now.
    pub(crate) fn check_call(&self) -> Result<(), Error> {
        self.check_open()?;
        self.check_wait()
    }

    /// Whether this thread may wait for the I/O thread, be the producer open or closed.
    pub(crate) fn check_wait(&self) -> Result<(), Error> {
        if self.is_forked() {
            return Err(Error::forked());
        }
        if self.is_io_thread() { Err(Error::would_deadlock()) } else { Ok(()) }
    }

    /// Hands the queues of a topic to the door, looked up if need be: at once, if they are known.
    pub(crate) fn look_up(
        &self,
        topic: &str,
        timeout: Duration,
        door: impl FnOnce(&Arc<str>) -> Arc<dyn Complete<Queues>>,
    ) -> Result<(), Error> {
        topics::check_topic(topic).map_err(|error| illegal(error.to_string()))?;
        let deadline = self.span(Some(timeout))?.deadline;
        let topic = self.sends.client.routes.topic(topic);
        let door = door(&topic.name);
        let waiter = Box::new(RouteWait::new(Arc::clone(&topic), deadline, self.sends.producer, door));
        if topic.is_routed() {
            waiter.routed(&mut Deferred::default());
        } else {
            self.sends.client.routes.wait(&topic, waiter);
        }
        Ok(())
    }

    /// The queues of a topic, looked up if need be.
    pub(crate) fn queues(&self, topic: &str, timeout: Duration) -> Queues {
        let (sender, receiver) = mpsc::channel();
        self.look_up(topic, timeout, |_| Arc::new(sender))?;
        receiver.recv_timeout(timeout.saturating_add(LAST_RESORT)).unwrap_or_else(|cause| {
            let code = match cause {
                RecvTimeoutError::Timeout => ErrorCode::Timeout,
                RecvTimeoutError::Disconnected => ErrorCode::Internal,
            };
            Err(Error::new(code, "a look-up without an end").with_source(cause))
        })
    }

    /// Runs a future on the I/O thread and waits for its result, which comes within the limit unless that thread is held up.
    fn on_io_thread<T: Send + 'static>(
        &self,
        limit: Duration,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = mpsc::channel();
        // The receiver waits below until it has this.
        task::spawn(self.io(), future, move |outcome| drop(sender.send(outcome)));
        let stopped = |cause: Stopped| Error::new(ErrorCode::Internal, cause.to_string()).with_source(cause);
        match receiver.recv_timeout(limit.saturating_add(LAST_RESORT)) {
            Ok(outcome) => outcome.map_err(stopped),
            Err(RecvTimeoutError::Timeout) => {
                Err(Error::new(ErrorCode::Timeout, "the I/O thread is held up: by a hook or a log sink?"))
            }
            Err(RecvTimeoutError::Disconnected) => Err(stopped(Stopped::Dropped)),
        }
    }

    /// Whether the caller runs on the I/O thread (in a log sink), where waiting for it would never end.
    pub(crate) fn is_io_thread(&self) -> bool {
        self.sends.client.process.process().is_io_thread()
    }

    fn io(&self) -> &Handle {
        &self.sends.client.process.process().io
    }

    /// When a send that begins now is over.
    pub(crate) fn span(&self, timeout: Option<Duration>) -> Result<Span, Error> {
        let started = Moment::now();
        let timeout = timeout.unwrap_or(self.sends.settings.send_timeout);
        let deadline = started.checked_add(timeout).ok_or_else(|| {
            let text = format!("a timeout of {} s cannot be kept", timeout.as_secs());
            Error::new(ErrorCode::InvalidArgument, text)
        })?;
        Ok(Span { started, deadline })
    }

    /// Accepts or refuses a send and starts it. An error means that nothing of it will be heard again.
    pub(crate) fn send(
        self: &Arc<Self>,
        message: &Message<'_>,
        mode: Mode,
        span: Span,
        completion: Completion,
        deferred: &mut Deferred,
    ) -> Result<(), Error> {
        self.accept(message, mode, span, completion, deferred)
            .inspect_err(|error| self.sends.recorder.rejected(1, error.code()))
    }

    fn accept(
        self: &Arc<Self>,
        message: &Message<'_>,
        mode: Mode,
        span: Span,
        completion: Completion,
        deferred: &mut Deferred,
    ) -> Result<(), Error> {
        self.check_open()?;
        self.validate(message)?;
        let mut born = span.started;
        let share = match self.sends.bounds.try_take(1, message.body.len()) {
            Some(share) => share,
            None => {
                let wanted = (1, message.body.len());
                let share = self.wait_for_share(wanted, mode, span.deadline, Some(&completion), deferred)?;
                born = Moment::now();
                share
            }
        };
        // The id tells when the message was let in, and not when its call began to wait.
        let born_ms = self.sends.wall_ms(born);
        let mut memory = Memory::default();
        let prepared = self.prepare(message, born_ms, Some(&self.sends.settings.compression), |len| {
            memory = Memory::take(len);
            memory.take_bytes()
        })?;
        let topic = self.sends.client.routes.topic(message.topic);
        // Counted before the second look at the flag: a close that does not see it is seen here.
        self.sends.bounds.accepted(1);
        if self.is_closing() {
            self.sends.bounds.settled(1);
            return Err(Error::closed());
        }
        self.sends.recorder.accepted(1, message.body.len());
        let context = Arc::clone(&self.sends);
        let send = AcceptedSend::new(prepared, mode, span, completion, share);
        Shipment::of_one(memory, context, topic, send).start(deferred);
        Ok(())
    }

    /// The same for several that travel as one wire batch, each with its own outcome; all are accepted or none.
    pub(crate) fn send_batch(
        self: &Arc<Self>,
        messages: &[Message<'_>],
        mode: Mode,
        span: Span,
        completions: impl IntoIterator<Item = Completion>,
        deferred: &mut Deferred,
    ) -> Result<(), Error> {
        self.accept_batch(messages, mode, span, completions, deferred)
            .inspect_err(|error| self.sends.recorder.rejected(messages.len(), error.code()))
    }

    fn accept_batch(
        self: &Arc<Self>,
        messages: &[Message<'_>],
        mode: Mode,
        span: Span,
        completions: impl IntoIterator<Item = Completion>,
        deferred: &mut Deferred,
    ) -> Result<(), Error> {
        self.check_open()?;
        self.check_batch(messages)?;
        let born_ms = self.sends.wall_ms(Moment::now());
        let no_memory =
            |cause| Error::out_of_memory(format_args!("a batch of {} messages", messages.len()), cause);
        let memory = Memory::take_bytes_of(messages.len()).map_err(no_memory)?;
        let mut prepared: Vec<Prepared> = Vec::new();
        prepared.try_reserve_exact(messages.len()).map_err(no_memory)?;
        for (message, bytes) in messages.iter().zip(memory) {
            prepared.push(self.prepare(message, born_ms, None, |_| bytes)?);
        }
        let len: usize = prepared.iter().map(Prepared::item_len).sum();
        if len > self.sends.settings.max_message_size {
            // Sends that do not wait are never split.
            let advice = if mode == Mode::Sync { "; with batch.split it goes as several" } else { "" };
            return Err(illegal(format!(
                "the batch of {} messages takes {len} bytes, more than max.message.size allows ({}){advice}",
                messages.len(),
                self.sends.settings.max_message_size
            )));
        }
        let Some(first) = messages.first() else { return Ok(()) };
        let bytes = messages.iter().map(|message| message.body.len()).sum();
        let mut completions = completions.into_iter().peekable();
        let mut share = match self.sends.bounds.try_take(messages.len(), bytes) {
            Some(share) => share,
            // They have one door.
            None => {
                let wanted = (messages.len(), bytes);
                self.wait_for_share(wanted, mode, span.deadline, completions.peek(), deferred)?
            }
        };
        let topic = self.sends.client.routes.topic(first.topic);
        // Counted before the second look at the flag, as in `send`.
        self.sends.bounds.accepted(messages.len());
        if self.is_closing() {
            self.sends.bounds.settled(messages.len());
            return Err(Error::closed());
        }
        self.sends.recorder.accepted(messages.len(), bytes);
        let members = prepared.into_iter().zip(messages).zip(completions);
        let sends = members.map(|((prepared, message), completion)| {
            let share = share.split_off(message.body.len());
            AcceptedSend::new(prepared, mode, span, completion, share)
        });
        Shipment::of_batch(Arc::clone(&self.sends), topic, sends.collect()).start(deferred);
        Ok(())
    }

    /// Checks a batch as a whole before the first part of it is sent.
    pub(crate) fn check_before_split(&self, messages: &[Message<'_>]) -> Result<(), Error> {
        self.check_batch(messages)
            .inspect_err(|error| self.sends.recorder.rejected(messages.len(), error.code()))
    }

    /// What the messages must keep, each and together.
    fn check_batch(&self, messages: &[Message<'_>]) -> Result<(), Error> {
        for (index, message) in messages.iter().enumerate() {
            self.validate(message).map_err(|error| {
                let text = format!("message {index} of the batch: {}", error.message());
                error.with_message(text)
            })?;
        }
        check_batch(messages)
    }

    /// How many of these, from the first on, fit into one wire batch.
    pub(crate) fn fitting(&self, messages: &[Message<'_>]) -> Result<usize, Error> {
        let unique_id = self.sends.client.process.process().unique_id_len();
        let mut len = 0;
        for (index, message) in messages.iter().enumerate() {
            len += Prepared::item_len_of(message, unique_id, self.sends.settings.namespace.as_deref())?;
            if len > self.sends.settings.max_message_size && index > 0 {
                return Ok(index);
            }
        }
        Ok(messages.len())
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.is_forked() {
            return Err(Error::forked());
        }
        if self.is_closing() { Err(Error::closed()) } else { Ok(()) }
    }

    fn validate(&self, message: &Message<'_>) -> Result<(), Error> {
        validate(message, self.sends.settings.namespace.as_deref(), self.sends.settings.max_message_size)
    }

    fn prepare(
        &self,
        message: &Message<'_>,
        born_ms: u64,
        compression: Option<&Compression>,
        memory: impl FnOnce(usize) -> Vec<u8>,
    ) -> Result<Prepared, Error> {
        let unique_id = self.sends.client.process.process().unique_id(born_ms);
        Prepared::new(message, &unique_id, memory, compression, self.sends.settings.namespace.as_deref())
    }

    /// There is no room within the bounds: blocking sends wait for it, others if the configuration says so. `wanted` are messages
    /// and bytes.
    fn wait_for_share(
        &self,
        wanted: (usize, usize),
        mode: Mode,
        deadline: Moment,
        completion: Option<&Completion>,
        deferred: &mut Deferred,
    ) -> Result<InFlightShare, Error> {
        let (messages, bytes) = wanted;
        let may_wait = mode == Mode::Sync || self.sends.settings.in_flight_full == InFlightFull::Wait;
        // The I/O thread makes the room: in a hook there nobody would.
        if may_wait && !self.is_io_thread() {
            // Those who make room may wait for these.
            deferred.settle();
            if mode == Mode::Oneway {
                self.sends.client.remoting.send_now();
            }
            let share = self.sends.bounds.take_by(messages, bytes, deadline, || self.is_closing());
            if let Some(share) = share {
                return Ok(share);
            }
            if self.is_closing() {
                return Err(Error::closed());
            }
        }
        let refused = completion.and_then(Completion::hears_of_room);
        self.sends.bounds.note_refusal(messages, bytes, refused);
        Err(Error::queue_full())
    }
}
