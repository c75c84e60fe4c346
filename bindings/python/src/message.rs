//! `rmq.Message`, and the arguments of a send in the form the core reads them.

mod content;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyDict, PyTuple};
use rocketmq_producer::{self as rmq, Delivery, Error, sys};

use content::{body_bytes, key_list, property_list};

use crate::delivery::DeliveryKeywords;
use crate::destination::{Destination, DestinationKeywords, QUEUE, SELECTOR, SHARDING_KEY};
use crate::error::raise;
use crate::keywords::Arguments;

/// One message to send. Immutable; one object may be sent any number of times.
///
/// Its texts are the caller's objects, read without the interpreter.
#[pyclass(frozen, eq, module = "rmq")]
#[derive(PartialEq)]
pub(crate) struct Message {
    topic: PyBackedStr,
    body: PyBackedBytes,
    tags: Option<PyBackedStr>,
    keys: Vec<PyBackedStr>,
    properties: Vec<(PyBackedStr, PyBackedStr)>,
    buyer_id: Option<PyBackedStr>,
    instance_id: Option<PyBackedStr>,
    flag: i32,
    delivery: Delivery,
    destination: Destination,
    wait_store_ok: bool,
}

impl Message {
    /// The message of a call's arguments.
    ///
    /// # Errors
    /// Outside: `TypeError` for a body that is not bytes-like, for keys or properties that are not texts and for a
    /// selector that cannot be called; `UnicodeEncodeError` for a text with lone surrogates; `OverflowError` for a
    /// number of more than 64 bits. Inside: `MESSAGE_ILLEGAL` for keywords that exclude each other.
    pub(crate) fn from_call(arguments: Arguments<'_, '_>) -> PyResult<Result<Self, Error>> {
        sys::guard_thread();
        let delivery = DeliveryKeywords::of(&arguments).delivery();
        let destination = DestinationKeywords::of(&arguments).destination()?;
        let (delivery, destination) = match (delivery, destination) {
            (Ok(delivery), Ok(destination)) => (delivery, destination),
            (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
        };
        Ok(Ok(Self {
            topic: arguments.topic,
            body: body_bytes(arguments.body)?.into(),
            tags: arguments.tags,
            keys: arguments.keys.map(key_list).transpose()?.unwrap_or_default(),
            properties: arguments.properties.map(property_list).transpose()?.unwrap_or_default(),
            buyer_id: arguments.buyer_id,
            instance_id: arguments.instance_id,
            flag: arguments.flag,
            delivery,
            destination,
            wait_store_ok: arguments.wait_store_ok,
        }))
    }

    /// # Errors
    /// As [`Message::from_call`], all of them raised.
    fn of(arguments: Arguments<'_, '_>) -> PyResult<Self> {
        Self::from_call(arguments)?.map_err(|error| raise(&error))
    }

    /// The core's view, on the parts that `keys` and `properties` hold; to `destination` instead of its own.
    pub(crate) fn view<'a>(
        &'a self,
        keys: &'a [&'a str],
        properties: &'a [rmq::Property<'a>],
        destination: Option<&'a Destination>,
    ) -> rmq::Message<'a> {
        rmq::Message {
            topic: &self.topic,
            body: &self.body,
            tags: self.tags.as_deref(),
            keys,
            properties,
            buyer_id: self.buyer_id.as_deref(),
            instance_id: self.instance_id.as_deref(),
            flag: self.flag,
            delivery: self.delivery,
            destination: destination.unwrap_or(&self.destination).view(),
            wait_store_ok: self.wait_store_ok,
        }
    }

    /// Adds the keywords that are set of those that say when and where the message is delivered.
    fn add_routing(&self, py: Python<'_>, keywords: &Bound<'_, PyDict>) -> PyResult<()> {
        for (name, value) in DeliveryKeywords::from(self.delivery).named() {
            if value != 0 {
                keywords.set_item(name, value)?;
            }
        }
        if let Some((name, value)) = self.destination.keyword(py)? {
            keywords.set_item(name, value)?;
        }
        Ok(())
    }

    pub(crate) fn topic_name(&self) -> &PyBackedStr {
        &self.topic
    }

    /// What the program chooses the queue with.
    pub(crate) fn queue_selector(&self) -> Option<&Py<PyAny>> {
        match &self.destination {
            Destination::Selector(selector) => Some(selector),
            _ => None,
        }
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.keys.iter().map(|key| &**key).collect()
    }

    pub(crate) fn properties(&self) -> Vec<rmq::Property<'_>> {
        self.properties.iter().map(|(name, value)| rmq::Property { name, value }).collect()
    }
}

/// A body from this length on may be compressed for longer than a switch of threads takes.
const LONG_BODY: usize = 64 << 10;

