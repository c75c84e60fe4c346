//! What the blocking and the asyncio producer have in common: the core's producer and its settings.

use std::time::Duration;

use pyo3::prelude::*;
use rocketmq_mock::MockCluster;
use rocketmq_producer::sys::{self, PerFork};
use rocketmq_producer::{Credentials, Error, Producer};

use crate::config::{Prepared, value_text};
use crate::error::raise;
use crate::kept::kept;
use crate::package;
use crate::selector::Queues;

/// A producer of the core, and the mock cluster it runs on if `test.mock.brokers` asked for one. With `after.fork` =
/// `renew` a forked child gets one of its own.
pub(crate) struct Handle {
    parts: PerFork<Parts>,
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
        let parts = PerFork::new();
        parts
            .get_or_try_init(|_| {
                let producer = Producer::new(&prepared.config)?;
                Ok(Parts { producer, _mock: prepared.mock })
            })
            .map_err(|error| raise(&error))?;
        Ok(Self {
            parts,
            wait_for_room: prepared.wait_for_room,
            send_timeout: prepared.send_timeout,
            split_batches: prepared.split_batches,
        })
    }

    /// The core's producer of this process; in a forked child `ForkedError`, or a new one.
    pub(crate) fn producer(&self) -> PyResult<&Producer> {
        sys::guard_thread();
        match self.parts.get() {
            Some(parts) => Ok(&parts.producer),
            None => self.renewed(),
        }
    }

    #[cold]
    fn renewed(&self) -> PyResult<&Producer> {
        // The thread for log lines first: no other thread gets its turn while the producer is made.
        Python::attach(|py| package::log(py, "queue")?.call0().map(drop))?;
        let renew = |parent: Option<&Parts>| match parent {
            Some(parent) if parent.producer.renews_after_fork() => {
                Ok(Parts { producer: parent.producer.renewed()?, _mock: None })
            }
            _ => Err(Error::forked()),
        };
        self.parts.get_or_try_init(renew).map(|parts| &parts.producer).map_err(|error| raise(&error))
    }

    /// The queues of a topic whose route is known; of another one nothing, and a look-up begins.
    ///
    /// # Errors
    /// `ForkedError`.
    pub(crate) fn known_queues(&self, py: Python<'_>, topic: &str) -> PyResult<Option<Queues>> {
        let producer = self.producer()?;
        Ok(py.detach(|| producer.queues(topic, Duration::ZERO)).ok())
    }

    /// Takes other name servers: a text or a list of texts.
    pub(crate) fn set_name_servers(&self, addresses: &Bound<'_, PyAny>) -> PyResult<()> {
        let addresses = value_text("addresses", addresses)?;
        self.producer()?.set_name_servers(&addresses).map_err(|error| raise(&error))
    }

    /// Signs with these from now on.
    pub(crate) fn set_credentials(
        &self,
        access_key: &str,
        secret_key: &str,
        security_token: Option<&str>,
    ) -> PyResult<()> {
        let credentials = Credentials::new(access_key, secret_key).map_err(|error| raise(&error))?;
        let credentials = credentials.with_security_token(security_token.unwrap_or_default());
        self.producer()?.set_credentials(credentials).map_err(|error| raise(&error))
    }

    /// A snapshot of the statistics as Python's own objects.
    pub(crate) fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let producer = self.producer()?;
        // With thousands of topics the text takes a while to make.
        let text =
            py.detach(|| producer.stats().map(|stats| stats.to_json())).map_err(|error| raise(&error))?;
        kept(py).json_loads.bind(py).call1((text,))
    }

    /// A snapshot of the statistics as Prometheus reads it.
    pub(crate) fn prometheus(&self, py: Python<'_>) -> PyResult<String> {
        let producer = self.producer()?;
        py.detach(|| producer.stats().map(|stats| stats.to_prometheus())).map_err(|error| raise(&error))
    }

    /// Whether this process is a forked child that has used no producer of its own.
    pub(crate) fn is_forked(&self) -> bool {
        self.parts.get().is_none()
    }
}
