//! The program's own choice of a queue.
//!
//! Selectors run on the caller's thread or the loop's own, before the core has the message: its threads never enter
//! the interpreter. The core is then told the queue that was chosen.

use std::collections::HashMap;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyTuple;
use rocketmq_producer::ErrorCode;

use crate::destination::Destination;
use crate::error::refuse;
use crate::message::Message;
use crate::outgoing::Outgoing;

/// The queues of a topic that may be written, as broker and number.
pub(crate) type Queues = Vec<(String, i32)>;

/// The topics whose queues the selectors of these messages need, each once.
pub(crate) fn topics(messages: &[Py<Message>]) -> Vec<&PyBackedStr> {
    let mut topics: Vec<&PyBackedStr> = Vec::new();
    for message in messages.iter().map(Py::get).filter(|message| message.queue_selector().is_some()) {
        if !topics.contains(&message.topic_name()) {
            topics.push(message.topic_name());
        }
    }
    topics
}

/// Asks the selectors of the messages. Messages of one batch with the same selector share its answer; `look_up` is
/// called once for each topic that a selector is asked about, and its error becomes that of the topic's messages.
///
/// # Errors
/// What a selector raised; `ForbiddenError` and `TypeError` for an answer that is no queue.
pub(crate) fn select(
    py: Python<'_>,
    messages: &[Py<Message>],
    one_batch: bool,
    mut look_up: impl FnMut(&PyBackedStr) -> PyResult<Queues>,
) -> PyResult<Vec<Outgoing>> {
    let mut known: HashMap<String, PyResult<Queues>> = HashMap::new();
    let mut asked: Vec<Outgoing> = Vec::with_capacity(messages.len());
    for message in messages {
        let message = message.clone_ref(py);
        let Some(selector) = message.get().queue_selector() else {
            asked.push(Outgoing::plain(message));
            continue;
        };
        let selector = selector.clone_ref(py).into_bound(py);
        let topic = message.get().topic_name();
        let queues = known.entry(topic.to_string()).or_insert_with(|| writable(topic, look_up(topic)));
        let chosen = match queues {
            Err(error) => Err(error.clone_ref(py)),
            Ok(queues) => match asked.first().filter(|first| one_batch && first.has_selector(&selector)) {
                Some(first) => first.choice(py),
                None => Ok(Some(choose(&selector, queues)?)),
            },
        };
        asked.push(Outgoing::chosen(message, chosen));
    }
    Ok(asked)
}

/// The queues, if there are any: a selector is not asked to choose among none.
fn writable(topic: &str, queues: PyResult<Queues>) -> PyResult<Queues> {
    match queues {
        Ok(queues) if queues.is_empty() => {
            Err(refuse(ErrorCode::NoRoute, format!("topic {topic} has no queue that may be written")))
        }
        queues => queues,
    }
}

/// What the selector answers: an index of the queues, or one of them.
fn choose(selector: &Bound<'_, PyAny>, queues: &[(String, i32)]) -> PyResult<Destination> {
    let py = selector.py();
    let offered = queues.iter().map(|queue| queue.into_pyobject(py)).collect::<PyResult<Vec<_>>>()?;
    let answer = selector.call1((offered.clone(),))?;
    let queue = if let Ok(index) = answer.extract::<i64>() {
        usize::try_from(index).ok().and_then(|index| offered.get(index)).cloned()
    } else if answer.is_none() {
        None
    } else if let Ok(queue) = answer.cast::<PyTuple>() {
        offered.iter().find(|offered| offered.eq(queue).unwrap_or(false)).cloned()
    } else {
        return Err(PyTypeError::new_err(format!(
            "selector returned {}: it must be an index of the list or one of its items",
            answer.repr()?
        )));
    };
    let Some(queue) = queue else {
        let text = format!("selector returned {}, which is none of {} queues", answer.repr()?, queues.len());
        return Err(refuse(ErrorCode::Forbidden, text));
    };
    let (broker, queue_id) = queue.extract()?;
    Ok(Destination::Queue(broker, queue_id))
}

/// The same for one message.
///
/// # Errors
/// That of `look_up` too.
pub(crate) fn select_one(
    py: Python<'_>,
    message: &Py<Message>,
    look_up: impl FnOnce(&PyBackedStr) -> PyResult<Queues>,
) -> PyResult<Outgoing> {
    let chosen = match message.get().queue_selector() {
        Some(selector) => {
            let topic = message.get().topic_name();
            Some(choose(selector.bind(py), &writable(topic, look_up(topic))?)?)
        }
        None => None,
    };
    Ok(Outgoing::chosen(message.clone_ref(py), Ok(chosen)))
}
