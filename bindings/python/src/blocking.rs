//! `rmq.Producer`: calls that block.

use std::convert::Infallible;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyException, PyTimeoutError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyList};
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::sys::PerFork;
use rocketmq_producer::{self as rmq, CompletionQueue, Error, Report, Tag};

use crate::config::{Door, prepare};
use crate::error::{is_queue_full, no_room, raise};
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::keywords::Arguments;
use crate::many::{self, Many, Outcomes, Travel};
use crate::message::{Message, hand_over};
use crate::outgoing::{Outgoing, with_views};
use crate::receipt::Receipt;
use crate::selector::{Queues, select, select_one};
use crate::timeout::{UNBOUNDED, optional, seconds};
use crate::waiting::{close, interruptible, wait, wait_for_room};

/// So many idle completion queues are kept; where threads are greenlets each has a descriptor.
const IDLE: usize = 64;

/// How often those that wait for room look whether there is some.
const LOOK_FOR_ROOM: Duration = Duration::from_millis(5);

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

    /// Gives back a queue to which no report is on its way.
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
        if let Ok(queues) = self.handle.known_queues(py, topic) {
            return Ok(queues);
        }
        let (producer, topic) = (self.handle.producer()?.clone(), topic.to_owned());
        let left = left_until(deadline);
        interruptible(py, move || producer.queues(&topic, left))?.map_err(|error| raise(&error))
    }

    /// What `send` does.
    fn send_and_wait<'py>(
        slf: &Bound<'py, Self>,
        arguments: Arguments<'_, 'py>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, Receipt>> {
        let (py, own) = (slf.py(), slf.get());
        let (message, deadline) = own.accept(py, arguments, timeout)?;
        let sent = own.exchange(py, &message, deadline);
        let outcome = sent.and_then(|receipt| Bound::new(py, Receipt::new(receipt)));
        own.tell(py, &message, outcome)
    }

    /// What `send_oneway` does.
    fn send_and_forget<'py>(
        slf: &Bound<'py, Self>,
        arguments: Arguments<'_, 'py>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let (py, own) = (slf.py(), slf.get());
        let (message, deadline) = own.accept(py, arguments, timeout)?;
        let sent = own.hand_over_oneway(py, &message, deadline);
        let outcome = sent.map(|()| py.None().into_bound(py));
        own.tell(py, &message, outcome).map(drop)
    }

    /// The message of a call, which the hook has seen, and when its time is over.
    fn accept(
        &self,
        py: Python<'_>,
        arguments: Arguments<'_, '_>,
        timeout: Option<f64>,
    ) -> PyResult<(Py<Message>, Instant)> {
        let message = Message::from_call(arguments)?.map_err(|error| raise(&error))?;
        let deadline = self.deadline(timeout)?;
        self.handle.producer()?;
        Ok((self.hooks.before(py, Py::new(py, message)?)?, deadline))
    }

    /// Sends a message and waits for its receipt.
    fn exchange(&self, py: Python<'_>, message: &Py<Message>, deadline: Instant) -> PyResult<rmq::Receipt> {
        let message = select_one(py, message, |topic| self.look_up(py, topic, deadline))?;
        let producer = self.handle.producer()?;
        let queue = self.take_queue();
        message.lend(|message| {
            let send = |left| producer.send_queued(message, Some(left), &queue, Tag(0, 0));
            self.when_room(py, deadline, |left| hand_over(py, from_ref(message), || send(left)))
        })?;
        let mut reports = Vec::with_capacity(1);
        let report = loop {
            wait(py, &queue, &mut reports, UNBOUNDED)?;
            if let Some(report) = reports.pop() {
                break report;
            }
        };
        self.keep_queue(queue);
        report.result.map_err(|error| raise(&error))
    }

    fn hand_over_oneway(&self, py: Python<'_>, message: &Py<Message>, deadline: Instant) -> PyResult<()> {
        let message = select_one(py, message, |topic| self.look_up(py, topic, deadline))?;
        let producer = self.handle.producer()?;
        message.lend(|message| {
            let send = |left| producer.send_oneway(message, Some(left));
            self.when_room(py, deadline, |left| hand_over(py, from_ref(message), || send(left)))
        })
    }

    /// Tells the hook what became of a message, and gives it back.
    fn tell<'py, T>(
        &self,
        py: Python<'py>,
        message: &Py<Message>,
        outcome: PyResult<Bound<'py, T>>,
    ) -> PyResult<Bound<'py, T>> {
        match &outcome {
            Ok(object) => self.hooks.after(py, message, object.as_any())?,
            Err(error) => self.hooks.failed(py, message, error)?,
        }
        outcome
    }

    /// Sends messages and waits for the outcomes of all.
    fn send_all<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
        travel: Travel,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let deadline = self.deadline(timeout)?;
        let messages = many::collect(messages)?;
        self.handle.producer()?;
        let messages = self.hooks.before_all(py, messages)?;
        let look_up = |topic: &PyBackedStr| self.look_up(py, topic, deadline);
        let messages = match select(py, &messages, travel == Travel::OneBatch, look_up) {
            Ok(messages) => messages,
            Err(error) => {
                self.hooks.all_failed(py, &messages, &error)?;
                return Err(error);
            }
        };
        let are_complete = messages.iter().all(|message| message.failure(py).is_none());
        let outcomes = match travel {
            Travel::OneBatch if self.handle.split_batches && are_complete => {
                self.send_split(py, messages, deadline)?
            }
            _ => self.wait_for_all(py, Many::new(py, messages, travel, left_until(deadline)))?,
        };
        outcomes.tell(py, &self.hooks)?;
        outcomes.result(py)
    }

    fn wait_for_all(&self, py: Python<'_>, mut many: Many) -> PyResult<Outcomes> {
        let producer = self.handle.producer()?;
        let queue = self.take_queue();
        let mut reports = Vec::new();
        loop {
            if many.is_waiting() && many.deadline() <= Instant::now() {
                many.expire();
            }
            many.submit(py, producer, &queue, 0, self.handle.wait_for_room);
            if many.is_done() {
                break;
            }
            let at_most = if many.is_waiting() { LOOK_FOR_ROOM } else { UNBOUNDED };
            wait(py, &queue, &mut reports, at_most)?;
            for Report { tag, result, .. } in reports.drain(..) {
                many.complete(tag.1, result);
            }
        }
        self.keep_queue(queue);
        many.into_outcomes(py)
    }

    /// A batch of any size: the core makes wire batches of it, one after the other.
    fn send_split(&self, py: Python<'_>, messages: Vec<Outgoing>, deadline: Instant) -> PyResult<Outcomes> {
        let producer = self.handle.producer()?.clone();
        let send = move || {
            let result =
                with_views(&messages, |views| producer.send_batch(views, Some(left_until(deadline))));
            (messages, result)
        };
        let (messages, result) = interruptible(py, send)?;
        Outcomes::of_split(py, messages, result)
    }

    /// Calls `send` until there is room, at most to the deadline; the argument is the time left.
    fn when_room(
        &self,
        py: Python<'_>,
        deadline: Instant,
        mut send: impl FnMut(Duration) -> Result<(), Error>,
    ) -> PyResult<()> {
        let (producer, started) = (self.handle.producer()?, Instant::now());
        let mut refusals = 0;
        loop {
            match send(left_until(deadline)) {
                Err(error) if self.handle.wait_for_room && is_queue_full(&error) => {}
                outcome => return outcome.map_err(|error| raise(&error)),
            }
            let left = left_until(deadline);
            if left.is_zero() {
                return Err(no_room(py, started.elapsed()));
            }
            wait_for_room(py, producer, left, refusals)?;
            refusals += 1;
        }
    }
}

