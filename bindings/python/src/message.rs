//! `rmq.Message`, and the arguments of a send in the form the core reads them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView, PyString, PyTuple};
use rocketmq_producer::{self as rmq, Delivery, Error};

use crate::delivery::DeliveryKeywords;
use crate::destination::{Destination, DestinationKeywords};
use crate::error::raise;

/// One message to send. Immutable; one object may be sent any number of times.
#[pyclass(frozen, eq, module = "rmq")]
pub(crate) struct Message {
    topic: Py<PyString>,
    body: Py<PyBytes>,
    tags: Option<Py<PyString>>,
    keys: Vec<String>,
    properties: Vec<(String, String)>,
    flag: i32,
    delivery: Delivery,
    destination: Destination,
    wait_store_ok: bool,
}

/// What a send may say about its message besides topic and body, as Python passes it.
pub(crate) struct Extras<'a, 'py> {
    pub(crate) tags: Option<Bound<'py, PyString>>,
    pub(crate) keys: Option<&'a Bound<'py, PyAny>>,
    pub(crate) properties: Option<&'a Bound<'py, PyAny>>,
    pub(crate) flag: i32,
    pub(crate) delivery: DeliveryKeywords,
    pub(crate) destination: DestinationKeywords<'a, 'py>,
    pub(crate) wait_store_ok: bool,
}

impl Message {
    /// The message of a call's arguments.
    ///
    /// # Errors
    /// Outside: `TypeError` for a body that is not bytes-like and for keys or properties that are not texts;
    /// `UnicodeEncodeError` for a text with lone surrogates; `OverflowError` for a number of more than 64 bits.
    /// Inside: `MESSAGE_ILLEGAL` for keywords that exclude each other.
    pub(crate) fn from_call(
        topic: Bound<'_, PyString>,
        body: &Bound<'_, PyAny>,
        extras: Extras<'_, '_>,
    ) -> PyResult<Result<Self, Error>> {
        // Fails here for lone surrogates; later reads find the encoded text in the object.
        topic.to_str()?;
        if let Some(tags) = &extras.tags {
            tags.to_str()?;
        }
        let (delivery, destination) = match (extras.delivery.delivery(), extras.destination.destination()?) {
            (Ok(delivery), Ok(destination)) => (delivery, destination),
            (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
        };
        Ok(Ok(Self {
            topic: topic.unbind(),
            body: body_bytes(body)?,
            tags: extras.tags.map(Bound::unbind),
            keys: extras.keys.map(key_list).transpose()?.unwrap_or_default(),
            properties: extras.properties.map(property_list).transpose()?.unwrap_or_default(),
            flag: extras.flag,
            delivery,
            destination,
            wait_store_ok: extras.wait_store_ok,
        }))
    }

    /// Lends the message to `with` as the core's view of it.
    pub(crate) fn lend<R>(&self, py: Python<'_>, with: impl FnOnce(&rmq::Message<'_>) -> R) -> PyResult<R> {
        let mut message = rmq::Message::new(self.topic.bind(py).to_str()?, self.body.as_bytes(py));
        message.flag = self.flag;
        message.delivery = self.delivery;
        message.destination = self.destination.view(py)?;
        message.wait_store_ok = self.wait_store_ok;
        if let Some(tags) = &self.tags {
            message.tags = Some(tags.bind(py).to_str()?);
        }
        if self.keys.is_empty() && self.properties.is_empty() {
            return Ok(with(&message));
        }
        let keys = self.keys();
        let properties = self.properties();
        Ok(with(&rmq::Message { keys: &keys, properties: &properties, ..message }))
    }