/// Runs `send`, which hands over these messages; other Python threads run meanwhile if a body is long.
pub(crate) fn hand_over<R: Send>(
    py: Python<'_>,
    messages: &[rmq::Message<'_>],
    send: impl FnOnce() -> R + Send,
) -> R {
    if messages.iter().any(|message| message.body.len() >= LONG_BODY) { py.detach(send) } else { send() }
}

message_constructor! { Message = of; }

#[pymethods]
impl Message {
    /// The topic.
    #[getter]
    fn topic(&self) -> &PyBackedStr {
        &self.topic
    }

    /// The body; a bytearray or memoryview was copied when the message was made.
    #[getter]
    fn body(&self) -> &PyBackedBytes {
        &self.body
    }

    /// The tag that consumers filter by.
    #[getter]
    fn tags(&self) -> Option<&PyBackedStr> {
        self.tags.as_ref()
    }

    /// The business keys the broker indexes.
    #[getter(keys)]
    fn key_tuple<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.keys)
    }

    /// The user properties, as a new dictionary.
    #[getter(properties)]
    fn property_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let properties = PyDict::new(py);
        for (name, value) in &self.properties {
            properties.set_item(name, value)?;
        }
        Ok(properties)
    }

    /// The property BUYER_ID of the Java client.
    #[getter]
    fn buyer_id(&self) -> Option<&PyBackedStr> {
        self.buyer_id.as_ref()
    }

    /// The property INSTANCE_ID of the Java client.
    #[getter]
    fn instance_id(&self) -> Option<&PyBackedStr> {
        self.instance_id.as_ref()
    }

    /// The application's number.
    #[getter]
    fn flag(&self) -> i32 {
        self.flag
    }

    /// The broker's delay level; 0 is not set.
    #[getter]
    fn delay_level(&self) -> i32 {
        DeliveryKeywords::from(self.delivery).delay_level
    }

    /// After so many seconds; 0 is not set.
    #[getter]
    fn delay_seconds(&self) -> i64 {
        DeliveryKeywords::from(self.delivery).delay_seconds
    }

    /// After so many milliseconds; 0 is not set.
    #[getter]
    fn delay_ms(&self) -> i64 {
        DeliveryKeywords::from(self.delivery).delay_ms
    }

    /// At this time, in milliseconds since 1970; 0 is not set.
    #[getter]
    fn deliver_at_ms(&self) -> i64 {
        DeliveryKeywords::from(self.delivery).deliver_at_ms
    }

    /// What chooses the queue by its hash.
    #[getter]
    fn sharding_key<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.destination.value_of(py, SHARDING_KEY)
    }

    /// The one queue, as the name of its broker and its number there, or `"random"`.
    #[getter]
    fn queue<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.destination.value_of(py, QUEUE)
    }

    /// What the program chooses the queue with.
    #[getter]
    fn selector<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.destination.value_of(py, SELECTOR)
    }

    /// Whether the broker waits for flush and replication before it answers.
    #[getter]
    fn wait_store_ok(&self) -> bool {
        self.wait_store_ok
    }

    /// The same message but for some members.
    #[pyo3(signature = (**changes))]
    fn replace<'py>(
        slf: &Bound<'py, Self>,
        changes: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        sys::guard_thread();
        let py = slf.py();
        let (_, keywords) = slf.get().__getnewargs_ex__(py)?;
        keywords.set_item("topic", &slf.get().topic)?;
        keywords.set_item("body", &slf.get().body)?;
        if let Some(changes) = changes {
            keywords.update(changes.as_mapping())?;
        }
        slf.get_type().call((), Some(&keywords))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("tags", &self.tags)?;
        keywords.set_item("keys", self.key_tuple(py)?)?;
        keywords.set_item("properties", self.property_dict(py)?)?;
        keywords.set_item("buyer_id", &self.buyer_id)?;
        keywords.set_item("instance_id", &self.instance_id)?;
        keywords.set_item("flag", self.flag)?;
        self.add_routing(py, &keywords)?;
        keywords.set_item("wait_store_ok", self.wait_store_ok)?;
        Ok(((&self.topic, &self.body).into_pyobject(py)?, keywords))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        sys::guard_thread();
        let topic = self.topic.as_py_str().bind(py).repr()?;
        let mut text = format!("<rmq.Message topic={topic} body={} bytes", self.body.len());
        let keywords = PyDict::new(py);
        self.add_routing(py, &keywords)?;
        for (name, value) in &keywords {
            text.push_str(&format!(" {name}={}", value.repr()?));
        }
        text.push('>');
        Ok(text)
    }

    /// A selector may refer to what refers to the message.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.queue_selector().map_or(Ok(()), |selector| visit.call(selector))
    }
}
