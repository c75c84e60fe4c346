//! Sends whose selectors choose among queues that may have to be looked up first.

use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyList};
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{ErrorCode, sys};

use super::door::Door;
use crate::error::{raise, refuse};
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::kept::names;
use crate::many::{Many, Travel};
use crate::message::{Message, hand_over};
use crate::outgoing::Outgoing;
use crate::selector::{select, topics};
use crate::timeout::seconds;

/// Which call it is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Send,
    Oneway,
    Many(Travel),
}

/// A call of a send that waits for the queues of its topics. `rmq.aio.Producer` looks them up.
#[pyclass(frozen, module = "rmq._rmq")]
pub(crate) struct Selecting {
    door: Py<Door>,
    handle: Arc<Handle>,
    kind: Kind,
    topics: Vec<PyBackedStr>,
    /// Nothing once it was sent or given up.
    messages: Mutex<Vec<Py<Message>>>,
}

impl Selecting {
    /// Lets the producer see to the queues. Gives the future of the outcome.
    pub(super) fn start<'py>(
        producer: &Bound<'py, PyAny>,
        handle: &Arc<Handle>,
        door: Bound<'py, Door>,
        messages: Vec<Py<Message>>,
        kind: Kind,
        timeout: Duration,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = producer.py();
        let selecting = Self {
            door: door.unbind(),
            handle: Arc::clone(handle),
            kind,
            topics: topics(&messages).into_iter().map(|topic| topic.clone_ref(py)).collect(),
            messages: Mutex::new(messages),
        };
        producer.call_method1(&names(py).when_routed, (selecting, timeout.as_secs_f64()))
    }

    fn take(&self) -> Vec<Py<Message>> {
        std::mem::take(&mut *self.messages.lock())
    }

    fn select(
        &self,
        py: Python<'_>,
        messages: &[Py<Message>],
        found: &Bound<'_, PyDict>,
    ) -> PyResult<Vec<Outgoing>> {
        let one_batch = matches!(self.kind, Kind::Many(Travel::OneBatch));
        select(py, messages, one_batch, |topic| match found.get_item(topic)? {
            Some(queues) if queues.is_instance_of::<PyList>() => queues.extract(),
            Some(error) => Err(PyErr::from_value(error)),
            None => self.handle.known_queues(py, topic),
        })
    }

    /// The future of an outcome that is known already.
    fn failed<'py>(
        &self,
        py: Python<'py>,
        messages: &[Py<Message>],
        error: &PyErr,
    ) -> PyResult<Bound<'py, PyAny>> {
        let door = self.door.get();
        if let Kind::Oneway = self.kind {
            door.hooks.all_failed(py, messages, error)?;
            return Err(error.clone_ref(py));
        }
        let future = door.new_future(py)?;
        future.call_method1(&names(py).set_exception, (error.clone_ref(py).into_value(py),))?;
        door.hooks.all_failed(py, messages, error)?;
        Ok(future)
    }
}

#[pymethods]
impl Selecting {
    /// The topics whose queues are needed.
    #[getter]
    fn topics(&self) -> Vec<&PyBackedStr> {
        self.topics.iter().collect()
    }

    /// Asks the selectors and sends; `found` has the queues of topics that were looked up, or the error why they
    /// could not be had. The future of the outcome, or `None` if there is none.
    fn send<'py>(
        &self,
        py: Python<'py>,
        found: &Bound<'py, PyDict>,
        timeout: f64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        sys::guard_thread();
        let timeout = seconds(timeout)?;
        let messages = self.take();
        let mut selected = match self.select(py, &messages, found) {
            Ok(selected) => selected,
            Err(error) => return self.failed(py, &messages, &error).map(Some),
        };
        let door = self.door.bind(py);
        if let Kind::Many(travel) = self.kind {
            let many = Many::new(py, selected, travel, timeout);
            return Door::send_many(door, &self.handle, many).map(Some);
        }
        let Some(message) = selected.pop() else { return Ok(None) };
        if let Some(error) = message.failure(py) {
            return self.failed(py, &messages, &error).map(Some);
        }
        match self.kind {
            Kind::Oneway => {
                send_oneway(py, &self.handle, &door.get().hooks, &message, timeout).map(|()| None)
            }
            _ => Door::send(door, &self.handle, message, timeout).map(Some),
        }
    }

    /// Gives up, unless it was sent.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        sys::guard_thread();
        let (messages, hooks) = (self.take(), &self.door.get().hooks);
        if messages.is_empty() || !hooks.want_outcomes() {
            return Ok(());
        }
        let error = refuse(ErrorCode::NoRoute, "cancelled while the queues of its topic were looked up");
        hooks.all_failed(py, &messages, &error)
    }
}

/// Hands over a message without an answer.
pub(super) fn send_oneway(
    py: Python<'_>,
    handle: &Handle,
    hooks: &Hooks,
    message: &Outgoing,
    timeout: Duration,
) -> PyResult<()> {
    let producer = handle.producer()?;
    let sent = message
        .lend(|message| hand_over(py, from_ref(message), || producer.send_oneway(message, Some(timeout))));
    match sent.map_err(|error| raise(&error)) {
        Ok(()) => message.object().map_or(Ok(()), |message| hooks.after(py, message, py.None().bind(py))),
        Err(error) => {
            message.object().map_or(Ok(()), |message| hooks.failed(py, message, &error))?;
            Err(error)
        }
    }
}
