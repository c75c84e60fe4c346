//! The callables around sends: `before_send` and `after_send`.
//!
//! They run in the interpreter, on the thread that calls a send or on the loop's own. What they raise is logged and
//! changes nothing, unless it is none of `Exception`: then it is Ctrl-C or the like, and goes on to the caller.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use rocketmq_producer::ErrorCode;

use crate::error::{is_error, refuse};
use crate::message::Message;
use crate::package;

/// The hooks of one producer.
pub(crate) struct Hooks {
    before: Option<Py<PyAny>>,
    after: Option<Py<PyAny>>,
}

impl Hooks {
    /// # Errors
    /// `TypeError` for what cannot be called.
    pub(crate) fn new(before: Option<&Bound<'_, PyAny>>, after: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self { before: callable("before_send", before)?, after: callable("after_send", after)? })
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        let clone = |hook: &Option<Py<PyAny>>| hook.as_ref().map(|hook| hook.clone_ref(py));
        Self { before: clone(&self.before), after: clone(&self.after) }
    }

    /// Whether nobody sees what is sent.
    pub(crate) fn are_absent(&self) -> bool {
        self.before.is_none() && self.after.is_none()
    }

    /// Whether outcomes are to be told.
    pub(crate) fn want_outcomes(&self) -> bool {
        self.after.is_some()
    }

    /// The message to send: this one or the one that the hook wants instead.
    ///
    /// # Errors
    /// What the hook raised, if it is no `Exception`.
    pub(crate) fn before(&self, py: Python<'_>, message: Py<Message>) -> PyResult<Py<Message>> {
        let Some(hook) = &self.before else { return Ok(message) };
        let answer = hook.bind(py).call1((&message,)).and_then(|answer| replacement(&answer));
        Ok(kept("before_send", py, answer)?.flatten().unwrap_or(message))
    }

    /// The same for many.
    pub(crate) fn before_all(
        &self,
        py: Python<'_>,
        messages: Vec<Py<Message>>,
    ) -> PyResult<Vec<Py<Message>>> {
        match &self.before {
            None => Ok(messages),
            Some(_) => messages.into_iter().map(|message| self.before(py, message)).collect(),
        }
    }

    /// Tells the outcome of a message: a receipt, an error, or `None` of a one-way message.
    ///
    /// # Errors
    /// What the hook raised, if it is no `Exception`.
    pub(crate) fn after(
        &self,
        py: Python<'_>,
        message: &Py<Message>,
        outcome: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let Some(hook) = &self.after else { return Ok(()) };
        let answer = hook.bind(py).call1((message, outcome)).map(drop);
        kept("after_send", py, answer).map(drop)
    }

    /// Tells that a message failed. What is no error of this package came from its selector, which so refused it.
    /// An interruption is no outcome and is not told.
    ///
    /// # Errors
    /// What the hook raised, if it is no `Exception`.
    pub(crate) fn failed(&self, py: Python<'_>, message: &Py<Message>, error: &PyErr) -> PyResult<()> {
        if !self.want_outcomes() || !error.is_instance_of::<PyException>(py) {
            return Ok(());
        }
        if is_error(py, error)? {
            return self.after(py, message, error.value(py));
        }
        let refused = refuse(ErrorCode::Forbidden, format!("the message was not sent: {error}"));
        refused.set_cause(py, Some(error.clone_ref(py)));
        self.after(py, message, refused.value(py))
    }

    /// The same for many; all are told.
    pub(crate) fn all_failed(&self, py: Python<'_>, messages: &[Py<Message>], error: &PyErr) -> PyResult<()> {
        let mut first = Ok(());
        for message in messages {
            first = first.and(self.failed(py, message, error));
        }
        first
    }

    /// Lets the collector of cycles see them. Nothing need be cleared: they are given to the constructor, so that a
    /// cycle through them has another link that was made later.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.before.iter().chain(&self.after).try_for_each(|hook| visit.call(hook))
    }
}

fn callable(name: &str, hook: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Py<PyAny>>> {
    match hook {
        Some(hook) if !hook.is_callable() => {
            Err(PyTypeError::new_err(format!("{name} must be callable, not {}", hook.repr()?)))
        }
        _ => Ok(hook.map(|hook| hook.clone().unbind())),
    }
}

/// What `before_send` returned: nothing or a message.
fn replacement(answer: &Bound<'_, PyAny>) -> PyResult<Option<Py<Message>>> {
    if answer.is_none() {
        return Ok(None);
    }
    match answer.cast::<Message>() {
        Ok(message) => Ok(Some(message.clone().unbind())),
        Err(_) => {
            let given = answer.get_type().name()?;
            Err(PyTypeError::new_err(format!("before_send must return None or an rmq.Message, not {given}")))
        }
    }
}

/// What the hook gave; `None` if it raised, which is logged.
fn kept<T>(name: &str, py: Python<'_>, answer: PyResult<T>) -> PyResult<Option<T>> {
    let error = match answer {
        Ok(answer) => return Ok(Some(answer)),
        Err(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
        Err(error) => error,
    };
    let report = package::log(py, "hook_raised");
    if let Err(failure) = report.and_then(|report| report.call1((name, error.into_value(py)))) {
        // A filter of the user's logging raised.
        failure.write_unraisable(py, None);
    }
    Ok(None)
}
