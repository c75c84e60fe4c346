//! Errors of the core as Python exceptions.

use std::error::Error as _;
use std::time::Duration;

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use rocketmq_producer::{Error, ErrorCode, FailedAttempt, Persistence, shown, sys};

use crate::package;

/// The Python exception of a core error. Called with the interpreter attached or not.
pub(crate) fn raise(error: &Error) -> PyErr {
    Python::attach(|py| exception(py, error, error.elapsed()))
}

/// The same for an error that the binding found itself: nothing was sent.
pub(crate) fn refuse(code: ErrorCode, message: impl Into<String>) -> PyErr {
    raise(&Error::new(code, message))
}

/// The wait for room in flight took the whole time of the send.
pub(crate) fn no_room(py: Python<'_>, waited: Duration) -> PyErr {
    let text = format!(
        "no room in flight for {} ms: in.flight.max.messages or in.flight.max.bytes is reached",
        waited.as_millis()
    );
    exception(py, &Error::new(ErrorCode::Timeout, text), waited)
}

/// The wait of a send for the queues of its topics took its whole time.
pub(crate) fn no_turn(py: Python<'_>, waited: Duration) -> PyErr {
    let text = format!(
        "the queues of its topics were not known for {} ms, or those of earlier sends to them",
        waited.as_millis()
    );
    exception(py, &Error::new(ErrorCode::Timeout, text), waited)
}

fn exception(py: Python<'_>, error: &Error, elapsed: Duration) -> PyErr {
    sys::guard_thread();
    let made = package::make_error(py).and_then(|make| {
        make.call1((
            error.code() as i32,
            text_with_causes(error),
            error.broker_code(),
            error.remark(),
            error.broker_address(),
            error.attempts(),
            elapsed.as_secs_f64(),
            error.is_retriable(),
            error.persistence() as i32,
            error.history().iter().map(attempt_fields).collect::<Vec<_>>(),
        ))
    });
    match made {
        Ok(instance) => PyErr::from_value(instance),
        // Ctrl-C or the like, while Python code of the package ran: it is not to be lost.
        Err(interruption) if !interruption.is_instance_of::<PyException>(py) => interruption,
        Err(failure) => {
            // Out of memory, or the package is being torn down: keep both texts.
            let fallback = PyRuntimeError::new_err(error.to_string());
            fallback.set_cause(py, Some(failure));
            fallback
        }
    }
}

type AttemptFields<'a> = (&'a str, &'a str, f64, i32, Option<i32>, &'a str);

fn attempt_fields(attempt: &FailedAttempt) -> AttemptFields<'_> {
    (
        &attempt.broker_name,
        &attempt.broker_address,
        attempt.elapsed.as_secs_f64(),
        attempt.code as i32,
        attempt.broker_code,
        &attempt.message,
    )
}

/// Whether it is an error of this package.
pub(crate) fn is_error(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    error.value(py).is_instance(&package::error_class(py)?)
}

/// So many bytes of the text of a cause are told.
const MOST_OF_A_CAUSE: usize = 1024;

/// The error's sentence, followed by the causes it does not tell already.
fn text_with_causes(error: &Error) -> String {
    let mut text = error.message().to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        let cause_text = &*shown(&cause_text, MOST_OF_A_CAUSE);
        if !text.contains(cause_text) {
            text.push_str(": ");
            text.push_str(cause_text);
        }
        source = cause.source();
    }
    text
}

/// Whether nothing of the message can have been accepted because the bounds in flight are reached.
pub(crate) fn is_queue_full(error: &Error) -> bool {
    error.code() == ErrorCode::QueueFull && error.persistence() == Persistence::NotPersisted
}
