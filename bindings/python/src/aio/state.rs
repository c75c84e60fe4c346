//! What a door remembers: the futures of messages under way, and the sends that wait for room.
//!
//! No Python code runs while the state is locked: objects are made and dropped outside, because either may run
//! a finalizer that sends again. Other threads may run while a long body is handed over; they never wait for the
//! lock.

use std::collections::VecDeque;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use rocketmq_producer::{CompletionQueue, Error, Producer, Receipt, Tag};

use super::slots::Slots;
use crate::error::is_queue_full;
use crate::many::Batch;
use crate::message::{Message, hand_over};

/// A future of the loop.
pub(super) type Future = Py<PyAny>;

pub(super) struct State {
    singles: Slots<Future>,
    batches: Slots<Many>,
    /// In the order of their calls; nobody overtakes.
    pub(super) waiting: VecDeque<Waiting>,
    /// No waiting send gives up before this. Kept, because looking at all of a long line takes long.
    pub(super) first_deadline: Option<Instant>,
    /// When the timer for the waiting sends goes off, and its handle.
    pub(super) timer: Option<(Instant, Py<PyAny>)>,
    /// Futures to resolve when nothing is left.
    pub(super) idle: Vec<Future>,
    /// The producer is gone: stop watching the descriptor when nothing is left.
    pub(super) abandoned: bool,
    pub(super) watching: bool,
}

pub(super) struct Many {
    pub(super) future: Future,
    pub(super) batch: Batch,
}

/// A send that was not accepted yet for want of room.
pub(super) enum Waiting {
    One {
        future: Future,
        message: Message,
        started: Instant,
        timeout: Duration,
    },
    /// The place of a batch with waiting items.
    Many(usize),
}

/// What became of a send that was handed over.
pub(super) enum Handed {
    Accepted,
    NoRoom,
    Refused(Error),
}

/// Futures whose outcome is known.
pub(super) enum Settled {
    One(Future, Result<Receipt, Error>),
    Many(Many),
    /// Some messages of the batch are still open.
    NotYet,
}

const MANY: usize = 1;

impl State {
    pub(super) fn new() -> Self {
        Self {
            singles: Slots::new(),
            batches: Slots::new(),
            waiting: VecDeque::new(),
            first_deadline: None,
            timer: None,
            idle: Vec::new(),
            abandoned: false,
            watching: true,
        }
    }

    /// Hands one message to the core. The caller keeps its own reference to the future.
    pub(super) fn hand_over(
        &mut self,
        py: Python<'_>,
        producer: &Producer,
        queue: &CompletionQueue,
        (future, message): (&Future, &Message),
        (timeout, wait_for_room): (Duration, bool),
    ) -> PyResult<Handed> {
        let place = self.singles.insert(future.clone_ref(py));
        let sent = message.lend(py, |message| {
            let send = || producer.send_queued(message, Some(timeout), queue, Tag(place << 1, 0));
            hand_over(py, from_ref(message), send)
        });
        if !matches!(sent, Ok(Ok(()))) {
            self.singles.remove(place);
        }
        Ok(match sent? {
            Ok(()) => Handed::Accepted,
            Err(error) if wait_for_room && is_queue_full(&error) => Handed::NoRoom,
            Err(error) => Handed::Refused(error),
        })
    }

    pub(super) fn insert_many(&mut self, many: Many) -> usize {
        self.batches.insert(many)
    }

    /// Hands over of a batch what there is room for. The batch comes back when that ended it.
    pub(super) fn hand_over_many(
        &mut self,
        py: Python<'_>,
        producer: &Producer,
        queue: &CompletionQueue,
        place: usize,
        wait_for_room: bool,
    ) -> Settled {
        if let Some(many) = self.batches.get_mut(place) {
            many.batch.submit(py, producer, queue, place << 1 | MANY, wait_for_room);
        }
        self.take_if_done(place)
    }

    pub(super) fn batch(&mut self, place: usize) -> Option<&mut Batch> {
        self.batches.get_mut(place).map(|many| &mut many.batch)
    }

    pub(super) fn take_if_done(&mut self, place: usize) -> Settled {
        if !self.batch(place).is_some_and(|batch| batch.is_done()) {
            return Settled::NotYet;
        }
        self.batches.remove(place).map_or(Settled::NotYet, Settled::Many)
    }

    /// Notes the outcome of an accepted message.
    pub(super) fn complete(&mut self, tag: Tag, result: Result<Receipt, Error>) -> Settled {
        let place = tag.0 >> 1;
        if tag.0 & MANY == 0 {
            return self.singles.remove(place).map_or(Settled::NotYet, |future| Settled::One(future, result));
        }
        if let Some(batch) = self.batch(place) {
            batch.complete(tag.1, result);
        }
        self.take_if_done(place)
    }

    /// When the send at the head of the line or any behind it gives up first.
    pub(super) fn next_deadline(&mut self) -> Option<Instant> {
        (0..self.waiting.len()).filter_map(|index| self.deadline(index)).min()
    }

    /// When a waiting send gives up.
    pub(super) fn deadline(&mut self, index: usize) -> Option<Instant> {
        match self.waiting.get(index)? {
            Waiting::One { started, timeout, .. } => Some(*started + *timeout),
            Waiting::Many(place) => {
                let place = *place;
                self.batch(place).map(|batch| batch.deadline())
            }
        }
    }

    /// Whether any outcome is still to come through the queue.
    pub(super) fn is_expecting(&self) -> bool {
        self.singles.len() + self.batches.len() > 0
    }

    /// Whether no future is open.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_expecting() && self.waiting.is_empty()
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &Py<PyAny>> {
        let waiting = self.waiting.iter().filter_map(|waiting| match waiting {
            Waiting::One { future, .. } => Some(future),
            Waiting::Many(_) => None,
        });
        self.singles
            .values()
            .chain(self.batches.values().map(|many| &many.future))
            .chain(waiting)
            .chain(self.timer.iter().map(|(_, handle)| handle))
            .chain(&self.idle)
    }
}
