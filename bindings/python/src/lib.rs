//! The extension module `rmq._rmq`: the producer core and the mock cluster as Python classes.
//!
//! Threads of the core never enter the interpreter. Outcomes travel through a completion queue that the
//! calling thread polls (blocking door) or an event loop watches by its descriptor (asyncio door); log lines
//! lie in a queue until a Python thread fetches them.

mod aio;
mod blocking;
mod config;
mod delivery;
mod destination;
mod error;
mod fork;
mod handle;
mod hooks;
mod log;
mod many;
mod message;
mod mock;
mod outgoing;
mod receipt;
mod selector;
mod timeout;
mod waiting;

use pyo3::prelude::*;

/// The natively implemented part of the package `rmq`.
#[pymodule(gil_used = true)]
mod _rmq {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::aio::{AioProducer, Selecting};
    #[pymodule_export]
    use crate::blocking::Producer;
    #[pymodule_export]
    use crate::config::config_keys;
    #[pymodule_export]
    use crate::log::LogQueue;
    #[pymodule_export]
    use crate::message::Message;
    #[pymodule_export]
    use crate::mock::{Fault, FaultId, MockCluster, Registration, StoredMessage};
    #[pymodule_export]
    use crate::receipt::Receipt;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", rocketmq_producer::version())
    }
}
