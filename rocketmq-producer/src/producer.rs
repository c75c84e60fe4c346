//! The producer as its users hold it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::completion::{Complete, Completion, CompletionQueue, Event, Promise, Queues, Routed, Tag, Waiter};
use crate::config::{Config, Settings, parse_addresses};
use crate::deferred::{Burst, Deferred};
use crate::engine::Engine;
use crate::error::{Error, ErrorCode};
use crate::message::Message;
use crate::receipt::Receipt;
use crate::send::{Mode, Span};
use crate::stats::Stats;
use crate::sys::Moment;

/// A producer of one group. Clones are handles of the same producer; any thread may use any of them.
///
/// The last handle's drop closes it without waiting; [`Producer::close`] waits. In a child made by `fork` every
/// call answers `FORKED` and the drop does nothing; [`Producer::renewed`] makes the one that works there.
#[derive(Clone)]
pub struct Producer(Arc<CloseOnDrop>);

struct CloseOnDrop {
    engine: Arc<Engine>,
    /// Given at run time, for [`Producer::renewed`].
    name_servers: ArcSwapOption<Vec<String>>,
}

impl Producer {
    /// Makes and starts a producer. Never waits for the network: name servers and brokers are reached when the
    /// first send needs them (see [`Producer::wait_ready`]).
    ///
    /// # Errors
    /// `INVALID_VALUE` (no or bad `producer.group`), `NO_NAME_SERVER` (nothing says where the cluster is),
    /// `GROUP_CONFLICT` (with `instance.name`: the group has a producer there), `SYSTEM` (no thread).
    pub fn new(config: &Config) -> Result<Self, Error> {
        Self::start(Settings::read(config)?)
    }

    fn start(settings: Settings) -> Result<Self, Error> {
        Ok(Self(Arc::new(CloseOnDrop {
            engine: Engine::start(settings)?,
            name_servers: ArcSwapOption::empty(),
        })))
    }

    /// Whether the key `after.fork` says `renew`: the program expects [`Producer::renewed`] in the place of this one
    /// in a forked child. That is for the one who holds it to do, who has queues and listeners to renew too.
    pub fn renews_after_fork(&self) -> bool {
        self.engine().sends.settings.renew_after_fork
    }

