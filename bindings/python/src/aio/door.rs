//! One producer on one event loop.

use std::mem;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{CompletionQueue, Event, Report, sys};

use super::calls::Answers;
use super::results::{Results, set_result_of};
use super::state::{Finished, Future, Group, Handed, Single, State, Waiting};
use crate::error::raise;
use crate::fork::ForkSafe;
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::kept::names;
use crate::many::Many;
use crate::outgoing::Outgoing;
use crate::receipt::Receipt;

/// The sends of so many tasks that one drain woke go together; those of fewer cost less by themselves.
const WORTH_A_BURST: usize = 8;

/// So many events are handled before the loop gets its turn again.
const EVENTS: usize = 4096;

/// Resolves futures of one loop. All calls but `abandon` come from the loop's thread.
#[pyclass(frozen, module = "rmq._rmq")]
pub(crate) struct Door {
    pub(super) event_loop: Py<PyAny>,
    create_future: Py<PyAny>,
    /// Of the class of the loop's futures.
    set_result: Py<PyAny>,
    pub(super) handle: Weak<Handle>,
    pub(super) queue: ForkSafe<CompletionQueue>,
    descriptor: i32,
    pub(super) state: Mutex<State>,
    pub(super) hooks: Hooks,
    events: Mutex<Vec<Event>>,
    pub(super) answers: Answers,
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
                answers: Answers::default(),
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
    pub(super) fn send<'py>(
        slf: &Bound<'py, Self>,
        handle: &Handle,
        message: Outgoing,
        timeout: Duration,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, door) = (slf.py(), slf.get());
        let (producer, queue) = (handle.producer()?, door.queue.get()?);
        let bound = door.new_future(py)?;
        let future = bound.clone().unbind();
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
        Ok(bound)
    }

    /// Sends messages; the future gets the list of their outcomes, or that of a batch.
    pub(super) fn send_many<'py>(
        slf: &Bound<'py, Self>,
        handle: &Handle,
        many: Many,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, door) = (slf.py(), slf.get());
        let (producer, queue) = (handle.producer()?, door.queue.get()?);
        let future = door.new_future(py)?;
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
        door.finish(py, finished)?;
        Ok(future)
    }

    /// A future that is resolved when no other future is open.
    pub(super) fn idle<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let future = self.new_future(py)?;
        let mut state = self.state.lock();
        if !state.is_idle() {
            state.idle.push(future.clone().unbind());
            return Ok(future);
        }
        drop(state);
        future.call_method1(&names(py).set_result, (py.None(),))?;
        Ok(future)
    }

    /// Resolves the future, then tells the hook.
    pub(super) fn finish(&self, py: Python<'_>, finished: Finished) -> PyResult<()> {
        match finished {
            Finished::One(single, Ok(receipt)) => {
                let receipt = Bound::new(py, Receipt::new(receipt))?;
                let set = self.resolve(py, &single.future, Ok(receipt.as_any()));
                let told = single.message.map_or(Ok(()), |message| self.hooks.after(py, &message, &receipt));
                set.and(told)
            }
            Finished::One(single, Err(error)) => {
                let error = raise(&error);
                let set = self.resolve(py, &single.future, Err(&error));
                let told = single.message.map_or(Ok(()), |message| self.hooks.failed(py, &message, &error));
                set.and(told)
            }
            Finished::Group(group) => {
                let outcomes = group.many.into_outcomes(py)?;
                let result = outcomes.result(py);
                let set = self.resolve(py, &group.future, result.as_ref().map(|list| list.as_any()));
                set.and(outcomes.tell(py, &self.hooks))
            }
            Finished::NotYet => Ok(()),
        }
    }

    /// Fails a message that was not handed over.
    pub(super) fn fail(
        &self,
        py: Python<'_>,
        future: &Future,
        message: &Outgoing,
        error: &PyErr,
    ) -> PyResult<()> {
        let set = self.resolve(py, future, Err(error));
        set.and(self.tell_failed(py, message, error))
    }

    /// Tells the hook of a message that was not handed over.
    pub(super) fn tell_failed(&self, py: Python<'_>, message: &Outgoing, error: &PyErr) -> PyResult<()> {
        message.object().map_or(Ok(()), |message| self.hooks.failed(py, message, error))
    }

    /// Sets these results, then tells the hook.
    fn set(&self, py: Python<'_>, results: &mut Results) {
        if results.is_empty() {
            return;
        }
        let results = mem::take(results);
        self.report(py, results.set(py, &self.set_result));
        if self.hooks.want_outcomes() {
            for (single, receipt) in results.into_told() {
                let tell = |message| self.hooks.after(py, &message, receipt.bind(py));
                self.report(py, single.message.map_or(Ok(()), tell));
            }
        }
    }

    pub(super) fn resolve(
        &self,
        py: Python<'_>,
        future: &Future,
        outcome: Result<&Bound<'_, PyAny>, &PyErr>,
    ) -> PyResult<()> {
        let set = match outcome {
            Ok(result) => future.call_method1(py, &names(py).set_result, (result,)),
            Err(error) => future.call_method1(py, &names(py).set_exception, (error.value(py),)),
        };
        ignore_if_done(py, future, set)
    }

    /// Tells of what failed for one send: out of memory, or a future that is none. The others go on.
    pub(super) fn report<T>(&self, py: Python<'_>, outcome: PyResult<T>) -> Option<T> {
        outcome.inspect_err(|error| error.clone_ref(py).write_unraisable(py, None)).ok()
    }

    /// Lets the sends of the tasks that were woken just now go together: the loop runs callbacks in the order in which they
    /// were asked for. (Were the end never called, they would go by themselves.)
    fn gather(slf: &Bound<'_, Self>) {
        let (py, door) = (slf.py(), slf.get());
        let end = slf.getattr(&names(py).end_burst);
        let asked = end.and_then(|end| door.event_loop.bind(py).call_method1(&names(py).call_soon, (end,)));
        if door.report(py, asked).is_some() {
            door.state.lock().burst.get_or_insert_default();
        }
    }

    /// Resolves the futures that wait for nothing to be left.
    fn tell_idle(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, door) = (slf.py(), slf.get());
        let mut state = door.state.lock();
        if !state.is_idle() || (state.idle.is_empty() && !state.abandoned) {
            return Ok(());
        }
        let futures = mem::take(&mut state.idle);
        let abandoned = state.abandoned && !state.has_calls();
        drop(state);
        for future in futures {
            let set = future.call_method1(py, &names(py).set_result, (py.None(),));
            door.report(py, ignore_if_done(py, &future, set));
        }
        if abandoned {
            door.stop_watching(py)?;
        }
        Ok(())
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
    /// Called by the loop while outcomes wait.
    fn drain(slf: &Bound<'_, Self>) -> PyResult<()> {
        sys::guard_thread();
        let (py, door) = (slf.py(), slf.get());
        let mut events = mem::take(&mut *door.events.lock());
        let mut results = Results::default();
        door.queue.get()?.poll(&mut events, EVENTS, Duration::ZERO);
        // What saves time for many costs some for one.
        let are_many = events.len() > 1;
        let mut woken = 0;
        for Report { tag, result, .. } in events.drain(..).filter_map(Event::into_report) {
            let finished = door.state.lock().complete(tag, result);
            match finished {
                Finished::NotYet => {}
                Finished::One(single, Ok(receipt)) if are_many => {
                    woken += 1;
                    if let Some(receipt) = door.report(py, Py::new(py, Receipt::new(receipt))) {
                        results.push(single, receipt);
                    }
                }
                other => {
                    woken += 1;
                    door.set(py, &mut results);
                    door.report(py, door.finish(py, other));
                }
            }
        }
        door.set(py, &mut results);
        *door.events.lock() = events;
        door.answer_calls(py);
        if woken >= WORTH_A_BURST {
            Self::gather(slf);
        }
        Self::pump(slf)?;
        Self::arm_timer(slf, None);
        Self::tell_idle(slf)
    }

    /// Called by the loop when the tasks that one drain woke have run.
    fn end_burst(&self) {
        let burst = self.state.lock().burst.take();
        // Goes.
        drop(burst);
    }

    /// Called by the loop when a waiting send may have to give up.
    fn on_timer(slf: &Bound<'_, Self>) -> PyResult<()> {
        sys::guard_thread();
        let timer = slf.get().state.lock().timer.take();
        drop(timer);
        // In this order: room that is there at the last moment is taken.
        Self::pump(slf)?;
        slf.get().expire(slf.py());
        Self::arm_timer(slf, None);
        Self::tell_idle(slf)
    }

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
            for object in state.objects() {
                visit.call(object)?;
            }
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

/// A future that the caller cancelled takes no result.
fn ignore_if_done(py: Python<'_>, future: &Future, set: PyResult<Py<PyAny>>) -> PyResult<()> {
    match set {
        Ok(_) => Ok(()),
        Err(error) => match is_done(py, future) {
            Ok(true) => Ok(()),
            _ => Err(error),
        },
    }
}
