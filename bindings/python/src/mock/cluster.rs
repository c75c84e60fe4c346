//! The cluster itself.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rocketmq_mock as mock;
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{CompletionQueue, ErrorCode, sys};

use super::fault::{Fault, FaultId};
use super::inspection::{Registration, StoredMessage};
use crate::error::refuse;
use crate::fork::ForkSafe;
use crate::hub::Hub;
use crate::timeout::{SIGNAL_SLICE, seconds};
use crate::waiting::wait;

/// A name server and brokers in this process, on loopback ports.
///
/// They answer as Apache RocketMQ does, keep what they stored for inspection, and misbehave when told to. They
/// run on threads of their own that never enter the interpreter. Usable from any thread; ends with `stop`, at
/// the end of its `with` block, or when it is collected.
#[pyclass(frozen, module = "rmq.testing")]
pub(crate) struct MockCluster(ForkSafe<mock::MockCluster>);

impl MockCluster {
    fn known_broker(&self, broker: &str) -> PyResult<&mock::MockCluster> {
        let cluster = self.0.get()?;
        match cluster.broker_address(broker) {
            Some(_) => Ok(cluster),
            None => Err(PyKeyError::new_err(broker.to_owned())),
        }
    }
}

fn failed(what: &str, cause: &std::io::Error) -> PyErr {
    refuse(ErrorCode::System, format!("{what}: {cause}"))
}