    /// For a forked child: another producer with the settings, hooks and log of this one, and with its name servers as
    /// they were set last, and its tag. Nothing of the parent is touched: its connections and sends go on there, and nothing
    /// is heard of them here. Its queues and whoever [hears of room](Self::hear_of_room) stay there.
    ///
    /// # Errors
    /// `CLOSED` if this one was closed before the fork; `SYSTEM` (no thread); `GROUP_CONFLICT` and `INVALID_VALUE` as
    /// [`Producer::new`], above all if this process is not a child.
    pub fn renewed(&self) -> Result<Self, Error> {
        if self.is_closed() {
            return Err(Error::closed());
        }
        let mut settings = self.engine().sends.settings.clone();
        let name_servers = self.0.name_servers.load_full();
        if let Some(name_servers) = &name_servers {
            settings.name_servers = Vec::clone(name_servers);
        }
        let renewed = Self::start(settings)?;
        renewed.set_tag(self.engine().sends.bounds.producer());
        renewed.0.name_servers.store(name_servers);
        Ok(renewed)
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    /// Sends and waits for the receipt, at most `timeout` (`send.timeout.ms` if `None`) all attempts included.
    ///
    /// # Errors
    /// `MESSAGE_ILLEGAL`, `CLOSED`, `FORKED` at once; else what the last attempt met, with its story.
    pub fn send(&self, message: &Message<'_>, timeout: Option<Duration>) -> Result<Receipt, Error> {
        if self.engine().is_io_thread() {
            return Err(Error::would_deadlock());
        }
        let waiter = Arc::new(Waiter::new());
        let completion = Completion::Caller(Some(Arc::clone(&waiter) as _));
        let span = self.engine().span(timeout)?;
        self.engine().send(message, Mode::Sync, span, completion, &mut Deferred::default())?;
        waiter.wait(span.deadline)
    }

    /// Sends; the outcome comes to `queue` as exactly one report with this tag.
    ///
    /// # Errors
    /// The send was refused and no report comes: `MESSAGE_ILLEGAL`, `QUEUE_FULL`, `CLOSED`, `FORKED`.
    pub fn send_queued(
        &self,
        message: &Message<'_>,
        timeout: Option<Duration>,
        queue: &CompletionQueue,
        tag: Tag,
    ) -> Result<(), Error> {
        self.send_with(message, timeout, queue, tag, &mut Deferred::default())
    }

    /// As [`Producer::send_queued`], with the request going out together with those of other sends of the burst.
    ///
    /// # Errors
    /// As [`Producer::send_queued`].
    pub fn send_in_burst(
        &self,
        message: &Message<'_>,
        timeout: Option<Duration>,
        queue: &CompletionQueue,
        tag: Tag,
        burst: &mut Burst,
    ) -> Result<(), Error> {
        let mut deferred = Deferred::in_burst(burst.take());
        let sent = self.send_with(message, timeout, queue, tag, &mut deferred);
        // Whatever else this send has made due is settled here.
        *burst = deferred.into_burst();
        sent
    }

    fn send_with(
        &self,
        message: &Message<'_>,
        timeout: Option<Duration>,
        queue: &CompletionQueue,
        tag: Tag,
        deferred: &mut Deferred,
    ) -> Result<(), Error> {
        let completion = Completion::Queue(queue.clone(), tag);
        let span = self.engine().span(timeout)?;
        self.engine().send(message, Mode::Async, span, completion, deferred)
    }

    /// Sends many, each as [`Producer::send_queued`] does. `tags` and `results` are as long as `messages`;
    /// `results` gets one entry per message. Returns how many were accepted.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the lengths differ; then nothing was sent.
    pub fn send_many(
        &self,
        messages: &[Message<'_>],
        timeout: Option<Duration>,
        queue: &CompletionQueue,
        tags: &[Tag],
        results: &mut [Result<(), Error>],
    ) -> Result<usize, Error> {
        if tags.len() != messages.len() || results.len() != messages.len() {
            let text = format!(
                "{} messages, {} tags and {} results: one each is needed",
                messages.len(),
                tags.len(),
                results.len()
            );
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        let span = self.engine().span(timeout)?;
        let mut deferred = Deferred::in_burst(Burst::default());
        let mut accepted = 0;
        for ((message, tag), result) in messages.iter().zip(tags).zip(results) {
            let span = Span { started: Moment::now(), ..span };
            let completion = Completion::Queue(queue.clone(), *tag);
            *result = self.engine().send(message, Mode::Async, span, completion, &mut deferred);
            accepted += usize::from(result.is_ok());
        }
        Ok(accepted)
    }

    /// Sends; the future gives the outcome and needs no particular executor. Dropping it does not take the
    /// message back.
    pub fn send_async(
        &self,
        message: &Message<'_>,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<Receipt, Error>> + Send + use<> {
        let (promise, promised) = Promise::new();
        let completion = Completion::Caller(Some(promise));
        let accepted = self.engine().span(timeout).and_then(|span| {
            self.engine().send(message, Mode::Async, span, completion, &mut Deferred::default())
        });
        async move {
            accepted?;
            promised.await
        }
    }

    /// Sends messages as one wire batch and waits for their receipts, in order (protocol 5.8). They have one topic, one
    /// destination and one `wait_store_ok`, no delay, and travel uncompressed. The broker stores all or none.
    ///
    /// With `batch.split` a batch over `max.message.size` goes as several, one after the other; the first that fails
    /// is the last that is sent.
    ///
    /// # Errors
    /// As [`Producer::send`], with the receipts of the messages that are stored nevertheless.
    pub fn send_batch(
        &self,
        messages: &[Message<'_>],
        timeout: Option<Duration>,
    ) -> Result<Vec<Receipt>, BatchError> {
        let mut stored = Vec::new();
        match self.send_batches(messages, timeout, &mut stored) {
            Ok(()) => Ok(stored.into_iter().map(|(_, receipt)| receipt).collect()),
            Err(error) => {
                let (positions, receipts) = stored.into_iter().unzip();
                Err(BatchError { error, receipts, positions })
            }
        }
    }

    fn send_batches(
        &self,
        messages: &[Message<'_>],
        timeout: Option<Duration>,
        stored: &mut Vec<(usize, Receipt)>,
    ) -> Result<(), Error> {
        let engine = self.engine();
        if engine.is_io_thread() {
            return Err(Error::would_deadlock());
        }
        let span = engine.span(timeout)?;
        if engine.sends.settings.split_batches {
            engine.check_before_split(messages)?;
        }
        let mut rest = messages;
        loop {
            let count = if engine.sends.settings.split_batches { engine.fitting(rest)? } else { rest.len() };
            let (now, later) = rest.split_at(count);
            let mut outcomes = Vec::new();
            outcomes.try_reserve_exact(count).map_err(|cause| {
                Error::out_of_memory(format_args!("the outcomes of {count} messages"), cause)
            })?;
            outcomes.resize_with(count, || None);
            let queue = CompletionQueue::new();
            let completions = (0..count).map(|index| Completion::Queue(queue.clone(), Tag(index, 0)));
            engine.send_batch(now, Mode::Sync, span, completions, &mut Deferred::default())?;
            let mut failed = None;
            let first = messages.len() - rest.len();
            for (index, outcome) in queue.wait_for(outcomes, span.deadline).enumerate() {
                match outcome {
                    Ok(receipt) => stored.push((first + index, receipt)),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            match failed {
                Some(error) => return Err(error),
                None if later.is_empty() => return Ok(()),
                None => rest = later,
            }
        }
    }

    /// Sends messages as one wire batch, as [`Producer::send_batch`] does; the outcome of each comes to `queue` as exactly
    /// one report with its tag. A batch over `max.message.size` is refused, whatever `batch.split` says.
    ///
    /// # Errors
    /// None was sent and no report comes: `MESSAGE_ILLEGAL`, `QUEUE_FULL`, `CLOSED`, `FORKED`; `INVALID_ARGUMENT` if
    /// there are not as many tags as messages.
    pub fn send_batch_queued(
        &self,
        messages: &[Message<'_>],
        timeout: Option<Duration>,
        queue: &CompletionQueue,
        tags: &[Tag],
    ) -> Result<(), Error> {
        if tags.len() != messages.len() {
            let text = format!("{} messages and {} tags: one each is needed", messages.len(), tags.len());
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        let completions = tags.iter().map(|tag| Completion::Queue(queue.clone(), *tag));
        let span = self.engine().span(timeout)?;
        self.engine().send_batch(messages, Mode::Async, span, completions, &mut Deferred::default())
    }

    /// Sends without an answer: over when the socket took it. What is lost later nobody can tell.
    ///
    /// # Errors
    /// As [`Producer::send_queued`].
    pub fn send_oneway(&self, message: &Message<'_>, timeout: Option<Duration>) -> Result<(), Error> {
        let span = self.engine().span(timeout)?;
        self.engine().send(message, Mode::Oneway, span, Completion::Caller(None), &mut Deferred::default())
    }

    /// Waits until every accepted send has its outcome and every one-way message is written.
    ///
    /// # Errors
    /// `TIMEOUT` when some have not; they go on. `FORKED`.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_wait()?;
        engine.sends.send_now();
        if engine.sends.bounds.wait_settled(Moment::now().checked_add(timeout)) {
            return Ok(());
        }
        Err(unsettled())
    }

    /// Waits until a name server has answered this client.
    ///
    /// # Errors
    /// Why none did, with its address: `NAME_SERVER`, `NO_NAME_SERVER`. `CLOSED`, `FORKED`.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_call()?;
        engine.wait_ready(timeout)
    }

    /// Refuses new sends, waits at most `timeout` for the outcomes of those accepted, completes what is left as
    /// `CLOSED`, and tells the brokers. Every accepted send has its outcome afterwards. Closing again waits for
    /// the close under way, if there is one.
    ///
    /// # Errors
    /// `TIMEOUT` when sends had to be completed as `CLOSED`, or when another close still waits. `FORKED`;
    /// `WOULD_DEADLOCK` on the I/O thread.
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_wait()?;
        let deadline = Moment::now().checked_add(timeout);
        let first = engine.begin_closing();
        let settled = engine.sends.bounds.wait_settled(deadline);
        if !first {
            return if settled { Ok(()) } else { Err(unsettled()) };
        }
        if settled {
            // No send is left; calls that look routes up end as closed.
            engine.sends.abort();
        } else {
            engine.abort_until_settled();
        }
        engine.leave(deadline);
        if settled {
            return Ok(());
        }
        let text =
            format!("not all sends had an outcome within {} ms; they ended as closed", timeout.as_millis());
        Err(Error::new(ErrorCode::Timeout, text))
    }

    /// The queues of a topic that may be written, as broker and number, in the Java client's order. Asks the name server
    /// if the topic is not known yet.
    ///
    /// # Errors
    /// `MESSAGE_ILLEGAL` for a bad name; `NO_ROUTE`, `NAME_SERVER`, `NO_NAME_SERVER`; `CLOSED`, `FORKED`,
    /// `WOULD_DEADLOCK`.
    pub fn queues(&self, topic: &str, timeout: Duration) -> Result<Vec<(String, i32)>, Error> {
        let engine = self.engine();
        engine.check_call()?;
        engine.queues(topic, timeout)
    }

    /// The same without waiting: the event [`Event::Routed`] comes to `queue` with this tag, once, within the timeout; at once
    /// if the topic is known.
    ///
    /// # Errors
    /// No event comes: `MESSAGE_ILLEGAL` for a bad name; `CLOSED`, `FORKED`.
    pub fn look_up(
        &self,
        topic: &str,
        timeout: Duration,
        queue: &CompletionQueue,
        tag: Tag,
    ) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_open()?;
        let producer = engine.sends.bounds.producer();
        engine.look_up(topic, timeout, |topic| {
            let (queue, topic) = (queue.clone(), Arc::clone(topic));
            Arc::new(RoutedDoor { queue, tag, topic, producer })
        })
    }

    /// Takes other name servers, `host:port` with `;` or `,` between; requests under way go on. Producers with the same
    /// client id take them too.
    ///
    /// # Errors
    /// `INVALID_VALUE` names what is no address; `CLOSED`, `FORKED`.
    pub fn set_name_servers(&self, addresses: &str) -> Result<(), Error> {
        self.engine().check_open()?;
        let refuse = |why| Error::new(ErrorCode::InvalidValue, format!("name servers: {why}"));
        let addresses = parse_addresses(addresses).map_err(refuse)?;
        if addresses.is_empty() {
            return Err(refuse("no address is given".to_owned()));
        }
        self.engine().sends.client.name_servers.set(&addresses);
        self.0.name_servers.store(Some(Arc::new(addresses)));
        Ok(())
    }

    /// Waits until another message has room within the in-flight bounds.
    ///
    /// # Errors
    /// `QUEUE_FULL` when there was none in time; `CLOSED`, `FORKED`, `WOULD_DEADLOCK`.
    pub fn wait_writable(&self, timeout: Duration) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_call()?;
        match engine.sends.bounds.wait_room(Moment::now().checked_add(timeout), || engine.is_closing()) {
            _ if engine.is_closing() => Err(Error::closed()),
            true => Ok(()),
            false => Err(Error::queue_full()),
        }
    }

    /// Asks for the event [`Event::Writable`]: it comes to `queue` once, when there is room for another message; at once if
    /// there is.
    ///
    /// A send to a queue that is refused as `QUEUE_FULL` asks by itself, for room for what was refused.
    pub fn when_writable(&self, queue: &CompletionQueue) {
        self.engine().sends.bounds.note_refusal(1, 0, Some(queue.hears_of_room()));
    }

    /// Lets `queue` have [`Event::Writable`] after every refusal as `QUEUE_FULL`, to whomever, as long as it lives.
    pub fn hear_of_room(&self, queue: &CompletionQueue) {
        self.engine().sends.bounds.add_listener(&queue.hears_of_room());
    }

    /// Sets the word by which events name this producer ([`Event::producer`]), for queues of several producers.
    pub fn set_tag(&self, tag: usize) {
        self.engine().sends.bounds.set_producer(tag);
    }

    /// What this producer has done since it was made, and how it stands. Works until it is gone, also after the close.
    ///
    /// # Errors
    /// `FORKED`.
    pub fn stats(&self) -> Result<Stats, Error> {
        if self.engine().is_forked() { Err(Error::forked()) } else { Ok(self.engine().stats()) }
    }

    /// Messages that count against `in.flight.max.messages` now.
    pub fn in_flight(&self) -> usize {
        self.engine().sends.bounds.messages()
    }

    /// Whether a close has begun.
    pub fn is_closed(&self) -> bool {
        self.engine().is_closing()
    }

    /// The client id that brokers see: `address@instance`.
    pub fn client_id(&self) -> &str {
        &self.engine().sends.client.client_id
    }

    /// The producer group.
    pub fn group(&self) -> &str {
        &self.engine().sends.settings.group
    }
}

/// The queue that gets the end of a look-up.
struct RoutedDoor {
    queue: CompletionQueue,
    tag: Tag,
    topic: Arc<str>,
    producer: usize,
}

impl Complete<Queues> for RoutedDoor {
    fn complete(&self, result: Queues, deferred: &mut Deferred) {
        let (topic, tag, producer) = (Arc::clone(&self.topic), self.tag, self.producer);
        self.queue.clone().put(Event::Routed(Routed { tag, topic, result, producer }), deferred);
    }
}

/// Why a batch failed, and what of it is stored: receipts of the first messages if the batch was split, or of single
/// ones whose fate differed.
#[derive(Clone, Debug)]
pub struct BatchError {
    /// Of the first message that failed.
    pub error: Error,
    /// In the order of the messages.
    pub receipts: Vec<Receipt>,
    /// For each receipt, which of the messages it is of.
    pub positions: Vec<usize>,
}

fn unsettled() -> Error {
    Error::new(ErrorCode::Timeout, "the time is over, and sends are still without an outcome")
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("group", &self.group())
            .field("client_id", &self.client_id())
            .field("in_flight", &self.in_flight())
            .finish()
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if self.engine.is_forked() {
            // In a forked child the engine belongs to threads that are not there: it is left as it is.
            std::mem::forget(Arc::clone(&self.engine));
        } else if self.engine.begin_closing() {
            self.engine.end_in_background();
        }
    }
}
