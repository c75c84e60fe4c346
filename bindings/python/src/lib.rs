//! The extension module `rmq._rmq`: the producer core and the mock cluster as Python classes.
//!
//! Threads of the core never enter the interpreter. Outcomes travel through a completion queue that the
//! calling thread polls or the hub of its greenlets watches (blocking door), or that an event loop watches by its
//! descriptor (asyncio door); log lines lie in a queue until a Python thread fetches them.

#[macro_use]
mod keywords;
#[macro_use]
mod shared_methods;

mod aio;
mod blocking;
mod config;
mod delivery;
mod destination;
mod error;
mod fork;
mod handle;
mod hooks;
mod hub;
mod interpreter;
mod kept;
mod log;
mod many;
mod message;
mod mock;
mod outgoing;
mod package;
mod receipt;
mod selector;
mod timeout;
mod waiting;
mod warm_up;

use pyo3::prelude::*;

/// The natively implemented part of the package `rmq`.
#[pymodule(gil_used = true)]
mod _rmq {
    use pyo3::prelude::*;

    use crate::aio::AioProducer;
    use crate::blocking::Producer;
    use crate::config::config_keys;
    use crate::interpreter;
    use crate::log::LogQueue;
    use crate::message::Message;
    use crate::mock::{Fault, FaultId, MockCluster, Registration, StoredMessage};
    use crate::receipt::Receipt;
    use crate::warm_up::warm_up;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // Before any object of the module is touched.
        interpreter::check(module.py())?;
        warm_up(module.py())?;
        module.add("__version__", rocketmq_producer::version())?;
        module.add_class::<AioProducer>()?;
        module.add_class::<Producer>()?;
        module.add_class::<LogQueue>()?;
        module.add_class::<Message>()?;
        module.add_class::<Receipt>()?;
        module.add_class::<Fault>()?;
        module.add_class::<FaultId>()?;
        module.add_class::<MockCluster>()?;
        module.add_class::<Registration>()?;
        module.add_class::<StoredMessage>()?;
        module.add_function(wrap_pyfunction!(config_keys, module)?)?;
        module.add_function(wrap_pyfunction!(interpreter::host_ends, module)?)
    }
}
