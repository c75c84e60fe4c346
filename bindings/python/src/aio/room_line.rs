//! The line of sends that wait for room in flight. The core tells the door's queue when there is room for the first one, which
//! was refused.

use std::time::Instant;

use pyo3::prelude::*;
use rocketmq_producer::{Error, ErrorCode};

use super::door::{Door, is_done};
use super::state::{Handed, Waiting};
use crate::error::{no_room, raise, refuse};
use crate::outgoing::Outgoing;

impl Door {
    /// Hands over sends that waited, as far as there is room now.
    ///
    /// # Errors
    /// `ForkedError`; what fails for one send is reported.
    pub(super) fn pump(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, door) = (slf.py(), slf.get());
        if door.state.lock().waiting.is_empty() {
            return Ok(());
        }
        let handle = door.handle.upgrade();
        let queue = door.queue.get()?;
        loop {
            let Some(first) = door.state.lock().waiting.pop_front() else {
                break;
            };
            let Some(handle) = &handle else {
                door.report(py, door.refuse(py, first, &Error::closed()));
                continue;
            };
            let producer = handle.producer()?;
            match first {
                Waiting::One { future, message, started, timeout } => {
                    if door.report(py, is_done(py, &future)) == Some(true) {
                        door.report(py, door.tell_cancelled(py, &message));
                        continue;
                    }
                    let left = timeout.saturating_sub(started.elapsed());
                    let single = door.single(py, &future, &message);
                    let mut state = door.state.lock();
                    let how = (left, handle.wait_for_room);
                    match state.hand_over(py, producer, queue, single, &message, how) {
                        Handed::Accepted => {}
                        Handed::NoRoom => {
                            state.waiting.push_front(Waiting::One { future, message, started, timeout });
                            break;
                        }
                        Handed::Refused(error) => {
                            drop(state);
                            door.report(py, door.fail(py, &future, &message, &raise(&error)));
                        }
                    }
                }
                Waiting::Group(place) => {
                    let mut state = door.state.lock();
                    let finished = state.hand_over_group(py, producer, queue, place, handle.wait_for_room);
                    if state.many(place).is_some_and(|many| many.is_waiting()) {
                        state.waiting.push_front(Waiting::Group(place));
                        break;
                    }
                    drop(state);
                    door.report(py, door.finish(py, finished));
                }
            }
        }
        Ok(())
    }

    /// The future of a message that waited was cancelled.
    fn tell_cancelled(&self, py: Python<'_>, message: &Outgoing) -> PyResult<()> {
        if !self.hooks.want_outcomes() {
            return Ok(());
        }
        let error = refuse(ErrorCode::QueueFull, "cancelled while it waited for room in flight");
        self.tell_failed(py, message, &error)
    }

    fn refuse(&self, py: Python<'_>, waiting: Waiting, error: &Error) -> PyResult<()> {
        // Made before the lock: it is a Python object.
        let error = raise(error);
        match waiting {
            Waiting::One { future, message, .. } => self.fail(py, &future, &message, &error),
            Waiting::Group(place) => {
                let mut state = self.state.lock();
                if let Some(many) = state.many(place) {
                    many.refuse(py, &error);
                }
                let finished = state.take_if_done(place);
                drop(state);
                self.finish(py, finished)
            }
        }
    }

    /// Ends the waiting sends whose time is over.
    pub(super) fn expire(&self, py: Python<'_>) {
        let now = Instant::now();
        if self.state.lock().first_deadline.is_none_or(|first| first > now) {
            return;
        }
        let mut index = 0;
        loop {
            let mut state = self.state.lock();
            let Some(deadline) = state.deadline(index) else {
                if index < state.waiting.len() {
                    index += 1;
                    continue;
                }
                state.first_deadline = state.next_deadline();
                return;
            };
            if deadline > now {
                index += 1;
                continue;
            }
            match state.waiting.remove(index) {
                Some(Waiting::One { future, message, started, .. }) => {
                    drop(state);
                    let error = no_room(py, started.elapsed());
                    self.report(py, self.fail(py, &future, &message, &error));
                }
                Some(Waiting::Group(place)) => {
                    if let Some(many) = state.many(place) {
                        many.expire();
                    }
                    let finished = state.take_if_done(place);
                    drop(state);
                    self.report(py, self.finish(py, finished));
                }
                None => return,
            }
        }
    }

    /// Sees to it that the loop calls `on_timer` when the first waiting send gives up. `newcomer` is the deadline of a send
    /// that waits since now.
    pub(super) fn arm_timer(slf: &Bound<'_, Self>, newcomer: Option<Instant>) {
        let (py, door) = (slf.py(), slf.get());
        let mut state = door.state.lock();
        let armed = state.timer.as_ref().map(|(armed, _)| *armed);
        state.first_deadline = state.first_deadline.filter(|_| !state.waiting.is_empty());
        state.first_deadline = state.first_deadline.into_iter().chain(newcomer).min();
        let deadlines = state.first_deadline.into_iter().chain(state.routes.next_deadline());
        let Some(due) = deadlines.min() else { return };
        if armed.is_some_and(|armed| armed <= due) {
            return;
        }
        let superseded = state.timer.take();
        drop(state);
        if let Some((_, handle)) = superseded {
            door.report(py, handle.call_method0(py, "cancel"));
        }
        // A timer of the loop may go off a moment early; then it is armed once more.
        let delay = due.saturating_duration_since(Instant::now()).as_secs_f64();
        let on_timer = slf.getattr("on_timer");
        let handle =
            on_timer.and_then(|call| door.event_loop.bind(py).call_method1("call_later", (delay, call)));
        if let Some(handle) = door.report(py, handle) {
            let former = door.state.lock().timer.replace((due, handle.unbind()));
            drop(former);
        }
    }
}