fn left_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

send_method! {
    /// Sends a message and waits for its receipt.
    Producer.send = send_and_wait -> Bound<'py, Receipt>;
}
send_method! {
    /// Sends a message without waiting for an answer; the broker gives none.
    Producer.send_oneway = send_and_forget -> ();
}

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

    /// Sends messages side by side and waits for all of them: a receipt or an exception for each, in order.
    #[pyo3(signature = (messages, *, timeout=None))]
    fn send_many<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.send_all(py, messages, Travel::SideBySide, timeout)
    }

    /// Sends messages as one wire batch and waits for their receipts, in order.
    #[pyo3(signature = (messages, *, timeout=None))]
    fn send_batch<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.send_all(py, messages, Travel::OneBatch, timeout)
    }

    /// The queues of a topic that may be written, as broker and number, in the Java client's order.
    #[pyo3(signature = (topic, timeout=None))]
    fn queues(&self, py: Python<'_>, topic: &str, timeout: Option<f64>) -> PyResult<Queues> {
        self.look_up(py, topic, self.deadline(timeout)?)
    }

    /// Takes other name servers; sends under way go on.
    fn set_name_servers(&self, addresses: &Bound<'_, PyAny>) -> PyResult<()> {
        self.handle.set_name_servers(addresses)
    }

    /// Waits until a name server has answered.
    #[pyo3(signature = (timeout=10.0))]
    fn wait_ready(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let timeout = seconds(timeout)?;
        let producer = self.handle.producer()?.clone();
        interruptible(py, move || producer.wait_ready(timeout))?.map_err(|error| raise(&error))
    }

    /// Waits until every accepted send has its outcome and one-way sends are written.
    #[pyo3(signature = (timeout=None))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let timeout = optional(timeout)?.unwrap_or(UNBOUNDED);
        let producer = self.handle.producer()?.clone();
        interruptible(py, move || producer.flush(timeout))?.map_err(|error| raise(&error))
    }

    /// Refuses new sends, waits for the outcomes of those under way, fails the rest as closed.
    #[pyo3(signature = (timeout=None))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        close(py, self.handle.producer()?, optional(timeout)?.unwrap_or(UNBOUNDED))
    }

    /// What the producer has done, and how it stands.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.stats(py)
    }

    /// The same as text for Prometheus.
    fn prometheus(&self, py: Python<'_>) -> PyResult<String> {
        self.handle.prometheus(py)
    }

    /// How many messages are under way.
    #[getter]
    fn in_flight(&self) -> PyResult<usize> {
        Ok(self.handle.producer()?.in_flight())
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> PyResult<bool> {
        Ok(self.handle.producer()?.is_closed())
    }

    /// The client id the brokers know this producer by.
    #[getter]
    fn client_id(&self) -> PyResult<&str> {
        Ok(self.handle.producer()?.client_id())
    }

    /// The producer group.
    #[getter]
    fn group(&self) -> PyResult<&str> {
        Ok(self.handle.producer()?.group())
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
