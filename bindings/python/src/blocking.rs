//! `rmq.Producer`: calls that block.

mod sends;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyException, PyTimeoutError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::sys::PerFork;
use rocketmq_producer::{self as rmq, CompletionQueue, Error, Event, Tag};

use crate::config::{Door, prepare};
use crate::error::raise;
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::selector::Queues;
use crate::timeout::{UNBOUNDED, optional, seconds};
use crate::waiting::wait;

/// Of a call that has its queue for itself.
const CALL: Tag = Tag(0, 0);

/// So many idle completion queues are kept; where threads are greenlets each has a descriptor.
const IDLE: usize = 64;

/// A producer whose calls block. Threads may share it.
///
/// Each waiting call waits for a completion queue of its own, so that other threads or greenlets run and Ctrl-C is seen.
#[pyclass(frozen, module = "rmq")]
pub(crate) struct Producer {
    handle: Handle,
    hooks: Hooks,
    /// Empty completion queues that no call uses.
    idle: PerFork<Mutex<Vec<CompletionQueue>>>,
}

impl Producer {
    fn take_queue(&self) -> CompletionQueue {
        self.idle.get().and_then(|idle| idle.lock().pop()).unwrap_or_default()
    }

    /// Gives back a queue to which nothing is on its way but that there is room.
    fn keep_queue(&self, queue: CompletionQueue) {
        let made = self.idle.get_or_try_init(|_| Ok::<_, Infallible>(Mutex::default()));
        let mut idle = made.unwrap_or_else(|never| match never {}).lock();
        if idle.len() < IDLE {
            idle.push(queue);
        }
    }

    /// When a call that begins now and may last so many seconds is over.
    fn deadline(&self, timeout: Option<f64>) -> PyResult<Instant> {
        Ok(Instant::now() + optional(timeout)?.unwrap_or(self.handle.send_timeout))
    }

    fn look_up(&self, py: Python<'_>, topic: &str, deadline: Instant) -> PyResult<Queues> {
        if let Some(queues) = self.handle.known_queues(py, topic)? {
            return Ok(queues);
        }
        let left = left_until(deadline);
        let begin = |producer: &rmq::Producer, queue: &_| producer.look_up(topic, left, queue, CALL);
        self.call(py, begin, |event| match event {
            Event::Routed(routed) => Some(routed.result),
            _ => None,
        })
    }

    /// Waits for the end of a call that `begin` begins, which ends by its own timeout with an event.
    fn call<T>(
        &self,
        py: Python<'_>,
        begin: impl FnOnce(&rmq::Producer, &CompletionQueue) -> Result<(), Error>,
        result: impl Fn(Event) -> Option<Result<T, Error>>,
    ) -> PyResult<T> {
        let queue = self.take_queue();
        begin(self.handle.producer()?, &queue).map_err(|error| raise(&error))?;
        let mut events = Vec::with_capacity(1);
        let result = loop {
            wait(py, &queue, &mut events, UNBOUNDED)?;
            if let Some(result) = events.drain(..).find_map(&result) {
                break result;
            }
        };
        self.keep_queue(queue);
        result.map_err(|error| raise(&error))
    }
}

fn of_call(event: Event) -> Option<Result<(), Error>> {
    match event {
        Event::Done(done) => Some(done.result),
        _ => None,
    }
}

fn left_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

shared_methods! { Producer }

#[pymethods]
impl Producer {
    #[new]
    #[pyo3(signature = (group, name_server=None, *, config=None, before_send=None, after_send=None, **options))]
    fn new(
        py: Python<'_>,
        group: &str,
        name_server: Option<&Bound<'_, PyAny>>,
        config: Option<&Bound<'_, PyAny>>,
        before_send: Option<&Bound<'_, PyAny>>,
        after_send: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let hooks = Hooks::new(before_send, after_send)?;
        let handle = Handle::new(prepare(py, Door::Blocking, group, name_server, config, options)?)?;
        Ok(Self { handle, hooks, idle: PerFork::new() })
    }

    /// The queues of a topic that may be written, as broker and number, in the Java client's order.
    #[pyo3(signature = (topic, timeout=None))]
    fn queues(&self, py: Python<'_>, topic: &str, timeout: Option<f64>) -> PyResult<Queues> {
        self.look_up(py, topic, self.deadline(timeout)?)
    }

    /// Waits until a name server has answered.
    #[pyo3(signature = (timeout=10.0))]
    fn wait_ready(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let timeout = seconds(timeout)?;
        self.call(py, |producer, queue| producer.wait_ready_queued(timeout, queue, CALL), of_call)
    }

    /// Waits until no send is without its outcome and one-way sends are written.
    #[pyo3(signature = (timeout=None))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let timeout = optional(timeout)?.unwrap_or(UNBOUNDED);
        self.call(py, |producer, queue| producer.flush_queued(timeout, queue, CALL), of_call)
    }

    /// Refuses new sends, waits for the outcomes of those under way, fails the rest as closed.
    #[pyo3(signature = (timeout=None))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let timeout = optional(timeout)?.unwrap_or(UNBOUNDED);
        self.call(py, |producer, queue| producer.close_queued(timeout, queue, CALL), of_call)
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> PyResult<bool> {
        Ok(self.handle.producer()?.is_closed())
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    /// Closes; at once if something like Ctrl-C or `sys.exit` ends the block.
    #[pyo3(signature = (kind, error, traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: Option<&Bound<'_, PyAny>>,
        error: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (kind, traceback);
        if self.handle.is_forked() {
            return Ok(());
        }
        if error.is_some_and(|error| !error.is_instance_of::<PyException>()) {
            // What ended the block is raised, not that sends were cut off by it.
            return self.close(py, Some(0.0)).or_else(|error| {
                match error.is_instance_of::<PyTimeoutError>(py) {
                    true => Ok(()),
                    false => Err(error),
                }
            });
        }
        self.close(py, None)
    }

    fn __repr__(&self) -> PyResult<String> {
        let producer = self.handle.producer()?;
        Ok(format!("<rmq.Producer group={:?} in_flight={}>", producer.group(), producer.in_flight()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.hooks.traverse(&visit)
    }
}
