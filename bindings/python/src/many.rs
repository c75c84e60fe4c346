//! A list of messages on its way: what waits for room, what has its outcome.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyList;
use rocketmq_producer::{self as rmq, CompletionQueue, Error, Producer, Tag};

use crate::error::{is_queue_full, no_room, raise};
use crate::message::{Message, hand_over};
use crate::receipt::Receipt;

/// So many messages are handed over at once.
const CHUNK: usize = 256;

/// The messages of one `send_many`, with a place for the outcome of each.
pub(crate) struct Batch {
    messages: Vec<Py<Message>>,
    /// Not yet accepted, in their order.
    waiting: VecDeque<usize>,
    outcomes: Vec<Option<Outcome>>,
    /// How many have no outcome.
    open: usize,
    started: Instant,
    timeout: Duration,
}

enum Outcome {
    Core(Result<rmq::Receipt, Error>),
    NoRoom(Duration),
    /// The message could not be read.
    Unread(PyErr),
}

impl Batch {
    pub(crate) fn new(messages: Vec<Py<Message>>, timeout: Duration) -> Self {
        let count = messages.len();
        Self {
            messages,
            waiting: (0..count).collect(),
            outcomes: std::iter::repeat_with(|| None).take(count).collect(),
            open: count,
            started: Instant::now(),
            timeout,
        }
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
            let chunk: Vec<usize> = self.waiting.iter().take(CHUNK).copied().collect();
            let submitted = self.submit_chunk(py, producer, queue, word, &chunk);
            self.waiting.drain(..chunk.len());
            let results = match submitted {
                Ok(Ok(results)) => results,
                Ok(Err(error)) => vec![Err(error); chunk.len()],
                Err(error) => {
                    for item in chunk {
                        self.settle(item, Outcome::Unread(error.clone_ref(py)));
                    }
                    continue;
                }
            };
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

    /// The outer error is about reading the messages, the inner one about all of the chunk.
    fn submit_chunk(
        &self,
        py: Python<'_>,
        producer: &Producer,
        queue: &CompletionQueue,
        word: usize,
        chunk: &[usize],
    ) -> PyResult<Result<Vec<Result<(), Error>>, Error>> {
        let messages: Vec<&Message> = chunk.iter().map(|item| self.messages[*item].get()).collect();
        let parts: Vec<_> = messages.iter().map(|message| (message.keys(), message.properties())).collect();
        let views = messages
            .iter()
            .zip(&parts)
            .map(|(message, (keys, properties))| message.view(py, keys, properties));
        let views = views.collect::<PyResult<Vec<_>>>()?;
        let tags: Vec<Tag> = chunk.iter().map(|item| Tag(word, *item)).collect();
        let mut results = vec![Ok(()); chunk.len()];
        let left = self.deadline().saturating_duration_since(Instant::now());
        let accepted =
            hand_over(py, &views, || producer.send_many(&views, Some(left), queue, &tags, &mut results));
        Ok(accepted.map(|_| results))
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

    /// Fails everything that still waits for room with this error.
    pub(crate) fn refuse(&mut self, error: &Error) {
        while let Some(item) = self.waiting.pop_front() {
            self.settle(item, Outcome::Core(Err(error.clone())));
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
        self.started + self.timeout
    }

    /// A receipt or an exception for each message, in their order. Ends the batch.
    pub(crate) fn into_list(self, py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
        let objects = self.outcomes.into_iter().flatten().map(|outcome| match outcome {
            Outcome::Core(Ok(receipt)) => Ok(Py::new(py, Receipt::new(receipt))?.into_any()),
            Outcome::Core(Err(error)) => Ok(raise(&error).into_value(py).into_any()),
            Outcome::Unread(error) => Ok(error.into_value(py).into_any()),
            Outcome::NoRoom(waited) => Ok(no_room(py, waited).into_value(py).into_any()),
        });
        PyList::new(py, objects.collect::<PyResult<Vec<Py<PyAny>>>>()?)
    }
}

/// The messages of an iterable.
///
/// # Errors
/// `TypeError` for an item that is not a `Message`.
pub(crate) fn collect(messages: &Bound<'_, PyAny>) -> PyResult<Vec<Py<Message>>> {
    messages.try_iter()?.map(|item| Ok(item?.cast_into::<Message>()?.unbind())).collect()
}
