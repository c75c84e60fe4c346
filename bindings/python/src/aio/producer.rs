//! The native part of `rmq.aio.Producer`.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::sys::PerFork;
use rocketmq_producer::{Error, Producer};

use super::door::Door;
use super::route_line::{Kind, Selecting};
use super::selecting::send_oneway;
use crate::config::{self, prepare};
use crate::error::raise;
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::kept::{kept, names};
use crate::keywords::Arguments;
use crate::many::{self, Many, Travel};
use crate::message::Message;
use crate::outgoing::Outgoing;
use crate::timeout::{UNBOUNDED, optional, seconds};

/// The sends of `rmq.aio.Producer`, which adds the coroutines.
#[pyclass(frozen, subclass, module = "rmq._rmq")]
pub(crate) struct AioProducer {
    handle: Arc<Handle>,
    hooks: Hooks,
    local: PerFork<Local>,
}

/// What a process has for itself.
#[derive(Default)]
struct Local {
    /// One for each loop the producer was used on.
    doors: Mutex<Vec<Py<Door>>>,
    closing: AtomicBool,
}

impl AioProducer {
    fn local(&self) -> &Local {
        let renew = |parent: Option<&Local>| {
            let closing = parent.is_some_and(|parent| parent.closing.load(Ordering::Relaxed));
            Ok::<_, Infallible>(Local { closing: AtomicBool::new(closing), ..Local::default() })
        };
        self.local.get_or_try_init(renew).unwrap_or_else(|never| match never {})
    }

    /// The door on the running loop.
    fn door<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Door>> {
        // First: in a forked child no loop runs either.
        self.handle.producer()?;
        let event_loop = running_loop(py)?;
        let on_this_loop = |door: &&Py<Door>| door.get().event_loop().is(&event_loop);
        let known = self.local().doors.lock().iter().find(on_this_loop).map(|door| door.bind(py).clone());
        match known {
            Some(door) => Ok(door),
            None => self.open_door(&event_loop),
        }
    }

