//! Sends whose selectors choose among queues that may have to be looked up first.
//!
//! ```text
//!          queues known, nobody before it
//! call ──┬────────────────────────────────────────────▶ selectors ──▶ the core, or the line for room
//!        │ look-ups                                         ▲
//!        └─────────▶ line ── Routed for each topic, turn ───┤
//!                     ├── cancelled ──▶ hook of the message
//!                     └── closed, collected ──▶ ClosedError
//! ```

use std::slice::from_ref;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rocketmq_producer::{Error, ErrorCode, Routed, Tag, sys};

use super::calls::CALL;
use super::door::{Door, is_done};
use super::route_line::{Kind, Selecting, Topic};
use crate::error::{no_turn, raise, refuse};
use crate::handle::Handle;
use crate::hooks::Hooks;
use crate::kept::kept;
use crate::many::{Many, Travel};
use crate::message::hand_over;
use crate::outgoing::Outgoing;
use crate::selector::{select, topics};

impl Door {
    /// Sends messages with selectors as soon as the queues of their topics are known.
    ///
    /// # Errors
    /// For a one-way message that need not wait: why it was not sent.
    pub(super) fn select_and_send(slf: &Bound<'_, Self>, handle: &Handle, call: Selecting) -> PyResult<()> {
        let (py, door) = (slf.py(), slf.get());
        let mut needed = Vec::new();
        for name in topics(&call.messages) {
            let found = handle.known_queues(py, name)?.map(Ok);
            needed.push(Topic { name: name.clone_ref(py), found });
        }
        let may_pass = door.state.lock().routes.may_pass(&needed);
        if may_pass && needed.iter().all(|topic| topic.found.is_some()) {
            return Self::go(slf, handle, &call, &needed);
        }
        Self::join(slf, handle, call, needed)
    }

    /// Lets a send wait in the line, and looks up what it needs.
    fn join(slf: &Bound<'_, Self>, handle: &Handle, call: Selecting, topics: Vec<Topic>) -> PyResult<()> {
        let (py, door) = (slf.py(), slf.get());
        let (producer, queue, timeout) = (handle.producer()?, door.queue.get()?, call.timeout);
        let context = kept(py).copy_context.bind(py).call0()?.unbind();
        let future = call.future.as_ref().map(|future| future.clone_ref(py));
        let unknown: Vec<_> = (topics.iter().enumerate())
            .filter(|(_, topic)| topic.found.is_none())
            .map(|(place, topic)| (place, topic.name.clone_ref(py)))
            .collect();
        let number = door.state.lock().routes.join(call, topics, context);
        if let Some(future) = future {
            let gave_up = kept(py).partial.bind(py).call1((slf.getattr("gave_up")?, number))?;
            future.call_method1(py, "add_done_callback", (gave_up,))?;
        }
        for (place, name) in unknown {
            if let Err(error) = producer.look_up(&name, timeout, queue, Tag(number, place)) {
                door.state.lock().routes.tell(number, place, Err(error));
                queue.ring();
            }
        }
        Self::arm_timer(slf, None);
        Ok(())
    }

    /// Notes what was found of a topic, or answers the call that asked for it.
    pub(super) fn routed(&self, py: Python<'_>, routed: Routed) {
        let Tag(number, place) = routed.tag;
        match place {
            CALL => self.answer_queues(py, number, routed.result),
            _ => self.state.lock().routes.tell(number, place, routed.result),
        }
    }

    /// Lets those go on whose turn it is.
    pub(super) fn advance(slf: &Bound<'_, Self>) {
        let (py, door) = (slf.py(), slf.get());
        loop {
            let next = door.state.lock().routes.next(py, Instant::now());
            let Some((number, context)) = next else { break };
            let go_on =
                slf.getattr("go_on").and_then(|go_on| context.bind(py).call_method1("run", (go_on, number)));
            door.report(py, go_on);
        }
    }

