//! Which queue a message goes to, of the keywords that say so.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use rocketmq_producer::{self as rmq, Error, ErrorCode};

/// A destination that holds its texts as the caller's objects.
pub(crate) enum Destination {
    Any,
    Queue(Py<PyString>, i32),
    ShardingKey(Py<PyString>),
    ShardingNumber(i64),
}

/// The keywords as they were passed.
#[derive(Clone, Copy)]
pub(crate) struct DestinationKeywords<'a, 'py> {
    pub(crate) sharding_key: Option<&'a Bound<'py, PyAny>>,
    pub(crate) queue: Option<&'a Bound<'py, PyAny>>,
}

impl DestinationKeywords<'_, '_> {
    /// The one destination the keywords ask for.
    ///
    /// # Errors
    /// `TypeError`, `OverflowError` and `UnicodeEncodeError` for what is neither text nor number; `MESSAGE_ILLEGAL`
    /// if both keywords are set.
    pub(crate) fn destination(self) -> PyResult<Result<Destination, Error>> {
        Ok(Ok(match (self.sharding_key, self.queue) {
            (None, None) => Destination::Any,
            (Some(key), None) => of_key(key)?,
            (None, Some(queue)) => of_queue(queue)?,
            (Some(_), Some(_)) => return Ok(Err(only_one("sharding_key", "queue"))),
        }))
    }
}

fn of_key(key: &Bound<'_, PyAny>) -> PyResult<Destination> {
    if let Ok(text) = key.cast::<PyString>() {
        text.to_str()?;
        return Ok(Destination::ShardingKey(text.clone().unbind()));
    }
    let number = key.extract().map_err(|error| wrong_type(error, key, "sharding_key must be str or int"))?;
    Ok(Destination::ShardingNumber(number))
}

fn of_queue(queue: &Bound<'_, PyAny>) -> PyResult<Destination> {
    let pair = queue.extract::<(Bound<'_, PyString>, i32)>();
    let (broker, queue_id) =
        pair.map_err(|error| wrong_type(error, queue, "queue must be a tuple of broker name and queue id"))?;
    broker.to_str()?;
    Ok(Destination::Queue(broker.unbind(), queue_id))
}

/// What the keyword must be instead; a number that is too big is told by `error` itself.
fn wrong_type(error: PyErr, given: &Bound<'_, PyAny>, rule: &str) -> PyErr {
    let py = given.py();
    if error.is_instance_of::<PyOverflowError>(py) {
        return error;
    }
    match given.repr() {
        Ok(given) => {
            let refused = PyTypeError::new_err(format!("{rule}, not {given}"));
            refused.set_cause(py, Some(error));
            refused
        }
        Err(failure) => failure,
    }
}

/// Two keywords are set that exclude each other.
pub(crate) fn only_one(first: &str, second: &str) -> Error {
    let text = format!("{first} and {second} are both set, at most one may be");
    Error::new(ErrorCode::MessageIllegal, text)
}

impl Destination {
    /// The core's view.
    pub(crate) fn view<'a>(&'a self, py: Python<'a>) -> PyResult<rmq::Destination<'a>> {
        Ok(match self {
            Self::Any => rmq::Destination::Any,
            Self::Queue(broker, queue_id) => {
                rmq::Destination::Queue { broker: broker.bind(py).to_str()?, queue_id: *queue_id }
            }
            Self::ShardingKey(key) => rmq::Destination::ShardingKey(key.bind(py).to_str()?),
            Self::ShardingNumber(number) => rmq::Destination::ShardingNumber(*number),
        })
    }

    /// The keyword `sharding_key` that asks for it.
    pub(crate) fn sharding_key<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match self {
            Self::Any | Self::Queue(..) => None,
            Self::ShardingKey(key) => Some(key.bind(py).clone().into_any()),
            Self::ShardingNumber(number) => Some(number.into_pyobject(py)?.into_any()),
        })
    }

    /// The keyword `queue` that asks for it.
    pub(crate) fn queue<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyString>, i32)> {
        match self {
            Self::Queue(broker, queue_id) => Some((broker.bind(py).clone(), *queue_id)),
            _ => None,
        }
    }
}