    fn open_door<'py>(&self, event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Door>> {
        let py = event_loop.py();
        let door = Door::open(event_loop, &self.handle, &self.hooks)?;
        let others = self.all_doors(py);
        self.local().doors.lock().push(door.clone().unbind());
        // Asking runs Python code, and doors of other loops may come and go meanwhile.
        let mut ended = Vec::new();
        for other in others {
            if other.get().is_loop_closed(py)? {
                ended.push(other);
            }
        }
        // What leaves the list is kept alive by the other one.
        self.local().doors.lock().retain(|door| !ended.iter().any(|ended| ended.is(door)));
        ended.iter().try_for_each(|door| door.get().stop_watching(py))?;
        Ok(door)
    }

    fn all_doors(&self, py: Python<'_>) -> Vec<Py<Door>> {
        self.local().doors.lock().iter().map(|door| door.clone_ref(py)).collect()
    }

    fn is_closing(&self) -> bool {
        self.local().closing.load(Ordering::Relaxed)
    }

    fn timeout(&self, timeout: Option<f64>) -> PyResult<Duration> {
        Ok(optional(timeout)?.unwrap_or(self.handle.send_timeout))
    }

    /// What `send` does.
    fn send_one<'py>(
        slf: &Bound<'py, Self>,
        arguments: Arguments<'_, 'py>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, own) = (slf.py(), slf.get());
        let message = Message::from_call(arguments)?;
        let timeout = own.timeout(timeout)?;
        own.handle.producer()?;
        if own.is_closing() {
            return failed(py, &Error::closed());
        }
        let message = match message {
            Ok(message) => message,
            Err(error) => return failed(py, &error),
        };
        let door = own.door(py)?;
        if own.hooks.are_absent() && message.queue_selector().is_none() {
            let future = door.get().new_future(py)?;
            Door::send(&door, &own.handle, &future, Outgoing::unseen(message), timeout)?;
            return Ok(future);
        }
        let message = own.hooks.before(py, Py::new(py, message)?)?;
        let future = door.get().new_future(py)?;
        match message.get().queue_selector() {
            Some(_) => {
                let call = Selecting::new(Some(&future), Kind::Send, vec![message], timeout);
                Door::select_and_send(&door, &own.handle, call)?;
            }
            None => Door::send(&door, &own.handle, &future, Outgoing::plain(message), timeout)?,
        }
        Ok(future)
    }

    /// What `send_oneway` does.
    fn send_and_forget<'py>(
        slf: &Bound<'py, Self>,
        arguments: Arguments<'_, 'py>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let (py, own) = (slf.py(), slf.get());
        let message = Message::from_call(arguments)?.map_err(|error| raise(&error))?;
        let timeout = own.timeout(timeout)?;
        own.handle.producer()?;
        if own.is_closing() {
            return Err(raise(&Error::closed()));
        }
        if own.hooks.are_absent() && message.queue_selector().is_none() {
            return send_oneway(py, &own.handle, &own.hooks, &Outgoing::unseen(message), timeout);
        }
        let message = own.hooks.before(py, Py::new(py, message)?)?;
        if message.get().queue_selector().is_some() {
            let door = own.door(py)?;
            let call = Selecting::new(None, Kind::Oneway, vec![message], timeout);
            return Door::select_and_send(&door, &own.handle, call);
        }
        send_oneway(py, &own.handle, &own.hooks, &Outgoing::plain(message), timeout)
    }

    fn send_all<'py>(
        slf: &Bound<'py, Self>,
        messages: &Bound<'py, PyAny>,
        travel: Travel,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, own) = (slf.py(), slf.get());
        let messages = many::collect(messages)?;
        let timeout = own.timeout(timeout)?;
        own.handle.producer()?;
        if own.is_closing() {
            return failed(py, &Error::closed());
        }
        let door = own.door(py)?;
        let messages = own.hooks.before_all(py, messages)?;
        let future = door.get().new_future(py)?;
        if messages.iter().any(|message| message.get().queue_selector().is_some()) {
            let call = Selecting::new(Some(&future), Kind::Many(travel), messages, timeout);
            Door::select_and_send(&door, &own.handle, call)?;
        } else {
            let messages = messages.into_iter().map(Outgoing::plain).collect();
            Door::send_many(&door, &own.handle, &future, Many::new(py, messages, travel, timeout))?;
        }
        Ok(future)
    }
}

fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    kept(py).get_running_loop.bind(py).call0()
}

/// A future that has failed already.
fn failed<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let future = running_loop(py)?.call_method0("create_future")?;
    future.call_method1("set_exception", (raise(error).value(py),))?;
    Ok(future)
}

send_method! {
    /// Sends a message at once and returns the future of its receipt.
    AioProducer.send = send_one -> Bound<'py, PyAny>;
}
send_method! {
    /// Hands over a message without waiting for room or an answer.
    AioProducer.send_oneway = send_and_forget -> ();
}

shared_methods! { AioProducer }

