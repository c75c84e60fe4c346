//! The interpreter that the module lives in: there is one, it has its lock, and it ends.

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use rocketmq_producer::sys;

use crate::kept;

/// Refuses an interpreter in which the module would only seem to work. Classes and other objects of the module exist once
/// in a process and belong to the interpreter that imported it first.
///
/// # Errors
/// `ImportError` that tells the way out.
pub(crate) fn check(py: Python<'_>) -> PyResult<()> {
    // Every interpreter has its own `sys`, and this one is kept: none that comes later can have its address.
    let sys = PyModule::import(py, "sys")?;
    if !kept::fill(py)?.sys.is(&sys) {
        return Err(PyImportError::new_err(
            "rmq works in one interpreter of a process, and another one has imported it (or did before Py_Finalize); \
             mod_wsgi keeps to one with 'WSGIApplicationGroup %{GLOBAL}', uWSGI with 'single-interpreter = true'",
        ));
    }
    if let Ok(is_gil_enabled) = sys.getattr("_is_gil_enabled")
        && !is_gil_enabled.call0()?.is_truthy()?
    {
        return Err(PyImportError::new_err(
            "rmq needs the interpreter's lock, which PYTHON_GIL=0 or -X gil=0 forbids; leave that out, and the import \
             switches the lock on",
        ));
    }
    Ok(())
}

/// Says that the interpreter goes away: threads that it ends from now on are parked.
#[pyfunction]
pub(crate) fn host_ends() {
    sys::host_ends();
}
