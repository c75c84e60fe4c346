//! The line of sends whose selectors wait for the queues of their topics.
//!
//! A send goes when the queues of all its topics are told, or why there are none, and no earlier one in the line has a topic
//! of its own: so the messages of a topic keep the order of their calls. One whose time is over waits for nobody.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use rocketmq_producer::Error;

use crate::many::Travel;
use crate::message::Message;
use crate::selector::Queues;

/// Which call it is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Send,
    Oneway,
    Many(Travel),
}

/// A call of a send with selectors that were not asked yet.
pub(super) struct Selecting {
    /// None of a one-way message.
    pub(super) future: Option<Py<PyAny>>,
    pub(super) kind: Kind,
    pub(super) messages: Vec<Py<Message>>,
    pub(super) started: Instant,
    pub(super) timeout: Duration,
}

impl Selecting {
    pub(super) fn new(
        future: Option<&Bound<'_, PyAny>>,
        kind: Kind,
        messages: Vec<Py<Message>>,
        timeout: Duration,
    ) -> Self {
        let future = future.map(|future| future.clone().unbind());
        Self { future, kind, messages, started: Instant::now(), timeout }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.started + self.timeout
    }
}

/// The line, in the order of the calls.
#[derive(Default)]
pub(super) struct RouteLine {
    waiting: VecDeque<InLine>,
    /// Left the line just now: their selectors are asked.
    going: Vec<InLine>,
    /// Of the next one that joins.
    number: usize,
}

/// A send in the line.
struct InLine {
    number: usize,
    selecting: Selecting,
    topics: Vec<Topic>,
    /// The variables of its call's context, in which its selectors are asked.
    context: Py<PyAny>,
}

/// A topic whose queues are needed.
pub(super) struct Topic {
    pub(super) name: PyBackedStr,
    /// What was found, once it is told.
    pub(super) found: Option<Result<Queues, Error>>,
}

impl InLine {
    fn is_told(&self) -> bool {
        self.topics.iter().all(|topic| topic.found.is_some())
    }
}

impl RouteLine {
    /// Whether nobody in the line has one of these topics.
    pub(super) fn may_pass(&self, topics: &[Topic]) -> bool {
        let mut in_line = self.waiting.iter().flat_map(|call| &call.topics);
        !in_line.any(|before| topics.iter().any(|topic| *topic.name == *before.name))
    }

    /// The number by which the send is known in the line.
    pub(super) fn join(&mut self, selecting: Selecting, topics: Vec<Topic>, context: Py<PyAny>) -> usize {
        self.number += 1;
        self.waiting.push_back(InLine { number: self.number, selecting, topics, context });
        self.number
    }

    /// Notes what was found of a topic, by its place among those of the send.
    pub(super) fn tell(&mut self, number: usize, place: usize, found: Result<Queues, Error>) {
        if let Ok(at) = self.waiting.binary_search_by_key(&number, |call| call.number)
            && let Some(topic) = self.waiting[at].topics.get_mut(place)
        {
            topic.found = Some(found);
        }
    }

    /// The first one that may go: its number, and the context of its call. It is taken with [`RouteLine::take`].
    pub(super) fn next(&mut self, py: Python<'_>, now: Instant) -> Option<(usize, Py<PyAny>)> {
        let mut before: HashSet<&str> = HashSet::new();
        let at = self.waiting.iter().position(|call| {
            let may_go = call.is_told()
                && (call.selecting.deadline() <= now
                    || !call.topics.iter().any(|topic| before.contains(&*topic.name)));
            before.extend(call.topics.iter().map(|topic| &*topic.name));
            may_go
        })?;
        let call = self.waiting.remove(at)?;
        let next = (call.number, call.context.clone_ref(py));
        self.going.push(call);
        Some(next)
    }

    /// Takes one that goes or waits out of the line.
    pub(super) fn take(&mut self, number: usize) -> Option<(Selecting, Vec<Topic>)> {
        let call = match self.going.iter().position(|call| call.number == number) {
            Some(at) => self.going.swap_remove(at),
            None => {
                let at = self.waiting.binary_search_by_key(&number, |call| call.number).ok()?;
                self.waiting.remove(at)?
            }
        };
        Some((call.selecting, call.topics))
    }

    /// Takes all that wait.
    pub(super) fn take_all(&mut self) -> Vec<Selecting> {
        self.waiting.drain(..).map(|call| call.selecting).collect()
    }

    /// When the first one gives up that waits for nothing but those before it.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.iter().filter(|call| call.is_told()).map(|call| call.selecting.deadline()).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.going.is_empty()
    }

    /// Lets the collector of cycles see what the line holds.
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for InLine { selecting, context, .. } in self.waiting.iter().chain(&self.going) {
            visit.call(context)?;
            visit.call(&selecting.future)?;
            selecting.messages.iter().try_for_each(|message| visit.call(message))?;
        }
        Ok(())
    }
}
