//! The ways to send a wire batch.

use std::time::Duration;

use super::Producer;
use crate::completion::{Completion, CompletionQueue, Tag};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::message::Message;
use crate::receipt::Receipt;
use crate::send::Mode;

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

impl Producer {
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
}