    /// Asks the selectors and sends. `topics` are those that the messages need, with what was found of them.
    ///
    /// # Errors
    /// Of a one-way message: why it was not sent. Others tell it to their future.
    fn go(slf: &Bound<'_, Self>, handle: &Handle, call: &Selecting, topics: &[Topic]) -> PyResult<()> {
        let (py, door) = (slf.py(), slf.get());
        let left = call.deadline().saturating_duration_since(Instant::now());
        let late = left.is_zero().then(|| no_turn(py, call.started.elapsed()));
        let one_batch = matches!(call.kind, Kind::Many(Travel::OneBatch));
        let selected = select(py, &call.messages, one_batch, |name| {
            let topic = topics.iter().find(|topic| *topic.name == **name);
            match (topic.and_then(|topic| topic.found.as_ref()), &late) {
                (Some(Err(error)), _) => Err(raise(error)),
                (_, Some(late)) => Err(late.clone_ref(py)),
                (Some(Ok(queues)), None) => Ok(queues.clone()),
                (None, None) => {
                    Err(refuse(ErrorCode::Internal, format!("topic {} was not looked up", &**name)))
                }
            }
        });
        let mut selected = match selected {
            Ok(selected) => selected,
            Err(error) => return door.fail_selecting(py, call, &error),
        };
        if let (Kind::Many(travel), Some(future)) = (call.kind, &call.future) {
            let mut many = Many::new(py, selected, travel, left);
            late.iter().for_each(|late| many.refuse(py, late));
            return Self::send_many(slf, handle, future.bind(py), many);
        }
        let Some(message) = selected.pop() else { return Ok(()) };
        if let Some(error) = message.failure(py) {
            return door.fail_selecting(py, call, &error);
        }
        match &call.future {
            Some(future) => Self::send(slf, handle, future.bind(py), message, left),
            None => send_oneway(py, handle, &door.hooks, &message, left),
        }
    }

    /// Nothing of the call was sent.
    ///
    /// # Errors
    /// The error itself of a one-way message, or what ended the hook.
    fn fail_selecting(&self, py: Python<'_>, call: &Selecting, error: &PyErr) -> PyResult<()> {
        let set = match &call.future {
            Some(future) => self.resolve(py, future, Err(error)),
            None => Err(error.clone_ref(py)),
        };
        self.hooks.all_failed(py, &call.messages, error).and(set)
    }

    /// Fails the sends in the line. Whether there was any.
    ///
    /// # Errors
    /// `ForkedError`.
    pub(super) fn close_routes(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let (py, door) = (slf.py(), slf.get());
        let calls = door.state.lock().routes.take_all();
        for call in &calls {
            let failed = door.fail_selecting(py, call, &raise(&Error::closed()));
            door.tell_late(py, call, failed);
        }
        Self::tell_idle(slf)?;
        Ok(!calls.is_empty())
    }

    /// What a one-way message raises that waited, its call cannot raise any more.
    fn tell_late(&self, py: Python<'_>, call: &Selecting, outcome: PyResult<()>) {
        match outcome {
            Err(error) if call.future.is_none() => {
                let told = self.complain(py, "a one-way message was not sent", error);
                self.report(py, told);
            }
            outcome => drop(self.report(py, outcome)),
        }
    }

    /// Tells the hook of messages whose future was cancelled in the line.
    fn tell_given_up(&self, py: Python<'_>, call: &Selecting) {
        if self.hooks.want_outcomes() {
            let error = refuse(ErrorCode::NoRoute, "cancelled while the queues of its topic were looked up");
            self.report(py, self.hooks.all_failed(py, &call.messages, &error));
        }
    }

    /// Lets the loop's exception handler know.
    fn complain(&self, py: Python<'_>, text: &str, error: PyErr) -> PyResult<()> {
        let context = PyDict::new(py);
        context.set_item("message", text)?;
        context.set_item("exception", error.into_value(py))?;
        self.event_loop.call_method1(py, "call_exception_handler", (context,)).map(drop)
    }
}

#[pymethods]
impl Door {
    /// Called in the context of a send that waited for its queues.
    fn go_on(slf: &Bound<'_, Self>, number: usize) {
        let (py, door) = (slf.py(), slf.get());
        let taken = door.state.lock().routes.take(number);
        let Some((call, topics)) = taken else { return };
        if call.future.as_ref().is_some_and(|future| door.report(py, is_done(py, future)) == Some(true)) {
            return door.tell_given_up(py, &call);
        }
        let outcome = match door.handle.upgrade() {
            Some(handle) => Self::go(slf, &handle, &call, &topics),
            None => door.fail_selecting(py, &call, &raise(&Error::closed())),
        };
        door.tell_late(py, &call, outcome);
    }

    /// Called when the future of a send in the line is done: it was cancelled, unless it is in the line no more.
    fn gave_up(slf: &Bound<'_, Self>, number: usize, _future: &Bound<'_, PyAny>) -> PyResult<()> {
        sys::guard_thread();
        let (py, door) = (slf.py(), slf.get());
        let taken = door.state.lock().routes.take(number);
        let Some((call, _)) = taken else { return Ok(()) };
        door.tell_given_up(py, &call);
        Self::advance(slf);
        Self::tell_idle(slf)
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
