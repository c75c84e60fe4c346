//! `rmq.Message`, and the arguments of a send in the form the core reads them.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView, PyString, PyTuple};
use rocketmq_producer as rmq;

/// One message to send. Immutable; one object may be sent any number of times.
#[pyclass(frozen, eq, module = "rmq")]
pub(crate) struct Message {
    topic: Py<PyString>,
    body: Py<PyBytes>,
    tags: Option<Py<PyString>>,
    keys: Vec<String>,
    properties: Vec<(String, String)>,
    flag: i32,
    delay_level: i32,
    wait_store_ok: bool,
}

/// What a send may say about its message besides topic and body, as Python passes it.
pub(crate) struct Extras<'a, 'py> {
    pub(crate) tags: Option<Bound<'py, PyString>>,
    pub(crate) keys: Option<&'a Bound<'py, PyAny>>,
    pub(crate) properties: Option<&'a Bound<'py, PyAny>>,
    pub(crate) flag: i32,
    pub(crate) delay_level: i32,
    pub(crate) wait_store_ok: bool,
}

impl Message {
    /// The message of a call's arguments.
    ///
    /// # Errors
    /// `TypeError` for a body that is not bytes-like and for keys or properties that are not texts;
    /// `UnicodeEncodeError` for a text with lone surrogates.
    pub(crate) fn from_call(
        topic: Bound<'_, PyString>,
        body: &Bound<'_, PyAny>,
        extras: Extras<'_, '_>,
    ) -> PyResult<Self> {
        // Fails here for lone surrogates; later reads find the encoded text in the object.
        topic.to_str()?;
        if let Some(tags) = &extras.tags {
            tags.to_str()?;
        }
        Ok(Self {
            topic: topic.unbind(),
            body: body_bytes(body)?,
            tags: extras.tags.map(Bound::unbind),
            keys: extras.keys.map(key_list).transpose()?.unwrap_or_default(),
            properties: extras.properties.map(property_list).transpose()?.unwrap_or_default(),
            flag: extras.flag,
            delay_level: extras.delay_level,
            wait_store_ok: extras.wait_store_ok,
        })
    }

    /// Lends the message to `with` as the core's view of it.
    pub(crate) fn lend<R>(&self, py: Python<'_>, with: impl FnOnce(&rmq::Message<'_>) -> R) -> PyResult<R> {
        let mut message = rmq::Message::new(self.topic.bind(py).to_str()?, self.body.as_bytes(py));
        message.flag = self.flag;
        message.delay_level = self.delay_level;
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
            flag: self.flag,
            delay_level: self.delay_level,
            wait_store_ok: self.wait_store_ok,
        })
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.keys.iter().map(String::as_str).collect()
    }

    pub(crate) fn properties(&self) -> Vec<rmq::Property<'_>> {
        self.properties.iter().map(|(name, value)| rmq::Property { name, value }).collect()
    }
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
                && self.delay_level == other.delay_level
                && self.wait_store_ok == other.wait_store_ok
        })
    }
}

#[pymethods]
impl Message {
    #[new]
    #[pyo3(signature = (topic, body, *, tags=None, keys=None, properties=None, flag=0, delay_level=0,
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
        wait_store_ok: bool,
    ) -> PyResult<Self> {
        Self::from_call(topic, body, Extras { tags, keys, properties, flag, delay_level, wait_store_ok })
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

    /// The broker's delay level; 0 is at once.
    #[getter]
    fn delay_level(&self) -> i32 {
        self.delay_level
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
        keywords.set_item("delay_level", self.delay_level)?;
        keywords.set_item("wait_store_ok", self.wait_store_ok)?;
        Ok(((self.topic(py), self.body(py)).into_pyobject(py)?, keywords))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let topic = self.topic.bind(py).repr()?;
        Ok(format!("<rmq.Message topic={topic} body={} bytes>", self.body.as_bytes(py).len()))
    }
}
