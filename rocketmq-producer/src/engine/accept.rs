//! Accepts sends, or refuses them: a refusal is the return value of the call, and nothing else happens.

use std::sync::Arc;

use super::Engine;
use crate::completion::Completion;
use crate::config::{Compression, InFlightFull};
use crate::deferred::Deferred;
use crate::error::Error;
use crate::flow::InFlightShare;
use crate::memory::Memory;
use crate::message::Message;
use crate::send::{AcceptedSend, Mode, Prepared, Shipment, Span, check_batch, illegal, validate};
use crate::sys::Moment;

impl Engine {
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
        self.count_in(1, message.body.len())?;
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
        self.count_in(messages.len(), bytes)?;
        let members = prepared.into_iter().zip(messages).zip(completions);
        let sends = members.map(|((prepared, message), completion)| {
            let share = share.split_off(message.body.len());
            AcceptedSend::new(prepared, mode, span, completion, share)
        });
        Shipment::of_batch(Arc::clone(&self.sends), topic, sends.collect()).start(deferred);
        Ok(())
    }

    /// From here on a close waits for these. Counted before the second look at the flag: a close that does not see them is
    /// seen here.
    #[inline]
    fn count_in(&self, messages: usize, bytes: usize) -> Result<(), Error> {
        self.sends.bounds.accepted(messages);
        if self.is_closing() {
            self.sends.bounds.settled(messages);
            return Err(Error::closed());
        }
        self.sends.recorder.accepted(messages, bytes);
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
