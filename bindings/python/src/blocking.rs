//! `rmq.Producer`: calls that block.

use std::slice::from_ref;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyException, PyTimeoutError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{CompletionQueue, Error, Report, Tag};

use crate::config::{Door, prepare};
use crate::delivery::DeliveryKeywords;
use crate::destination::DestinationKeywords;
use crate::error::{is_queue_full, no_room, raise};
use crate::handle::Handle;
use crate::many::{self, Batch};
use crate::message::{Extras, Message, hand_over};
use crate::receipt::Receipt;
use crate::timeout::{SIGNAL_SLICE, UNBOUNDED, optional, seconds};
use crate::waiting::{Room, interruptible};

/// So many reports are taken at once.
const REPORTS: usize = 256;

/// A producer whose calls block. Threads may share it.
///
/// Each waiting call polls a completion queue of its own, without the interpreter and in slices, so that other
/// threads run and Ctrl-C is seen.
#[pyclass(frozen, module = "rmq")]
pub(crate) struct Producer {
    handle: Handle,
    /// Empty completion queues that no call uses.
    queues: Mutex<Vec<CompletionQueue>>,
    room: Room,
}

impl Producer {
    fn take_queue(&self) -> CompletionQueue {
        self.queues.lock().pop().unwrap_or_default()
    }

    /// Gives back a queue to which no report is on its way.
    fn keep_queue(&self, queue: CompletionQueue) {
        self.queues.lock().push(queue);
    }

    /// Calls `send` until there is room, at most for `timeout`; the argument is the time left.
    fn when_room(
        &self,
        py: Python<'_>,
        timeout: Option<Duration>,
        mut send: impl FnMut(Duration) -> Result<(), Error>,
    ) -> PyResult<()> {
        let timeout = timeout.unwrap_or(self.handle.send_timeout);
        let started = Instant::now();
        let mut left = timeout;
        loop {
            match send(left) {
                Err(error) if self.handle.wait_for_room && is_queue_full(&error) => {}
                outcome => return outcome.map_err(|error| raise(&error)),
            }
            left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(no_room(py, started.elapsed()));
            }
            py.detach(|| self.room.wait(left));
            py.check_signals()?;
        }
    }

    /// Waits for reports; closes the queue when a signal ends the wait, so that late reports are dropped.
    fn poll(
        &self,
        py: Python<'_>,
        queue: &CompletionQueue,
        reports: &mut Vec<Report>,
        slice: Duration,
    ) -> PyResult<()> {
        py.detach(|| queue.poll(reports, REPORTS, slice));
        if reports.is_empty() {
            py.check_signals().inspect_err(|_| queue.close())?;
        }
        Ok(())
    }
}

#[pymethods]
impl Producer {
    #[new]
    #[pyo3(signature = (group, name_server=None, *, config=None, **options))]
    fn new(
        py: Python<'_>,
        group: &str,
        name_server: Option<&Bound<'_, PyAny>>,
        config: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let handle = Handle::new(prepare(py, Door::Blocking, group, name_server, config, options)?)?;
        Ok(Self { handle, queues: Mutex::default(), room: Room::default() })
    }

