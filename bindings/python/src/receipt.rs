//! `rmq.Receipt`.

use std::hash::{Hash, Hasher};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rocketmq_producer::{self as rmq, sys};

use crate::package;

/// What the broker said about a stored message.
///
/// Made by sends; its attributes are read from the core's receipt when they are asked for. The constructor is
/// there for tests of user code and for pickling.
#[pyclass(frozen, eq, hash, module = "rmq")]
pub(crate) struct Receipt(Source);

enum Source {
    Core(rmq::Receipt),
    Given(Box<Fields<String>>),
}

/// All that a receipt tells; `S` is a borrowed or an owned text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Fields<S> {
    status: i32,
    topic: S,
    message_id: S,
    offset_message_id: S,
    broker_name: S,
    broker_address: S,
    queue_id: i32,
    queue_offset: i64,
    attempts: u32,
    elapsed_us: u64,
}

type Arguments<'a> = (i32, &'a str, &'a str, &'a str, &'a str, &'a str, i32, i64, u32, f64);

impl Receipt {
    pub(crate) fn new(receipt: rmq::Receipt) -> Self {
        Self(Source::Core(receipt))
    }

    fn fields(&self) -> Fields<&str> {
        match &self.0 {
            Source::Core(receipt) => Fields {
                status: receipt.status() as i32,
                topic: receipt.topic(),
                message_id: receipt.message_id(),
                offset_message_id: receipt.offset_message_id(),
                broker_name: receipt.broker_name(),
                broker_address: receipt.broker_address(),
                queue_id: receipt.queue_id(),
                queue_offset: receipt.queue_offset(),
                attempts: receipt.attempts(),
                elapsed_us: u64::try_from(receipt.elapsed().as_micros()).unwrap_or(u64::MAX),
            },
            Source::Given(given) => Fields {
                status: given.status,
                topic: &given.topic,
                message_id: &given.message_id,
                offset_message_id: &given.offset_message_id,
                broker_name: &given.broker_name,
                broker_address: &given.broker_address,
                queue_id: given.queue_id,
                queue_offset: given.queue_offset,
                attempts: given.attempts,
                elapsed_us: given.elapsed_us,
            },
        }
    }
}

impl PartialEq for Receipt {
    fn eq(&self, other: &Self) -> bool {
        self.fields() == other.fields()
    }
}

impl Hash for Receipt {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fields().hash(state);
    }
}

fn status_member(py: Python<'_>, status: i32) -> PyResult<Bound<'_, PyAny>> {
    sys::guard_thread();
    package::send_status(py)?.call1((status,))
}

#[pymethods]
impl Receipt {
    #[new]
    #[pyo3(signature = (status, topic, message_id, offset_message_id="", broker_name="", broker_address="",
                        queue_id=0, queue_offset=-1, attempts=1, elapsed=0.0))]
    #[expect(clippy::too_many_arguments, reason = "one for each attribute")]
    fn from_fields(
        py: Python<'_>,
        status: i32,
        topic: &str,
        message_id: &str,
        offset_message_id: &str,
        broker_name: &str,
        broker_address: &str,
        queue_id: i32,
        queue_offset: i64,
        attempts: u32,
        elapsed: f64,
    ) -> PyResult<Self> {
        status_member(py, status)?;
        let microseconds = (elapsed * 1e6).round();
        if !(0.0..1e18).contains(&microseconds) {
            return Err(PyValueError::new_err(format!("elapsed = {elapsed}: not a time in seconds")));
        }
        Ok(Self(Source::Given(Box::new(Fields {
            status,
            topic: topic.to_owned(),
            message_id: message_id.to_owned(),
            offset_message_id: offset_message_id.to_owned(),
            broker_name: broker_name.to_owned(),
            broker_address: broker_address.to_owned(),
            queue_id,
            queue_offset,
            attempts,
            elapsed_us: microseconds as u64,
        }))))
    }

    /// How safely the message is stored.
    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        status_member(py, self.fields().status)
    }

    /// The topic the caller named.
    #[getter]
    fn topic(&self) -> &str {
        self.fields().topic
    }

    /// The unique id made by the producer, equal over all attempts. Consumers see it as the message id.
    #[getter]
    fn message_id(&self) -> &str {
        self.fields().message_id
    }

    /// The broker's id: its store address and commit-log offset; empty if the broker sent none.
    #[getter]
    fn offset_message_id(&self) -> &str {
        self.fields().offset_message_id
    }

    /// The broker that stored the message.
    #[getter]
    fn broker_name(&self) -> &str {
        self.fields().broker_name
    }

    /// The broker's address, `host:port`.
    #[getter]
    fn broker_address(&self) -> &str {
        self.fields().broker_address
    }

    /// The queue the message went to.
    #[getter]
    fn queue_id(&self) -> i32 {
        self.fields().queue_id
    }

    /// The offset in that queue; -1 if the broker sent none.
    #[getter]
    fn queue_offset(&self) -> i64 {
        self.fields().queue_offset
    }

    /// How many attempts were made.
    #[getter]
    fn attempts(&self) -> u32 {
        self.fields().attempts
    }

    /// Seconds from the call to the answer.
    #[getter]
    fn elapsed(&self) -> f64 {
        self.fields().elapsed_us as f64 / 1e6
    }

    fn __getnewargs__(&self) -> Arguments<'_> {
        let f = self.fields();
        (
            f.status,
            f.topic,
            f.message_id,
            f.offset_message_id,
            f.broker_name,
            f.broker_address,
            f.queue_id,
            f.queue_offset,
            f.attempts,
            f.elapsed_us as f64 / 1e6,
        )
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let f = self.fields();
        let status: String = status_member(py, f.status)?.getattr("name")?.extract()?;
        Ok(format!(
            "<rmq.Receipt {status} topic={:?} broker={:?} queue_id={} queue_offset={} message_id={}>",
            f.topic, f.broker_name, f.queue_id, f.queue_offset, f.message_id
        ))
    }
}
