//! What pyo3 itself makes at its first use is used at the import, for the reason that `kept.rs` tells.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySequence, PyType};

use crate::aio::Door;
use crate::kept::kept;
use crate::message::Message;

/// Uses once each of those cells that calls of the package come to.
pub(crate) fn warm_up(py: Python<'_>) -> PyResult<()> {
    // The one class that no program sees, the length of an iterable, and the class of sequences.
    py.get_type::<Door>();
    PyList::empty(py).try_iter()?.size_hint();
    let sequence = py.get_type::<PySequence>();
    // The texts of errors about arguments: of a wrong class, and of a wrong argument of a call.
    sequence.cast::<PyDict>().map_err(|refused| PyErr::from(refused).to_string()).ok();
    py.get_type::<Message>().call1((py.None(), py.None())).err();
    // An object of a class that looks like `numpy.bool`, the only one but `bool` whose objects are taken for one.
    let members = PyDict::new(py);
    members.set_item("__module__", "numpy")?;
    members.set_item("__bool__", &kept(py).map)?;
    let class = py.get_type::<PyType>().call1(("bool", (py.get_type::<PyAny>(),), members))?;
    class.call0()?.extract::<bool>().err();
    Ok(())
}
