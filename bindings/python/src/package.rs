//! What the native module needs of the package's Python modules.

use pyo3::prelude::*;

/// An object of a module of the package, as it is now: a program may have taken the package out of `sys.modules` and
/// imported it again, and then knows the classes of the new import only. While another thread still imports the module this
/// one waits, as every import does.
pub(crate) fn object<'py>(py: Python<'py>, module: &str, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import(module)?.getattr(name)
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
