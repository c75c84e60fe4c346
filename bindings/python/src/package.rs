//! What the native module needs of the package's Python modules.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// `sys.modules`.
pub(crate) fn modules(py: Python<'_>) -> PyResult<&Bound<'_, PyDict>> {
    static MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let modules = MODULES.get_or_try_init(py, || {
        Ok::<_, PyErr>(py.import("sys")?.getattr("modules")?.cast_into()?.unbind())
    })?;
    Ok(modules.bind(py))
}

/// An object of a module of the package, as it is now: a program may have taken the package out of `sys.modules` and
/// imported it again, and then knows the classes of the new import only.
pub(crate) fn object<'py>(
    module: &Bound<'py, PyString>,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    match modules(module.py())?.get_item(module)? {
        Some(module) => module.getattr(name),
        None => module.py().import(module)?.getattr(name),
    }
}

/// `rmq._errors.make`.
pub(crate) fn make_error(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    object(intern!(py, "rmq._errors"), intern!(py, "make"))
}

/// `rmq.Error`.
pub(crate) fn error_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    object(intern!(py, "rmq._errors"), intern!(py, "Error"))
}

/// `rmq.SendStatus`.
pub(crate) fn send_status(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    object(intern!(py, "rmq._enums"), intern!(py, "SendStatus"))
}

/// `rmq._log`.
pub(crate) fn log<'py>(name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    object(intern!(name.py(), "rmq._log"), name)
}
