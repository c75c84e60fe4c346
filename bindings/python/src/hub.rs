//! Greenlets: where the program made the waits of the standard library cooperative, ours are too.

use std::time::Duration;

use pyo3::prelude::*;
use rocketmq_producer::CompletionQueue;

use crate::kept::{kept, names};
use crate::package;

/// How often a wait looks that has got no descriptor.
const LOOK: Duration = Duration::from_millis(1);

/// How the running greenlet waits.
pub(crate) struct Hub<'py>(Bound<'py, PyAny>);

impl<'py> Hub<'py> {
    /// `None` where threads are threads.
    pub(crate) fn current(py: Python<'py>) -> PyResult<Option<Self>> {
        let modules = kept(py).modules.bind(py);
        let names = names(py);
        if !modules.contains(&names.gevent_monkey)? && !modules.contains(&names.eventlet_patcher)? {
            return Ok(None);
        }
        let wait = package::object(py, "rmq._hub", "current")?.call0()?;
        Ok((!wait.is_none()).then_some(Self(wait)))
    }

    /// Lets other greenlets run until a poll of the queue would not wait, at most so long. Without a descriptor for the
    /// queue it looks now and then.
    ///
    /// # Errors
    /// What was thrown into the greenlet.
    pub(crate) fn wait(&self, queue: &CompletionQueue, at_most: Duration) -> PyResult<()> {
        match queue.fd() {
            Ok(descriptor) => self.0.call1((descriptor, at_most.as_secs_f64(), false)),
            Err(_) => self.0.call1((-1, at_most.min(LOOK).as_secs_f64(), false)),
        }
        .map(drop)
    }

    /// The same for as long as it takes; by itself it does not keep the hub going.
    ///
    /// # Errors
    /// What was thrown into the greenlet.
    pub(crate) fn wait_in_background(&self, queue: &CompletionQueue) -> PyResult<()> {
        match queue.fd() {
            Ok(descriptor) => self.0.call1((descriptor, None::<f64>, true)),
            Err(_) => self.0.call1((-1, LOOK.as_secs_f64(), true)),
        }
        .map(drop)
    }
}
