//! What a mock cluster shows of itself.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use rocketmq_mock as mock;
use rocketmq_producer::ErrorCode;
use rocketmq_protocol::compression;
use rocketmq_protocol::sys_flag::CompressionType;

use crate::error::refuse;

/// More than any body a producer may send, `max.message.size` at its highest.
const MAX_PLAIN_BODY: usize = 16 << 20;

/// A message as a mock broker stored it.
#[pyclass(frozen, module = "rmq.testing")]
pub(crate) struct StoredMessage(pub(super) mock::StoredMessage);

/// A producer that registered with a mock broker.
#[pyclass(frozen, get_all, module = "rmq.testing")]
pub(crate) struct Registration {
    pub(super) broker: String,
    pub(super) group: String,
    pub(super) client_id: String,
}

#[pymethods]
impl StoredMessage {
    /// The broker's name.
    #[getter]
    fn broker(&self) -> &str {
        &self.0.broker
    }

    /// The topic.
    #[getter]
    fn topic(&self) -> &str {
        &self.0.topic
    }

    /// The queue.
    #[getter]
    fn queue_id(&self) -> i32 {
        self.0.queue_id
    }

    /// The offset in the queue.
    #[getter]
    fn queue_offset(&self) -> i64 {
        self.0.queue_offset
    }

    /// The offset message id.
    #[getter]
    fn message_id(&self) -> &str {
        &self.0.message_id
    }

    /// The body as consumers get it: decompressed if it travelled compressed.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let Some(kind) = CompressionType::of(self.0.sys_flag) else {
            return Ok(self.raw_body(py));
        };
        let plain = compression::decompress(kind, &self.0.body, MAX_PLAIN_BODY).map_err(|cause| {
            refuse(
                ErrorCode::Protocol,
                format!("the body of {} does not decompress: {cause}", self.0.message_id),
            )
        })?;
        Ok(PyBytes::new(py, &plain))
    }

    /// The body as it travelled and is stored: compressed if `sys_flag` says so.
    #[getter]
    fn raw_body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.body)
    }

    /// All properties: the user's, those of the client, those the broker added.
    #[getter]
    fn properties<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let properties = PyDict::new(py);
        for (name, value) in &self.0.properties {
            properties.set_item(name, value)?;
        }
        Ok(properties)
    }

    /// The application's number.
    #[getter]
    fn flag(&self) -> i32 {
        self.0.flag
    }

    /// The system flags.
    #[getter]
    fn sys_flag(&self) -> i32 {
        self.0.sys_flag
    }

    /// When the producer sent it, in milliseconds since 1970.
    #[getter]
    fn born_timestamp(&self) -> i64 {
        self.0.born_timestamp
    }

    /// When the broker stored it, in milliseconds since 1970.
    #[getter]
    fn store_timestamp(&self) -> i64 {
        self.0.store_timestamp
    }

    /// The producer's address as the broker saw it.
    #[getter]
    fn born_host(&self) -> String {
        self.0.born_host.to_string()
    }

    fn __repr__(&self) -> String {
        let m = &self.0;
        format!(
            "<rmq.testing.StoredMessage topic={:?} broker={:?} queue_id={} queue_offset={} raw_body={} bytes>",
            m.topic,
            m.broker,
            m.queue_id,
            m.queue_offset,
            m.body.len()
        )
    }
}