    /// Sends a message and waits for its receipt.
    #[pyo3(signature = (topic, body, *, tags=None, keys=None, properties=None, flag=0, delay_level=0,
                        delay_seconds=0, delay_ms=0, deliver_at_ms=0, sharding_key=None, queue=None,
                        wait_store_ok=true, timeout=None))]
    #[expect(clippy::too_many_arguments, reason = "Python keywords")]
    fn send<'py>(
        &self,
        py: Python<'py>,
        topic: Bound<'py, PyString>,
        body: &Bound<'py, PyAny>,
        tags: Option<Bound<'py, PyString>>,
        keys: Option<&Bound<'py, PyAny>>,
        properties: Option<&Bound<'py, PyAny>>,
        flag: i32,
        delay_level: i32,
        delay_seconds: i64,
        delay_ms: i64,
        deliver_at_ms: i64,
        sharding_key: Option<&Bound<'py, PyAny>>,
        queue: Option<&Bound<'py, PyAny>>,
        wait_store_ok: bool,
        timeout: Option<f64>,
    ) -> PyResult<Receipt> {
        let delivery = DeliveryKeywords { delay_level, delay_seconds, delay_ms, deliver_at_ms };
        let destination = DestinationKeywords { sharding_key, queue };
        let extras = Extras { tags, keys, properties, flag, delivery, destination, wait_store_ok };
        let message = Message::from_call(topic, body, extras)?.map_err(|error| raise(&error))?;
        let timeout = optional(timeout)?;
        let producer = self.handle.producer()?;
        let queue = self.take_queue();
        message.lend(py, |message| {
            let send = |left| producer.send_queued(message, Some(left), &queue, Tag(0, 0));
            self.when_room(py, timeout, |left| hand_over(py, from_ref(message), || send(left)))
        })??;
        let mut reports = Vec::with_capacity(1);
        let report = loop {
            self.poll(py, &queue, &mut reports, SIGNAL_SLICE)?;
            if let Some(report) = reports.pop() {
                break report;
            }
        };
        self.keep_queue(queue);
        let Report { result, .. } = report;
        self.room.tell();
        result.map(Receipt::new).map_err(|error| raise(&error))
    }

    /// Sends a message without waiting for an answer; the broker gives none.
    #[pyo3(signature = (topic, body, *, tags=None, keys=None, properties=None, flag=0, delay_level=0,
                        delay_seconds=0, delay_ms=0, deliver_at_ms=0, sharding_key=None, queue=None,
                        wait_store_ok=true, timeout=None))]
    #[expect(clippy::too_many_arguments, reason = "Python keywords")]
    fn send_oneway<'py>(
        &self,
        py: Python<'py>,
        topic: Bound<'py, PyString>,
        body: &Bound<'py, PyAny>,
        tags: Option<Bound<'py, PyString>>,
        keys: Option<&Bound<'py, PyAny>>,
        properties: Option<&Bound<'py, PyAny>>,
        flag: i32,
        delay_level: i32,
        delay_seconds: i64,
        delay_ms: i64,
        deliver_at_ms: i64,
        sharding_key: Option<&Bound<'py, PyAny>>,
        queue: Option<&Bound<'py, PyAny>>,
        wait_store_ok: bool,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let delivery = DeliveryKeywords { delay_level, delay_seconds, delay_ms, deliver_at_ms };
        let destination = DestinationKeywords { sharding_key, queue };
        let extras = Extras { tags, keys, properties, flag, delivery, destination, wait_store_ok };
        let message = Message::from_call(topic, body, extras)?.map_err(|error| raise(&error))?;
        let timeout = optional(timeout)?;
        let producer = self.handle.producer()?;
        message.lend(py, |message| {
            let send = |left| producer.send_oneway(message, Some(left));
            self.when_room(py, timeout, |left| hand_over(py, from_ref(message), || send(left)))
        })?
    }

    /// Sends messages side by side and waits for all of them: a receipt or an exception for each, in order.
    #[pyo3(signature = (messages, *, timeout=None))]
    fn send_many<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let timeout = optional(timeout)?.unwrap_or(self.handle.send_timeout);
        let messages = many::collect(messages)?;
        let producer = self.handle.producer()?;
        let mut batch = Batch::new(messages, timeout);
        let queue = self.take_queue();
        let mut reports = Vec::new();
        loop {
            if batch.is_waiting() && batch.deadline() <= Instant::now() {
                batch.expire();
            }
            batch.submit(py, producer, &queue, 0, self.handle.wait_for_room);
            if batch.is_done() {
                break;
            }
            let slice = if batch.is_waiting() { Duration::from_millis(5) } else { SIGNAL_SLICE };
            self.poll(py, &queue, &mut reports, slice)?;
            for Report { tag, result, .. } in reports.drain(..) {
                batch.complete(tag.1, result);
            }
            self.room.tell();
        }
        self.keep_queue(queue);
        batch.into_list(py)
    }

    /// Waits until a name server has answered.
    #[pyo3(signature = (timeout=10.0))]
    fn wait_ready(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let timeout = seconds(timeout)?;
        let producer = self.handle.producer()?.clone();
        interruptible(py, move || producer.wait_ready(timeout))
    }

    /// Waits until every accepted send has its outcome and one-way sends are written.
    #[pyo3(signature = (timeout=None))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let timeout = optional(timeout)?.unwrap_or(UNBOUNDED);
        let producer = self.handle.producer()?.clone();
        interruptible(py, move || producer.flush(timeout))
    }

    /// Refuses new sends, waits for the outcomes of those under way, fails the rest as closed.
    #[pyo3(signature = (timeout=None))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let timeout = optional(timeout)?.unwrap_or(UNBOUNDED);
        let producer = self.handle.producer()?.clone();
        interruptible(py, move || producer.close(timeout))
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
}
