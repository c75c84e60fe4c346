//! What the blocking and the asyncio producer have in common: the core's producer and its settings.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rocketmq_mock::MockCluster;
use rocketmq_producer::Producer;

use crate::config::{Prepared, value_text};
use crate::error::raise;
use crate::fork::ForkSafe;
use crate::selector::Queues;

/// A producer of the core, and the mock cluster it runs on if `test.mock.brokers` asked for one.
pub(crate) struct Handle {
    parts: ForkSafe<Parts>,
    /// Whether sends wait for room in flight.
    pub(crate) wait_for_room: bool,
    /// `send.timeout.ms`.
    pub(crate) send_timeout: Duration,
    /// `batch.split`.
    pub(crate) split_batches: bool,
}

/// In the order of their end.
struct Parts {
    producer: Producer,
    _mock: Option<MockCluster>,
}

impl Handle {
    pub(crate) fn new(prepared: Prepared) -> PyResult<Self> {
        let producer = Producer::new(&prepared.config).map_err(|error| raise(&error))?;
        Ok(Self {
            parts: ForkSafe::new(Parts { producer, _mock: prepared.mock }),
            wait_for_room: prepared.wait_for_room,
            send_timeout: prepared.send_timeout,
            split_batches: prepared.split_batches,
        })
    }

    /// The core's producer, or `ForkedError`.
    pub(crate) fn producer(&self) -> PyResult<&Producer> {
        Ok(&self.parts.get()?.producer)
    }

    /// The queues of a topic whose route is known; for another one an error, and a look-up begins.
    pub(crate) fn known_queues(&self, py: Python<'_>, topic: &str) -> PyResult<Queues> {
        let producer = self.producer()?;
        py.detach(|| producer.queues(topic, Duration::ZERO)).map_err(|error| raise(&error))
    }

    /// Takes other name servers: a text or a list of texts.
    pub(crate) fn set_name_servers(&self, addresses: &Bound<'_, PyAny>) -> PyResult<()> {
        let addresses = value_text("addresses", addresses)?;
        self.producer()?.set_name_servers(&addresses).map_err(|error| raise(&error))
    }

    /// A snapshot of the statistics as Python's own objects.
    pub(crate) fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let producer = self.producer()?;
        // With thousands of topics the text takes a while to make.
        let text =
            py.detach(|| producer.stats().map(|stats| stats.to_json())).map_err(|error| raise(&error))?;
        LOADS.import(py, "json", "loads")?.call1((text,))
    }

    /// A snapshot of the statistics as Prometheus reads it.
    pub(crate) fn prometheus(&self, py: Python<'_>) -> PyResult<String> {
        let producer = self.producer()?;
        py.detach(|| producer.stats().map(|stats| stats.to_prometheus())).map_err(|error| raise(&error))
    }

    pub(crate) fn is_forked(&self) -> bool {
        self.parts.is_forked()
    }
}
