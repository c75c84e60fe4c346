//! Which queue a message goes to, of the keywords that say so.

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;
use rocketmq_producer::{self as rmq, Error, ErrorCode};

use crate::keywords::Arguments;

/// Names of the keywords.
pub(crate) const SHARDING_KEY: &str = "sharding_key";
pub(crate) const QUEUE: &str = "queue";
pub(crate) const SELECTOR: &str = "selector";

/// The value of `queue` for one by chance.
const RANDOM: &str = "random";

/// A destination that holds its texts as the caller's objects.
pub(crate) enum Destination {
    Any,
    Random,
    Queue(PyBackedStr, i32),
    ShardingKey(PyBackedStr),
    ShardingNumber(i64),
    /// A callable of the program. It is asked before the message is handed to the core, with the queue as result.
    Selector(Py<PyAny>),
}

/// The keywords as they were passed.
#[derive(Clone, Copy)]
pub(crate) struct DestinationKeywords<'a, 'py> {
    pub(crate) sharding_key: Option<&'a Bound<'py, PyAny>>,
    pub(crate) queue: Option<&'a Bound<'py, PyAny>>,
    pub(crate) selector: Option<&'a Bound<'py, PyAny>>,
}

impl<'a, 'py> DestinationKeywords<'a, 'py> {
    pub(crate) fn of(arguments: &Arguments<'a, 'py>) -> Self {
        Self { sharding_key: arguments.sharding_key, queue: arguments.queue, selector: arguments.selector }
    }

    /// The one destination the keywords ask for.
    ///
    /// # Errors
    /// `TypeError`, `OverflowError` and `UnicodeEncodeError` for what is neither text, number nor callable;
    /// `MESSAGE_ILLEGAL` if two keywords are set.
    pub(crate) fn destination(self) -> PyResult<Result<Destination, Error>> {
        Ok(Ok(match (self.sharding_key, self.queue, self.selector) {
            (None, None, None) => Destination::Any,
            (Some(key), None, None) => of_key(key)?,
            (None, Some(queue), None) => of_queue(queue)?,
            (None, None, Some(selector)) => of_selector(selector)?,
            (Some(_), Some(_), _) => return Ok(Err(only_one(SHARDING_KEY, QUEUE))),
            (Some(_), None, Some(_)) => return Ok(Err(only_one(SHARDING_KEY, SELECTOR))),
            (None, Some(_), Some(_)) => return Ok(Err(only_one(QUEUE, SELECTOR))),
        }))
    }
}

fn of_key(key: &Bound<'_, PyAny>) -> PyResult<Destination> {
    if key.is_instance_of::<PyString>() {
        return Ok(Destination::ShardingKey(key.extract()?));
    }
    let number = key.extract().map_err(|error| wrong_type(error, key, "sharding_key must be str or int"))?;
    Ok(Destination::ShardingNumber(number))
}

fn of_queue(queue: &Bound<'_, PyAny>) -> PyResult<Destination> {
    if queue.cast::<PyString>().is_ok_and(|text| text == RANDOM) {
        return Ok(Destination::Random);
    }
    let rule = "queue must be a tuple of broker name and queue id, or \"random\"";
    let pair = queue.extract::<(Bound<'_, PyString>, i32)>();
    let (broker, queue_id) = pair.map_err(|error| wrong_type(error, queue, rule))?;
    Ok(Destination::Queue(broker.try_into()?, queue_id))
}

fn of_selector(selector: &Bound<'_, PyAny>) -> PyResult<Destination> {
    if selector.is_callable() {
        return Ok(Destination::Selector(selector.clone().unbind()));
    }
    Err(PyTypeError::new_err(format!("selector must be callable, not {}", selector.repr()?)))
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
    /// The core's view. A selector stands for any queue until it was asked.
    pub(crate) fn view(&self) -> rmq::Destination<'_> {
        match self {
            Self::Any | Self::Selector(_) => rmq::Destination::Any,
            Self::Random => rmq::Destination::Random,
            Self::Queue(broker, queue_id) => rmq::Destination::Queue { broker, queue_id: *queue_id },
            Self::ShardingKey(key) => rmq::Destination::ShardingKey(key),
            Self::ShardingNumber(number) => rmq::Destination::ShardingNumber(*number),
        }
    }

    /// The keyword that asks for it, and its value.
    pub(crate) fn keyword<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(&'static str, Bound<'py, PyAny>)>> {
        Ok(Some(match self {
            Self::Any => return Ok(None),
            Self::Random => (QUEUE, RANDOM.into_bound_py_any(py)?),
            Self::Queue(broker, queue_id) => (QUEUE, (broker, queue_id).into_bound_py_any(py)?),
            Self::ShardingKey(key) => (SHARDING_KEY, key.into_bound_py_any(py)?),
            Self::ShardingNumber(number) => (SHARDING_KEY, number.into_bound_py_any(py)?),
            Self::Selector(selector) => (SELECTOR, selector.bind(py).clone()),
        }))
    }

    /// The value of this keyword, if it is the one that asks for it.
    pub(crate) fn value_of<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.keyword(py)?.and_then(|(keyword, value)| (keyword == name).then_some(value)))
    }
}

/// Selectors are equal if Python says so.
impl PartialEq for Destination {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Selector(one), Self::Selector(other)) => {
                Python::attach(|py| one.bind(py).eq(other.bind(py)).unwrap_or(false))
            }
            (Self::Selector(_), _) | (_, Self::Selector(_)) => false,
            _ => self.view() == other.view(),
        }
    }
}
