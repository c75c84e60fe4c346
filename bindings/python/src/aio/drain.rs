//! What the loop calls: when events wait in the queue, when sends of woken tasks are to go, when a send gives up.

use std::mem;
use std::time::Duration;

use pyo3::prelude::*;
use rocketmq_producer::{Event, Report, sys};

use super::door::Door;
use super::outcomes::ignore_if_done;
use super::results::Results;
use super::state::Finished;
use crate::kept::names;
use crate::receipt::Receipt;

/// The sends of so many tasks that one drain woke go together; those of fewer cost less by themselves.
const WORTH_A_BURST: usize = 8;

/// So many events are taken before the loop gets its turn again.
const EVENTS: usize = 4096;

#[pymethods]
impl Door {
    /// Called by the loop while events wait in the queue.
    fn drain(slf: &Bound<'_, Self>) -> PyResult<()> {
        sys::guard_thread();
        let (py, door) = (slf.py(), slf.get());
        let mut events = mem::take(&mut *door.events.lock());
        door.queue.get()?.poll(&mut events, EVENTS, Duration::ZERO);
        let may_have_room = !events.is_empty();
        let mut results = Results::default();
        // What saves time for many costs some for one.
        let are_many = events.len() > 1;
        let mut woken = 0;
        for event in events.drain(..) {
            let (tag, result) = match event {
                Event::Outcome(Report { tag, result, .. }) => (tag, result),
                Event::Routed(routed) => {
                    door.routed(py, routed);
                    continue;
                }
                Event::Done(done) => {
                    door.done(py, done);
                    continue;
                }
                // All that came is a reason to look for room.
                Event::Writable { .. } => continue,
            };
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
        if woken >= WORTH_A_BURST {
            Self::gather(slf);
        }
        if may_have_room {
            Self::pump(slf)?;
        }
        Self::advance(slf);
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
        // In this order: room that is there at the last moment is taken, and what one that gave up did not fit in.
        Self::pump(slf)?;
        slf.get().expire(slf.py());
        Self::pump(slf)?;
        Self::advance(slf);
        Self::arm_timer(slf, None);
        Self::tell_idle(slf)
    }
}

impl Door {
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
    pub(super) fn tell_idle(slf: &Bound<'_, Self>) -> PyResult<()> {
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
}