#[pymethods]
impl MockCluster {
    #[new]
    #[pyo3(signature = (
        brokers=1, *, profile="5.5.0", keep=None, auto_create=true, name_server_port=0, accounts=None
    ))]
    fn new(
        py: Python<'_>,
        brokers: usize,
        profile: &str,
        keep: Option<usize>,
        auto_create: bool,
        name_server_port: u16,
        accounts: Option<HashMap<String, String>>,
    ) -> PyResult<Self> {
        let profile = match profile {
            "5.5.0" => mock::Profile::V5,
            "4.9.7" => mock::Profile::V4_9,
            _ => {
                return Err(PyValueError::new_err(format!("profile = {profile:?}: must be 5.5.0 or 4.9.7")));
            }
        };
        let keep = match keep {
            None => mock::Keep::All,
            Some(0) => mock::Keep::CountOnly,
            Some(count) => mock::Keep::Last(count),
        };
        let options = mock::MockOptions { brokers, profile, keep, auto_create, name_server_port };
        let cluster = py.detach(|| sys::with_signals_blocked(|| mock::MockCluster::start(options)));
        let cluster = cluster.map_err(|cause| failed("the mock cluster", &cause))?;
        for (access_key, secret_key) in accounts.into_iter().flatten() {
            cluster.set_account(&mock::Account::new(access_key, secret_key));
        }
        Ok(Self(ForkSafe::new(cluster)))
    }

    /// Makes an account that may publish to these topics (default: all), or changes it.
    #[pyo3(signature = (access_key, secret_key, topics=None))]
    fn set_account(&self, access_key: &str, secret_key: &str, topics: Option<Vec<String>>) -> PyResult<()> {
        let account = mock::Account { topics, ..mock::Account::new(access_key, secret_key) };
        self.0.get()?.set_account(&account);
        Ok(())
    }

    /// Takes an account away.
    fn remove_account(&self, access_key: &str) -> PyResult<()> {
        self.0.get()?.remove_account(access_key);
        Ok(())
    }

    /// The name server's address, `127.0.0.1:PORT`.
    #[getter]
    fn name_server(&self) -> PyResult<String> {
        Ok(self.0.get()?.name_server())
    }

    /// The brokers' names: `broker-0`, `broker-1`, …
    #[getter]
    fn broker_names(&self) -> PyResult<Vec<String>> {
        Ok(self.0.get()?.broker_names())
    }

    /// The address of a broker.
    fn broker_address(&self, broker: &str) -> PyResult<String> {
        let address = self.0.get()?.broker_address(broker);
        address.ok_or_else(|| PyKeyError::new_err(broker.to_owned()))
    }

    /// Creates or changes a topic, on all brokers or on those named. `perm` is 4 for read, 2 for write, 6 for
    /// both.
    #[pyo3(signature = (topic, *, read_queues=4, write_queues=4, perm=6, brokers=None))]
    fn create_topic(
        &self,
        topic: &str,
        read_queues: i32,
        write_queues: i32,
        perm: i32,
        brokers: Option<Vec<String>>,
    ) -> PyResult<()> {
        let names: Option<Vec<&str>> = brokers.as_ref().map(|all| all.iter().map(String::as_str).collect());
        self.0.get()?.create_topic(topic, read_queues, write_queues, perm, names.as_deref());
        Ok(())
    }

    /// Deletes a topic.
    fn delete_topic(&self, topic: &str) -> PyResult<()> {
        self.0.get()?.delete_topic(topic);
        Ok(())
    }

    /// Whether an unknown topic is created by the first message to it.
    fn set_auto_create(&self, auto_create: bool) -> PyResult<()> {
        self.0.get()?.set_auto_create(auto_create);
        Ok(())
    }

    /// Makes requests go wrong from now on; of several rules that fit a request the oldest acts. `broker` is a
    /// broker's name or `namesrv` (default: any broker), `times` how many requests meet the rule before it is
    /// gone. Returns the rule for `remove_fault`.
    #[pyo3(signature = (fault, *, broker=None, request_code=None, topic=None, times=None))]
    fn inject(
        &self,
        fault: &Fault,
        broker: Option<String>,
        request_code: Option<i32>,
        topic: Option<String>,
        times: Option<u32>,
    ) -> PyResult<FaultId> {
        let rule = mock::FaultRule { broker, request_code, times, topic, fault: fault.0.clone() };
        Ok(FaultId(self.0.get()?.inject(rule)))
    }

    /// Ends one rule.
    fn remove_fault(&self, rule: &FaultId) -> PyResult<()> {
        self.0.get()?.remove_fault(rule.0);
        Ok(())
    }

    /// Ends all rules.
    fn clear_faults(&self) -> PyResult<()> {
        self.0.get()?.clear_faults();
        Ok(())
    }

    /// Closes the broker's port and resets its connections. Its routes go first, unless told otherwise.
    #[pyo3(signature = (broker, *, route_follows=true))]
    fn stop_broker(&self, py: Python<'_>, broker: &str, route_follows: bool) -> PyResult<()> {
        let cluster = self.known_broker(broker)?;
        let stop = || {
            if route_follows { cluster.stop_broker(broker) } else { cluster.crash_broker(broker) }
        };
        py.detach(stop).map_err(|cause| failed(broker, &cause))
    }

    /// Opens the broker's port again; it is in the routes then.
    fn start_broker(&self, py: Python<'_>, broker: &str) -> PyResult<()> {
        let cluster = self.known_broker(broker)?;
        py.detach(|| cluster.start_broker(broker)).map_err(|cause| failed(broker, &cause))
    }

    /// Closes the name server's port and resets its connections.
    fn stop_name_server(&self, py: Python<'_>) -> PyResult<()> {
        let cluster = self.0.get()?;
        py.detach(|| cluster.stop_name_server()).map_err(|cause| failed("the name server", &cause))
    }

    /// Opens the name server's port again.
    fn start_name_server(&self, py: Python<'_>) -> PyResult<()> {
        let cluster = self.0.get()?;
        py.detach(|| cluster.start_name_server()).map_err(|cause| failed("the name server", &cause))
    }

    /// What the brokers keep of a topic.
    fn stored(&self, py: Python<'_>, topic: &str) -> PyResult<Vec<StoredMessage>> {
        let cluster = self.0.get()?;
        Ok(py.detach(|| cluster.stored(topic)).into_iter().map(StoredMessage).collect())
    }

    /// How many messages of a topic were stored.
    fn stored_count(&self, topic: &str) -> PyResult<u64> {
        Ok(self.0.get()?.stored_count(topic))
    }

    /// How many messages went to each queue of a topic, by broker and queue.
    fn queue_counts<'py>(&self, py: Python<'py>, topic: &str) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for (queue, count) in self.0.get()?.queue_counts(topic) {
            counts.set_item(queue, count)?;
        }
        Ok(counts)
    }

    /// How many requests of this code were received.
    fn request_count(&self, request_code: i32) -> PyResult<u64> {
        Ok(self.0.get()?.request_count(request_code))
    }

    /// The producers registered now, once for each broker.
    fn registrations(&self) -> PyResult<Vec<Registration>> {
        let registrations = self.0.get()?.registrations();
        Ok(registrations
            .into_iter()
            .map(|r| Registration { broker: r.broker, group: r.group, client_id: r.client_id })
            .collect())
    }

    /// How many connections a broker has now.
    fn connection_count(&self, broker: &str) -> PyResult<usize> {
        Ok(self.known_broker(broker)?.connection_count(broker))
    }

    /// Waits until `condition()` is true, looking again whenever the cluster has done something. Tells whether
    /// it became true in time.
    #[pyo3(signature = (condition, timeout=5.0))]
    fn wait_until(&self, py: Python<'_>, condition: &Bound<'_, PyAny>, timeout: f64) -> PyResult<bool> {
        sys::guard_thread();
        let deadline = Instant::now() + seconds(timeout)?;
        let cluster = self.0.get()?;
        if Hub::current(py)?.is_some() {
            return wait_with_hub(py, condition, deadline);
        }
        let condition = condition.clone().unbind();
        let failure = Mutex::new(None);
        loop {
            let slice = deadline.saturating_duration_since(Instant::now()).min(SIGNAL_SLICE);
            let holds = py.detach(|| {
                cluster.wait_until(slice, |_| {
                    Python::attach(|py| match condition.call0(py).and_then(|value| value.is_truthy(py)) {
                        Ok(holds) => holds,
                        Err(error) => {
                            *failure.lock() = Some(error);
                            true
                        }
                    })
                })
            });
            if let Some(error) = failure.lock().take() {
                return Err(error);
            }
            if holds || slice == Duration::ZERO {
                return Ok(holds);
            }
            py.check_signals()?;
        }
    }

    /// Stops the cluster; its addresses answer no more.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let cluster = self.0.get()?;
        py.detach(|| cluster.stop());
        Ok(())
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (kind, error, traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: Option<&Bound<'_, PyAny>>,
        error: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (kind, error, traceback);
        if self.0.is_forked() { Ok(()) } else { self.stop(py) }
    }
}

/// Looks now and then; other greenlets run meanwhile.
fn wait_with_hub(py: Python<'_>, condition: &Bound<'_, PyAny>, deadline: Instant) -> PyResult<bool> {
    const LOOK: Duration = Duration::from_millis(5);
    loop {
        let is_last = Instant::now() >= deadline;
        let holds = condition.call0()?.is_truthy()?;
        if holds || is_last {
            return Ok(holds);
        }
        wait(py, &CompletionQueue::new(), &mut Vec::new(), LOOK)?;
    }
}
