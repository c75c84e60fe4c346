//! One producer on one event loop.

use std::mem;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{CompletionQueue, Event, sys};

use super::results::set_result_of;
use super::state::{Future, Group, Handed, Single, State, Waiting};
use crate::error::raise;
use crate::fork::ForkSafe;
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::kept::names;
use crate::many::Many;
use crate::outgoing::Outgoing;

/// Resolves futures of one loop. All calls but `abandon` come from the loop's thread.
#[pyclass(frozen, module = "rmq._rmq")]
pub(crate) struct Door {
    pub(super) event_loop: Py<PyAny>,
    create_future: Py<PyAny>,
    /// Of the class of the loop's futures.
    pub(super) set_result: Py<PyAny>,
    pub(super) handle: Weak<Handle>,
    pub(super) queue: ForkSafe<CompletionQueue>,
    descriptor: i32,
    pub(super) state: Mutex<State>,
    pub(super) hooks: Hooks,
    /// The memory that events are taken into.
    pub(super) events: Mutex<Vec<Event>>,
}

impl Door {
    /// A door that the loop watches from now on.
    pub(super) fn open<'py>(
        event_loop: &Bound<'py, PyAny>,
        handle: &Arc<Handle>,
        hooks: &Hooks,
    ) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let queue = CompletionQueue::new();
        let descriptor = queue.fd().map_err(|error| raise(&error))?;
        let create_future = event_loop.getattr("create_future")?;
        let door = Bound::new(
            py,
            Self {
                event_loop: event_loop.clone().unbind(),
                set_result: set_result_of(&create_future.call0()?)?,
                create_future: create_future.unbind(),
                handle: Arc::downgrade(handle),
                queue: ForkSafe::new(queue),
                descriptor,
                state: Mutex::new(State::new()),
                hooks: hooks.clone_ref(py),
                events: Mutex::default(),
            },
        )?;
        event_loop.call_method1("add_reader", (descriptor, door.getattr("drain")?))?;
        Ok(door)
    }

    pub(super) fn event_loop(&self) -> &Py<PyAny> {
        &self.event_loop
    }

    pub(super) fn new_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.create_future.bind(py).call0()
    }

    /// What is remembered of a message under way.
    pub(super) fn single(&self, py: Python<'_>, future: &Future, message: &Outgoing) -> Single {
        let told = message.object().filter(|_| self.hooks.want_outcomes());
        Single { future: future.clone_ref(py), message: told.map(|message| message.clone_ref(py)) }
    }

    /// Sends a message; the future gets its outcome, whatever it is.
    pub(super) fn send(
        slf: &Bound<'_, Self>,
        handle: &Handle,
        future: &Bound<'_, PyAny>,
        message: Outgoing,
        timeout: Duration,
    ) -> PyResult<()> {
        let (py, door) = (slf.py(), slf.get());
        let (producer, queue) = (handle.producer()?, door.queue.get()?);
        let future = future.clone().unbind();
        let single = door.single(py, &future, &message);
        let mut state = door.state.lock();
        let handed = if state.waiting.is_empty() {
            state.hand_over(py, producer, queue, single, &message, (timeout, handle.wait_for_room))
        } else {
            Handed::NoRoom
        };
        match handed {
            Handed::Accepted => {}
            Handed::NoRoom => {
                let started = Instant::now();
                state.waiting.push_back(Waiting::One { future, message, started, timeout });
                drop(state);
                Self::arm_timer(slf, Some(started + timeout));
            }
            Handed::Refused(error) => {
                drop(state);
                door.fail(py, &future, &message, &raise(&error))?;
            }
        }
        Ok(())
    }

    /// Sends messages; the future gets the list of their outcomes, or that of a batch.
    pub(super) fn send_many(
        slf: &Bound<'_, Self>,
        handle: &Handle,
        future: &Bound<'_, PyAny>,
        many: Many,
    ) -> PyResult<()> {
        let (py, door) = (slf.py(), slf.get());
        let (producer, queue) = (handle.producer()?, door.queue.get()?);
        let mut state = door.state.lock();
        let place = state.insert_group(Group { future: future.clone().unbind(), many });
        let finished = if state.waiting.is_empty() {
            state.hand_over_group(py, producer, queue, place, handle.wait_for_room)
        } else {
            state.take_if_done(place)
        };
        let waits_until = state.many(place).filter(|many| many.is_waiting()).map(|many| many.deadline());
        if waits_until.is_some() {
            state.waiting.push_back(Waiting::Group(place));
        }
        drop(state);
        if waits_until.is_some() {
            Self::arm_timer(slf, waits_until);
        }
        door.finish(py, finished)
    }

    /// A future that is resolved when no other future is open.
    pub(super) fn idle<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, door) = (slf.py(), slf.get());
        // Sends that were cancelled while they wait are not waited for.
        Self::pump(slf)?;
        let future = door.new_future(py)?;
        let mut state = door.state.lock();
        if !state.is_idle() {
            state.idle.push(future.clone().unbind());
            return Ok(future);
        }
        drop(state);
        future.call_method1(&names(py).set_result, (py.None(),))?;
        Ok(future)
    }

    /// Takes the descriptor out of the loop. Not in a forked child, whose loop shares it with the parent's.
    pub(super) fn stop_watching(&self, py: Python<'_>) -> PyResult<()> {
        let (watching, timer) = {
            let mut state = self.state.lock();
            (mem::replace(&mut state.watching, false), state.timer.take())
        };
        if !watching || self.queue.is_forked() {
            return Ok(());
        }
        if let Some((_, handle)) = timer {
            handle.call_method0(py, "cancel")?;
        }
        if !self.is_loop_closed(py)? {
            self.event_loop.call_method1(py, "remove_reader", (self.descriptor,))?;
        }
        self.queue.get()?.close();
        Ok(())
    }

    pub(super) fn is_loop_closed(&self, py: Python<'_>) -> PyResult<bool> {
        self.event_loop.call_method0(py, "is_closed")?.is_truthy(py)
    }
}

#[pymethods]
impl Door {
    /// The producer is gone. Outcomes still come, then the loop need not watch any longer.
    pub(super) fn abandon(slf: &Bound<'_, Self>) -> PyResult<()> {
        sys::guard_thread();
        slf.get().state.lock().abandoned = true;
        Self::pump(slf)?;
        Self::arm_timer(slf, None);
        Self::tell_idle(slf)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.create_future)?;
        visit.call(&self.set_result)?;
        self.hooks.traverse(&visit)?;
        // Locked: the collector came by while the state changes. What is not visited is kept alive.
        if let Some(state) = self.state.try_lock() {
            state.traverse(&visit)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        // Locked for ever, if a thread that handed a message over was ended.
        let cleared = self.state.try_lock().map(|mut state| mem::replace(&mut *state, State::new()));
        drop(cleared);
    }
}

pub(super) fn is_done(py: Python<'_>, future: &Future) -> PyResult<bool> {
    future.call_method0(py, &names(py).done)?.is_truthy(py)
}
