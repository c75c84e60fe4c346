//! What a door remembers: the futures of messages under way, and the sends that wait for room.
//!
//! No Python code runs while the state is locked: objects are made and dropped outside, because either may run
//! a finalizer that sends again. Other threads may run while a long body is handed over; they never wait for the
//! lock.

use std::collections::VecDeque;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use rocketmq_producer::{Burst, CompletionQueue, Error, Producer, Receipt, Tag};
use slab::Slab;

use super::route_line::RouteLine;
use crate::error::is_queue_full;
use crate::many::Many;
use crate::message::{Message, hand_over};
use crate::outgoing::Outgoing;

/// A future of the loop.
pub(super) type Future = Py<PyAny>;

pub(super) struct State {
    singles: Slab<Single>,
    groups: Slab<Group>,
    /// Of calls that are no sends.
    calls: Slab<Future>,
    /// What tasks send that one drain woke, while they run: it goes together.
    pub(super) burst: Option<Burst>,
    /// Sends that wait for the queues of their topics.
    pub(super) routes: RouteLine,
    /// Sends that wait for room, in the order of their calls; nobody overtakes.
    pub(super) waiting: VecDeque<Waiting>,
    /// No waiting send gives up before this. Kept, because looking at all of a long line takes long.
    pub(super) first_deadline: Option<Instant>,
    /// When the timer for those that wait goes off, and its handle.
    pub(super) timer: Option<(Instant, Py<PyAny>)>,
    /// Futures to resolve when nothing is left.
    pub(super) idle: Vec<Future>,
    /// The producer is gone: stop watching the descriptor when nothing is left.
    pub(super) abandoned: bool,
    pub(super) watching: bool,
}

/// One message under way.
pub(super) struct Single {
    pub(super) future: Future,
    /// For the hook that hears of its outcome.
    pub(super) message: Option<Py<Message>>,
}

/// Several messages under way that have one future.
pub(super) struct Group {
    pub(super) future: Future,
    pub(super) many: Many,
}

/// A send that was not accepted yet for want of room.
pub(super) enum Waiting {
    One {
        future: Future,
        message: Outgoing,
        started: Instant,
        timeout: Duration,
    },
    /// The place of a group with waiting items.
    Group(usize),
}

/// What became of a send that was handed over.
pub(super) enum Handed {
    Accepted,
    NoRoom,
    Refused(Error),
}

/// Futures whose outcome is known.
pub(super) enum Finished {
    One(Single, Result<Receipt, Error>),
    Group(Group),
    /// Some messages of the group are still open.
    NotYet,
}

const GROUP: usize = 1;

impl State {
    pub(super) fn new() -> Self {
        Self {
            singles: Slab::new(),
            groups: Slab::new(),
            calls: Slab::new(),
            burst: None,
            routes: RouteLine::default(),
            waiting: VecDeque::new(),
            first_deadline: None,
            timer: None,
            idle: Vec::new(),
            abandoned: false,
            watching: true,
        }
    }

    /// Hands one message to the core. The caller keeps its own references to the parts of `single`.
    pub(super) fn hand_over(
        &mut self,
        py: Python<'_>,
        producer: &Producer,
        queue: &CompletionQueue,
        single: Single,
        message: &Outgoing,
        (timeout, wait_for_room): (Duration, bool),
    ) -> Handed {
        let place = self.singles.insert(single);
        let sent = message.lend(|message| {
            let (timeout, tag) = (Some(timeout), Tag(place << 1, 0));
            let send = || match &mut self.burst {
                Some(burst) => producer.send_in_burst(message, timeout, queue, tag, burst),
                None => producer.send_queued(message, timeout, queue, tag),
            };
            hand_over(py, from_ref(message), send)
        });
        let Err(error) = sent else { return Handed::Accepted };
        // The caller has references of its own, so nothing ends here.
        self.singles.try_remove(place);
        if wait_for_room && is_queue_full(&error) { Handed::NoRoom } else { Handed::Refused(error) }
    }

    pub(super) fn insert_call(&mut self, future: Future) -> usize {
        self.calls.insert(future)
    }

    pub(super) fn take_call(&mut self, place: usize) -> Option<Future> {
        self.calls.try_remove(place)
    }

    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    pub(super) fn insert_group(&mut self, group: Group) -> usize {
        self.groups.insert(group)
    }

    /// Hands over of a group what there is room for. The group comes back when that ended it.
    pub(super) fn hand_over_group(
        &mut self,
        py: Python<'_>,
        producer: &Producer,
        queue: &CompletionQueue,
        place: usize,
        wait_for_room: bool,
    ) -> Finished {
        if let Some(group) = self.groups.get_mut(place) {
            group.many.submit(py, producer, queue, place << 1 | GROUP, wait_for_room);
        }
        self.take_if_done(place)
    }

    pub(super) fn many(&mut self, place: usize) -> Option<&mut Many> {
        self.groups.get_mut(place).map(|group| &mut group.many)
    }

    pub(super) fn take_if_done(&mut self, place: usize) -> Finished {
        if !self.many(place).is_some_and(|many| many.is_done()) {
            return Finished::NotYet;
        }
        self.groups.try_remove(place).map_or(Finished::NotYet, Finished::Group)
    }

    /// Notes the outcome of an accepted message.
    pub(super) fn complete(&mut self, tag: Tag, result: Result<Receipt, Error>) -> Finished {
        let place = tag.0 >> 1;
        if tag.0 & GROUP == 0 {
            return self
                .singles
                .try_remove(place)
                .map_or(Finished::NotYet, |single| Finished::One(single, result));
        }
        if let Some(many) = self.many(place) {
            many.complete(tag.1, result);
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
            Waiting::Group(place) => {
                let place = *place;
                self.many(place).map(|many| many.deadline())
            }
        }
    }

    /// Whether any outcome is still to come through the queue.
    pub(super) fn is_expecting(&self) -> bool {
        !(self.singles.is_empty() && self.groups.is_empty())
    }

    /// Whether no future is open.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_expecting() && self.routes.is_empty() && self.waiting.is_empty()
    }

    /// Lets the collector of cycles see what is remembered.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let waiting = self.waiting.iter().filter_map(|waiting| match waiting {
            Waiting::One { future, .. } => Some(future),
            Waiting::Group(_) => None,
        });
        let futures = (self.singles.iter().map(|(_, single)| &single.future))
            .chain(self.groups.iter().map(|(_, group)| &group.future))
            .chain(self.calls.iter().map(|(_, future)| future))
            .chain(waiting)
            .chain(&self.idle);
        for object in futures.chain(self.timer.iter().map(|(_, handle)| handle)) {
            visit.call(object)?;
        }
        self.routes.traverse(visit)
    }
}
