//! The ways to send one message.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::Producer;
use crate::completion::{Completion, CompletionQueue, Promise, Tag, Waiter};
use crate::deferred::{Burst, Deferred};
use crate::error::{Error, ErrorCode};
use crate::message::Message;
use crate::receipt::Receipt;
use crate::send::{Mode, Span};
use crate::sys::Moment;

impl Producer {
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
            deferred.settle_outcomes();
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

    /// Sends without an answer: over when the socket took it. What is lost later nobody can tell.
    ///
    /// # Errors
    /// As [`Producer::send_queued`].
    pub fn send_oneway(&self, message: &Message<'_>, timeout: Option<Duration>) -> Result<(), Error> {
        let span = self.engine().span(timeout)?;
        self.engine().send(message, Mode::Oneway, span, Completion::Caller(None), &mut Deferred::default())
    }
}
