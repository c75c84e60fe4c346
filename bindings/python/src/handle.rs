//! What the blocking and the asyncio producer have in common: the core's producer and its settings.

use std::time::Duration;

use pyo3::PyResult;
use rocketmq_mock::MockCluster;
use rocketmq_producer::Producer;

use crate::config::Prepared;
use crate::error::raise;
use crate::fork::ForkSafe;

/// A producer of the core, and the mock cluster it runs on if `test.mock.brokers` asked for one.
pub(crate) struct Handle {
    parts: ForkSafe<Parts>,
    /// Whether sends wait for room in flight.
    pub(crate) wait_for_room: bool,
    /// `send.timeout.ms`.
    pub(crate) send_timeout: Duration,
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
        })
    }

    /// The core's producer, or `ForkedError`.
    pub(crate) fn producer(&self) -> PyResult<&Producer> {
        Ok(&self.parts.get()?.producer)
    }

    pub(crate) fn is_forked(&self) -> bool {
        self.parts.is_forked()
    }
}
