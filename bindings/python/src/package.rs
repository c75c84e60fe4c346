//! What the native module needs of the package's Python modules.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

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
///
/// The names are not interned: an interned name is made at its first use, and a child forked while another thread makes it
/// would wait for that thread.
pub(crate) fn object<'py>(py: Python<'py>, module: &str, name: &str) -> PyResult<Bound<'py, PyAny>> {
    match modules(py)?.get_item(module)? {
        Some(module) => module.getattr(name),
        None => py.import(module)?.getattr(name),
    }
}

/// `rmq._errors.make`.
pub(crate) fn make_error(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    object(py, "rmq._errors", "make")
}

/// `rmq.Error`.
pub(crate) fn error_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    object(py, "rmq._errors", "Error")
}

/// `rmq.SendStatus`.
pub(crate) fn send_status(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    object(py, "rmq._enums", "SendStatus")
}

/// What `rmq._log` has of this name.
pub(crate) fn log<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    object(py, "rmq._log", name)
}
