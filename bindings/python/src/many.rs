//! A list of messages on its way: what waits for room, what has its outcome.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use rocketmq_producer::{self as rmq, BatchError, CompletionQueue, Error, ErrorCode, Producer, Tag, sys};

use crate::error::{is_queue_full, no_room, raise};
use crate::hooks::Hooks;
use crate::kept::names;
use crate::message::{Message, hand_over};
use crate::outgoing::{Outgoing, with_views};
use crate::receipt::Receipt;

/// So many messages are handed over at once.
const CHUNK: usize = 256;

/// How the messages of one call travel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Travel {
    /// Each by itself.
    SideBySide,
    /// As one wire batch.
    OneBatch,
}

/// The messages of one `send_many` or `send_batch`, with a place for the outcome of each.
pub(crate) struct Many {
    messages: Vec<Outgoing>,
    travel: Travel,
    /// Not yet accepted, in their order.
    waiting: VecDeque<usize>,
    outcomes: Vec<Option<Outcome>>,
    /// How many have no outcome.
    open: usize,
    deadline: Instant,
    started: Instant,
}

enum Outcome {
    Core(Result<rmq::Receipt, Error>),
    NoRoom(Duration),
    /// It was not handed over: the queues that its selector chooses from could not be had, or the producer has ended.
    Refused(PyErr),
}

impl Many {
    pub(crate) fn new(py: Python<'_>, messages: Vec<Outgoing>, travel: Travel, timeout: Duration) -> Self {
        let (count, started) = (messages.len(), Instant::now());
        let mut failures: Vec<_> = messages.iter().map(|message| message.failure(py)).collect();
        if travel == Travel::OneBatch
            && let Some(first) = failures.iter().flatten().next().map(|error| error.clone_ref(py))
        {
            // All or none.
            failures.fill_with(|| Some(first.clone_ref(py)));
        }
        let mut many = Self {
            messages,
            travel,
            waiting: VecDeque::new(),
            outcomes: std::iter::repeat_with(|| None).take(count).collect(),
            open: count,
            deadline: started + timeout,
            started,
        };
        for (item, failure) in failures.into_iter().enumerate() {
            match failure {
                Some(error) => many.settle(item, Outcome::Refused(error)),
                None => many.waiting.push_back(item),
            }
        }
        many
    }

    /// Hands over what there is room for; `word` is the first word of the tags, the item the second. With
    /// `wait_for_room` the rest stays waiting, else it fails. What cannot be handed over at all fails as well.
    pub(crate) fn submit(
        &mut self,
        py: Python<'_>,
        producer: &Producer,
        queue: &CompletionQueue,
        word: usize,
        wait_for_room: bool,
    ) {
        while !self.waiting.is_empty() {
            let chunk: Vec<usize> = match self.travel {
                Travel::SideBySide => self.waiting.iter().take(CHUNK).copied().collect(),
                Travel::OneBatch => self.waiting.iter().copied().collect(),
            };
            let results = self.submit_chunk(py, producer, queue, word, &chunk);
            self.waiting.drain(..chunk.len());
            let mut refused = Vec::new();
            for (item, result) in chunk.into_iter().zip(results) {
                match result {
                    Ok(()) => {}
                    Err(error) if wait_for_room && is_queue_full(&error) => refused.push(item),
                    Err(error) => self.settle(item, Outcome::Core(Err(error))),
                }
            }
            if !refused.is_empty() {
                refused.into_iter().rev().for_each(|item| self.waiting.push_front(item));
                break;
            }
        }
    }

    /// Whether each was accepted.
    fn submit_chunk(
        &self,
        py: Python<'_>,
        producer: &Producer,
        queue: &CompletionQueue,
        word: usize,
        chunk: &[usize],
    ) -> Vec<Result<(), Error>> {
        let tags: Vec<Tag> = chunk.iter().map(|item| Tag(word, *item)).collect();
        let left = Some(self.deadline.saturating_duration_since(Instant::now()));
        let mut results = vec![Ok(()); chunk.len()];
        let accepted = with_views(chunk.iter().map(|item| &self.messages[*item]), |views| {
            hand_over(py, views, || match self.travel {
                Travel::SideBySide => producer.send_many(views, left, queue, &tags, &mut results).map(drop),
                Travel::OneBatch => producer.send_batch_queued(views, left, queue, &tags),
            })
        });
        if let Err(error) = accepted {
            results.fill(Err(error));
        }
        results
    }

    /// Notes the outcome of an accepted item.
    pub(crate) fn complete(&mut self, item: usize, result: Result<rmq::Receipt, Error>) {
        self.settle(item, Outcome::Core(result));
    }

    /// Fails everything that still waits for room.
    pub(crate) fn expire(&mut self) {
        let waited = self.started.elapsed();
        while let Some(item) = self.waiting.pop_front() {
            self.settle(item, Outcome::NoRoom(waited));
        }
    }

