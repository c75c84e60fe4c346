//! Keywords and mappings of Python as a configuration of the core.

use rocketmq_producer::sys;
use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use rocketmq_mock::{MockCluster, MockOptions};
use rocketmq_producer::config::Key;
use rocketmq_producer::{Config, ErrorCode};

use crate::error::{raise, refuse};
use crate::log::{LogQueue, Sink};
use crate::package;

const BATCH_SPLIT: &str = "batch.split";
const CLIENT_LANGUAGE: &str = "client.language";
const IN_FLIGHT_FULL: &str = "in.flight.full";
const LOG_LEVEL: &str = "log.level";
const MOCK_BROKERS: &str = "test.mock.brokers";
const NAME_SERVER: &str = "name.server";
const PRODUCER_GROUP: &str = "producer.group";
const RETRY_TIMES: &str = "retry.times";
const RETRY_TIMES_ASYNC: &str = "retry.times.async";
const SEND_TIMEOUT: &str = "send.timeout.ms";

/// What a producer is made of.
pub(crate) struct Prepared {
    pub(crate) config: Config,
    /// Whether sends wait for room in flight. The core is always told to refuse: the wait is the binding's, so
    /// that an event loop and Ctrl-C go on meanwhile.
    pub(crate) wait_for_room: bool,
    pub(crate) send_timeout: Duration,
    pub(crate) split_batches: bool,
    pub(crate) mock: Option<MockCluster>,
}

/// Which of the package's producers is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Blocking,
    Asyncio,
}

/// Reads the arguments of a producer's constructor. Keywords win over the mapping.
///
/// # Errors
/// `UnknownKeyError`, `InvalidValueError` of the core; `TypeError` for a value of a type no key has;
/// `SystemError` if the mock cluster cannot be started.
pub(crate) fn prepare(
    py: Python<'_>,
    door: Door,
    group: &str,
    name_server: Option<&Bound<'_, PyAny>>,
    mapping: Option<&Bound<'_, PyAny>>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<Prepared> {
    sys::guard_thread();
    let mut builder = Builder { config: Config::new(), wait_for_room: true, log_level_given: false };
    builder.set_text(CLIENT_LANGUAGE, "PYTHON")?;
    if let Some(mapping) = mapping {
        for pair in mapping.call_method0("items")?.try_iter()? {
            let (key, value): (Bound<'_, PyString>, Bound<'_, PyAny>) = pair?.extract()?;
            builder.set(key.to_str()?, &value)?;
        }
    }
    for (keyword, value) in keywords.into_iter().flat_map(|keywords| keywords.iter()) {
        builder.set(&keyword.cast::<PyString>()?.to_str()?.replace('_', "."), &value)?;
    }
    if let Some(addresses) = name_server {
        builder.set(NAME_SERVER, addresses)?;
    }
    builder.set_text(PRODUCER_GROUP, group)?;
    if door == Door::Blocking {
        // For the core all sends of this package are asynchronous; for its users those of this door are not.
        let times = builder.get(RETRY_TIMES)?;
        builder.set_text(RETRY_TIMES_ASYNC, &times)?;
    }
    builder.finish(py)
}

struct Builder {
    config: Config,
    wait_for_room: bool,
    log_level_given: bool,
}

impl Builder {
    fn set(&mut self, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        self.set_text(key, &value_text(key, value)?)
    }

    fn set_text(&mut self, key: &str, value: &str) -> PyResult<()> {
        self.config.set(key, value).map_err(|error| raise(&error))?;
        match key {
            IN_FLIGHT_FULL => self.wait_for_room = self.get(key)? == "wait",
            LOG_LEVEL => self.log_level_given = true,
            _ => {}
        }
        Ok(())
    }

    /// The value of a key that has a default.
    fn get(&self, key: &str) -> PyResult<String> {
        Ok(self.config.get(key).map_err(|error| raise(&error))?.unwrap_or_default())
    }

    fn number(&self, key: &str) -> PyResult<u64> {
        let text = self.get(key)?;
        text.parse().map_err(|cause| refuse(ErrorCode::Internal, format!("{key} = {text:?}: {cause}")))
    }

    fn finish(mut self, py: Python<'_>) -> PyResult<Prepared> {
        self.set_log(py)?;
        let wait_for_room = self.wait_for_room;
        self.set_text(IN_FLIGHT_FULL, "fail")?;
        let mock = match self.number(MOCK_BROKERS)? {
            0 => None,
            brokers => Some(self.start_mock(py, brokers)?),
        };
        let send_timeout = Duration::from_millis(self.number(SEND_TIMEOUT)?);
        let split_batches = self.get(BATCH_SPLIT)? == "true";
        Ok(Prepared { config: self.config, wait_for_room, send_timeout, split_batches, mock })
    }

    fn start_mock(&mut self, py: Python<'_>, brokers: u64) -> PyResult<MockCluster> {
        let brokers = usize::try_from(brokers).unwrap_or(usize::MAX);
        let options = MockOptions { brokers, ..MockOptions::default() };
        let mock =
            py.detach(|| sys::with_signals_blocked(|| MockCluster::start(options))).map_err(|cause| {
                refuse(
                    ErrorCode::System,
                    format!("the mock cluster of {MOCK_BROKERS} cannot be started: {cause}"),
                )
            })?;
        self.set_text(NAME_SERVER, &mock.name_server())?;
        self.set_text(MOCK_BROKERS, "0")?;
        Ok(mock)
    }

    /// Lines go to `logging.getLogger("rmq")`, at the level this logger has now unless one was given.
    fn set_log(&mut self, py: Python<'_>) -> PyResult<()> {
        if !self.log_level_given {
            let level: String = package::log(py, "level")?.call0()?.extract()?;
            self.set_text(LOG_LEVEL, &level)?;
        }
        let queue = package::log(py, "queue")?.call0()?.cast_into::<LogQueue>()?;
        self.config.set_log(Some(Arc::new(Sink::of(queue.get()))));
        Ok(())
    }
}

/// The text of a value; several are joined as the core separates them.
///
/// # Errors
/// `TypeError` for a value of a type that no key has.
pub(crate) fn value_text(key: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_str()?.to_owned());
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().to_string());
    }
    if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        return value.str()?.extract();
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items: Vec<String> = value.extract()?;
        return Ok(items.join(";"));
    }
    let given = value.get_type().name()?;
    Err(PyTypeError::new_err(format!("{key}: a value is str, int, bool or a list of str, not {given}")))
}

type KeyRow = (&'static str, &'static str, &'static str, &'static str, String, &'static str);

/// The table of configuration keys: name, kind, default, unit, range and text of each.
#[pyfunction]
pub(crate) fn config_keys() -> Vec<KeyRow> {
    let row =
        |key: &Key| -> KeyRow { (key.name, key.kind.name(), key.default, key.unit, key.range(), key.text) };
    Config::keys().iter().map(row).collect()
}