    /// The core's view on the parts that `keys` and `properties` hold; for arrays of messages.
    pub(crate) fn view<'a>(
        &'a self,
        py: Python<'a>,
        keys: &'a [&'a str],
        properties: &'a [rmq::Property<'a>],
    ) -> PyResult<rmq::Message<'a>> {
        Ok(rmq::Message {
            topic: self.topic.bind(py).to_str()?,
            body: self.body.as_bytes(py),
            tags: self.tags.as_ref().map(|tags| tags.bind(py).to_str()).transpose()?,
            keys,
            properties,
            buyer_id: None,
            instance_id: None,
            flag: self.flag,
            delivery: self.delivery,
            destination: self.destination.view(py)?,
            wait_store_ok: self.wait_store_ok,
        })
    }

    /// Adds the keywords that are set of those that say when and where the message is delivered.
    fn add_routing(&self, py: Python<'_>, keywords: &Bound<'_, PyDict>) -> PyResult<()> {
        for (name, value) in DeliveryKeywords::from(self.delivery).named() {
            if value != 0 {
                keywords.set_item(name, value)?;
            }
        }
        if let Some(key) = self.destination.sharding_key(py)? {
            keywords.set_item("sharding_key", key)?;
        }
        if let Some(queue) = self.destination.queue(py) {
            keywords.set_item("queue", queue)?;
        }
        Ok(())
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.keys.iter().map(String::as_str).collect()
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

fn body_bytes(body: &Bound<'_, PyAny>) -> PyResult<Py<PyBytes>> {
    if let Ok(bytes) = body.cast::<PyBytes>() {
        return Ok(bytes.clone().unbind());
    }
    if let Ok(bytes) = body.cast::<PyByteArray>() {
        return Ok(PyBytes::new(body.py(), &bytes.to_vec()).unbind());
    }
    if body.cast::<PyMemoryView>().is_ok() {
        return Ok(body.call_method0("tobytes")?.cast_into::<PyBytes>()?.unbind());
    }
    let given = body.get_type().name()?;
    Err(PyTypeError::new_err(format!("body must be bytes, bytearray or memoryview, not {given}")))
}

fn key_list(keys: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if let Ok(key) = keys.cast::<PyString>() {
        return Ok(vec![key.to_str()?.to_owned()]);
    }
    keys.try_iter()?.map(|key| key?.extract()).collect()
}

fn property_list(properties: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    if let Ok(properties) = properties.cast::<PyDict>() {
        return properties.iter().map(|(name, value)| Ok((name.extract()?, value.extract()?))).collect();
    }
    properties.call_method0("items")?.try_iter()?.map(|pair| pair?.extract()).collect()
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        Python::attach(|py| {
            let same_text = |a: &Py<PyString>, b: &Py<PyString>| {
                // Both were read when the messages were made.
                matches!((a.bind(py).to_str(), b.bind(py).to_str()), (Ok(a), Ok(b)) if a == b)
            };
            let same_tags = match (&self.tags, &other.tags) {
                (Some(a), Some(b)) => same_text(a, b),
                (None, None) => true,
                _ => false,
            };
            same_tags
                && same_text(&self.topic, &other.topic)
                && self.body.as_bytes(py) == other.body.as_bytes(py)
                && self.keys == other.keys
                && self.properties == other.properties
                && self.flag == other.flag
                && self.delivery == other.delivery
                && matches!((self.destination.view(py), other.destination.view(py)), (Ok(a), Ok(b)) if a == b)
                && self.wait_store_ok == other.wait_store_ok
        })
    }
}

#[pymethods]
impl Message {
    #[new]
    #[pyo3(signature = (topic, body, *, tags=None, keys=None, properties=None, flag=0, delay_level=0,
                        delay_seconds=0, delay_ms=0, deliver_at_ms=0, sharding_key=None, queue=None,
                        wait_store_ok=true))]
    #[expect(clippy::too_many_arguments, reason = "Python keywords")]
    fn new<'py>(
        topic: Bound<'py, PyString>,
        body: &Bound<'py, PyAny>,
        tags: Option<Bound<'py, PyString>>,
        keys: Option<&Bound<'py, PyAny>>,
        properties: Option<&Bound<'py, PyAny>>,
        flag: i32,
        delay_level: i32,
        delay_seconds: i64,
        delay_ms: i64,
        deliver_at_ms: i64,
        sharding_key: Option<&Bound<'py, PyAny>>,
        queue: Option<&Bound<'py, PyAny>>,
        wait_store_ok: bool,
    ) -> PyResult<Self> {
        let delivery = DeliveryKeywords { delay_level, delay_seconds, delay_ms, deliver_at_ms };
        let destination = DestinationKeywords { sharding_key, queue };
        let extras = Extras { tags, keys, properties, flag, delivery, destination, wait_store_ok };
        Self::from_call(topic, body, extras)?.map_err(|error| raise(&error))
    }

    /// The topic.
    #[getter]
    fn topic<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.topic.bind(py).clone()
    }

    /// The body; a bytearray or memoryview was copied when the message was made.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        self.body.bind(py).clone()
    }

    /// The tag that consumers filter by.
    #[getter]
    fn tags<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.tags.as_ref().map(|tags| tags.bind(py).clone())
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
        self.destination.sharding_key(py)
    }

    /// The one queue, as the name of its broker and its number there.
    #[getter]
    fn queue<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyString>, i32)> {
        self.destination.queue(py)
    }

    /// Whether the broker waits for flush and replication before it answers.
    #[getter]
    fn wait_store_ok(&self) -> bool {
        self.wait_store_ok
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("tags", self.tags(py))?;
        keywords.set_item("keys", self.key_tuple(py)?)?;
        keywords.set_item("properties", self.property_dict(py)?)?;
        keywords.set_item("flag", self.flag)?;
        self.add_routing(py, &keywords)?;
        keywords.set_item("wait_store_ok", self.wait_store_ok)?;
        Ok(((self.topic(py), self.body(py)).into_pyobject(py)?, keywords))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let topic = self.topic.bind(py).repr()?;
        let mut text = format!("<rmq.Message topic={topic} body={} bytes", self.body.as_bytes(py).len());
        let keywords = PyDict::new(py);
        self.add_routing(py, &keywords)?;
        for (name, value) in &keywords {
            text.push_str(&format!(" {name}={}", value.repr()?));
        }
        text.push('>');
        Ok(text)
    }
}