#[pymethods]
impl AioProducer {
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
        let handle = Handle::new(prepare(py, config::Door::Asyncio, group, name_server, config, options)?)?;
        Ok(Self { handle: Arc::new(handle), hooks, local: PerFork::new() })
    }

    /// Sends messages side by side and returns one future: a receipt or an exception for each, in order.
    #[pyo3(signature = (messages, *, timeout=None))]
    fn send_many<'py>(
        slf: &Bound<'py, Self>,
        messages: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::send_all(slf, messages, Travel::SideBySide, timeout)
    }

    /// Sends messages as one wire batch and returns one future: their receipts, in order.
    #[pyo3(signature = (messages, *, timeout=None))]
    fn send_batch<'py>(
        slf: &Bound<'py, Self>,
        messages: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::send_all(slf, messages, Travel::OneBatch, timeout)
    }

    /// Whether `close` was called.
    #[getter]
    fn closed(&self) -> PyResult<bool> {
        Ok(self.handle.producer()?.is_closed() || self.is_closing())
    }

    fn __repr__(&self) -> PyResult<String> {
        let producer = self.handle.producer()?;
        Ok(format!("<rmq.aio.Producer group={:?} in_flight={}>", producer.group(), producer.in_flight()))
    }

    /// Whether this process is a forked child that has used no producer of its own.
    fn _is_forked(&self) -> bool {
        self.handle.is_forked()
    }

    /// Raises `ForkedError` in a forked child.
    fn _check_process(&self) -> PyResult<()> {
        self.handle.producer().map(drop)
    }

    /// Watches the queue on the running loop.
    fn _attach(&self, py: Python<'_>) -> PyResult<()> {
        self.door(py).map(drop)
    }

    /// A future that is resolved when no send of the running loop is open.
    fn _idle<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Door::idle(&self.door(py)?)
    }

    /// Refuses sends from now on.
    fn _refuse(&self) {
        self.local().closing.store(true, Ordering::Relaxed);
    }

    /// Fails the sends of the running loop that wait for the queues of their topics. Whether there was any.
    fn _close_routes(&self, py: Python<'_>) -> PyResult<bool> {
        Door::close_routes(&self.door(py)?)
    }

    /// The future of the queues of a topic.
    fn _queues<'py>(
        &self,
        py: Python<'py>,
        topic: &str,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (timeout, door) = (self.timeout(timeout)?, self.door(py)?);
        if let Some(queues) = self.handle.known_queues(py, topic)? {
            let future = door.get().new_future(py)?;
            future.call_method1(&names(py).set_result, (queues,))?;
            return Ok(future);
        }
        let door = door.get();
        door.call(py, &self.handle, |producer, queue, tag| producer.look_up(topic, timeout, queue, tag))
    }

    /// A future that is resolved when a name server has answered.
    fn _wait_ready<'py>(&self, py: Python<'py>, timeout: f64) -> PyResult<Bound<'py, PyAny>> {
        let (timeout, door) = (seconds(timeout)?, self.door(py)?);
        let begin = |producer: &Producer, queue: &_, tag| producer.wait_ready_queued(timeout, queue, tag);
        door.get().call(py, &self.handle, begin)
    }

    /// A future that is resolved when the core has an outcome for everything.
    fn _flush<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let timeout = optional(timeout)?.unwrap_or(UNBOUNDED);
        let begin = |producer: &Producer, queue: &_, tag| producer.flush_queued(timeout, queue, tag);
        self.door(py)?.get().call(py, &self.handle, begin)
    }

    /// A future that is resolved when the core is closed.
    fn _close<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let timeout = optional(timeout)?.unwrap_or(UNBOUNDED);
        let begin = |producer: &Producer, queue: &_, tag| producer.close_queued(timeout, queue, tag);
        self.door(py)?.get().call(py, &self.handle, begin)
    }

    /// Lets the doors of all loops end by themselves, that of the running loop now if it is idle.
    fn _detach(&self, py: Python<'_>) -> PyResult<()> {
        Door::abandon(&self.door(py)?)?;
        self._abandon(py)
    }

    /// Lets every loop stop watching once it has its outcomes. From any thread.
    fn _abandon(&self, py: Python<'_>) -> PyResult<()> {
        if self.handle.is_forked() {
            return Ok(());
        }
        let doors = std::mem::take(&mut *self.local().doors.lock());
        for door in doors {
            let event_loop = door.get().event_loop().clone_ref(py);
            if !door.get().is_loop_closed(py)? {
                let abandon = door.getattr(py, "abandon")?;
                event_loop.call_method1(py, "call_soon_threadsafe", (abandon,))?;
            }
        }
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.hooks.traverse(&visit)?;
        if let Some(doors) = self.local.get().and_then(|local| local.doors.try_lock()) {
            doors.iter().try_for_each(|door| visit.call(door))?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let cleared = self.local.get().map(|local| std::mem::take(&mut *local.doors.lock()));
        drop(cleared);
    }
}