    /// Fails everything that was not handed over with this error.
    pub(crate) fn refuse(&mut self, py: Python<'_>, error: &PyErr) {
        while let Some(item) = self.waiting.pop_front() {
            self.settle(item, Outcome::Refused(error.clone_ref(py)));
        }
    }

    fn settle(&mut self, item: usize, outcome: Outcome) {
        if let Some(place) = self.outcomes.get_mut(item)
            && place.replace(outcome).is_none()
        {
            self.open -= 1;
        }
    }

    /// Whether some wait for room.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether every message has its outcome.
    pub(crate) fn is_done(&self) -> bool {
        self.open == 0
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Ends it.
    pub(crate) fn into_outcomes(self, py: Python<'_>) -> PyResult<Outcomes> {
        let objects = self.outcomes.into_iter().flatten().map(|outcome| match outcome {
            Outcome::Core(Ok(receipt)) => Ok(Py::new(py, Receipt::new(receipt))?.into_any()),
            Outcome::Core(Err(error)) => outcome_of(py, raise(&error)),
            Outcome::Refused(error) => outcome_of(py, error),
            Outcome::NoRoom(waited) => outcome_of(py, no_room(py, waited)),
        });
        Ok(Outcomes {
            objects: objects.collect::<PyResult<_>>()?,
            messages: self.messages,
            travel: self.travel,
        })
    }
}

/// The object of an error in the place of its message.
///
/// # Errors
/// What is no error of a message but ends the call, such as Ctrl-C.
fn outcome_of(py: Python<'_>, error: PyErr) -> PyResult<Py<PyAny>> {
    match error.is_instance_of::<PyException>(py) {
        true => Ok(error.into_value(py).into_any()),
        false => Err(error),
    }
}

/// A receipt or an exception for each message.
pub(crate) struct Outcomes {
    messages: Vec<Outgoing>,
    travel: Travel,
    objects: Vec<Py<PyAny>>,
}

impl Outcomes {
    /// Of a batch that the core may have sent in several.
    pub(crate) fn of_split(
        py: Python<'_>,
        messages: Vec<Outgoing>,
        result: Result<Vec<rmq::Receipt>, BatchError>,
    ) -> PyResult<Self> {
        let object = |receipt| Ok::<_, PyErr>(Py::new(py, Receipt::new(receipt))?.into_any());
        let objects = match result {
            Ok(receipts) => receipts.into_iter().map(object).collect::<PyResult<Vec<_>>>()?,
            Err(BatchError { error, receipts, positions }) => {
                let error = outcome_of(py, raise(&error))?;
                let mut objects: Vec<_> = messages.iter().map(|_| error.clone_ref(py)).collect();
                for (position, receipt) in positions.into_iter().zip(receipts) {
                    objects[position] = object(receipt)?;
                }
                objects
            }
        };
        Ok(Self { messages, travel: Travel::OneBatch, objects })
    }

    /// What the call gives: the list of all, in their order; of a batch the receipts.
    ///
    /// # Errors
    /// Of a batch the first message's that failed, with the receipts of the others.
    pub(crate) fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        if self.travel == Travel::SideBySide {
            return PyList::new(py, &self.objects);
        }
        if self.objects.is_empty() {
            return Err(raise(&Error::new(ErrorCode::MessageIllegal, "the batch has no messages")));
        }
        let (receipts, errors): (Vec<_>, Vec<_>) = self
            .objects
            .iter()
            .map(|object| object.bind(py))
            .partition(|object| object.is_instance_of::<Receipt>());
        match errors.first() {
            None => PyList::new(py, receipts),
            Some(error) => Err(failed_batch(error, receipts)?),
        }
    }

    /// Tells the hooks.
    ///
    /// # Errors
    /// The first thing that a hook raised and that is no `Exception`; the others were told all the same.
    pub(crate) fn tell(&self, py: Python<'_>, hooks: &Hooks) -> PyResult<()> {
        let mut first = Ok(());
        for (message, object) in self.messages.iter().zip(&self.objects) {
            first = first
                .and(message.object().map_or(Ok(()), |message| hooks.after(py, message, object.bind(py))));
        }
        first
    }
}

/// The error of a batch, with the receipts of what is stored nevertheless.
fn failed_batch<'py>(
    error: &Bound<'py, PyAny>,
    receipts: impl IntoIterator<Item = impl IntoPyObject<'py>, IntoIter: ExactSizeIterator>,
) -> PyResult<PyErr> {
    let py = error.py();
    error.setattr(&names(py).receipts, PyTuple::new(py, receipts)?)?;
    Ok(PyErr::from_value(error.clone()))
}

/// The messages of an iterable.
///
/// # Errors
/// `TypeError` for an item that is not a `Message`.
pub(crate) fn collect(messages: &Bound<'_, PyAny>) -> PyResult<Vec<Py<Message>>> {
    sys::guard_thread();
    messages.try_iter()?.map(|item| Ok(item?.cast_into::<Message>()?.unbind())).collect()
}
