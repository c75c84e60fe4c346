//! What the module keeps of the interpreter: made at its import, and read from then on without a wait.
//!
//! Nothing else in the package may be made at its first use. A once-cell that one thread is filling while another one forks
//! stays so in the child, whose first use waits for ever for a thread that is not there. During the import no thread of ours
//! runs yet, and the interpreter itself sees to a fork meanwhile. `clippy.toml` forbids such cells everywhere else.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

#[expect(clippy::disallowed_types, reason = "filled at the import")]
static KEPT: pyo3::sync::PyOnceLock<Kept> = pyo3::sync::PyOnceLock::new();

/// Objects of the standard library, and names of attributes that are asked for often.
pub(crate) struct Kept {
    pub(crate) sys: Py<PyModule>,
    /// `sys.modules`.
    pub(crate) modules: Py<PyDict>,
    /// `builtins.map`.
    pub(crate) map: Py<PyAny>,
    /// `collections.deque`.
    pub(crate) deque: Py<PyAny>,
    /// `functools.partial`.
    pub(crate) partial: Py<PyAny>,
    /// `contextvars.copy_context`.
    pub(crate) copy_context: Py<PyAny>,
    /// `asyncio.InvalidStateError`.
    pub(crate) invalid_state: Py<PyAny>,
    /// `asyncio.get_running_loop`.
    pub(crate) get_running_loop: Py<PyAny>,
    /// `json.loads`.
    pub(crate) json_loads: Py<PyAny>,
    pub(crate) names: Names,
}

/// Interned, so that a look-up neither makes nor compares a text.
pub(crate) struct Names {
    pub(crate) call_soon: Py<PyString>,
    pub(crate) done: Py<PyString>,
    pub(crate) end_burst: Py<PyString>,
    pub(crate) eventlet_patcher: Py<PyString>,
    pub(crate) gevent_monkey: Py<PyString>,
    pub(crate) receipts: Py<PyString>,
    pub(crate) set_exception: Py<PyString>,
    pub(crate) set_result: Py<PyString>,
}

/// Fills it at the import of the module. A later interpreter finds what the first one made.
pub(crate) fn fill(py: Python<'_>) -> PyResult<&'static Kept> {
    KEPT.get_or_try_init(py, || Kept::new(py))
}

/// What was made at the import.
pub(crate) fn kept(py: Python<'_>) -> &'static Kept {
    match KEPT.get(py) {
        Some(kept) => kept,
        None => unreachable!("nothing of the module runs before its import has filled this"),
    }
}

/// What was made of names at the import.
pub(crate) fn names(py: Python<'_>) -> &'static Names {
    &kept(py).names
}

impl Kept {
    fn new(py: Python<'_>) -> PyResult<Self> {
        let object = |module: &str, name: &str| Ok::<_, PyErr>(py.import(module)?.getattr(name)?.unbind());
        let sys = py.import("sys")?;
        Ok(Self {
            modules: sys.getattr("modules")?.cast_into()?.unbind(),
            sys: sys.unbind(),
            map: object("builtins", "map")?,
            deque: object("collections", "deque")?,
            partial: object("functools", "partial")?,
            copy_context: object("contextvars", "copy_context")?,
            invalid_state: object("asyncio", "InvalidStateError")?,
            get_running_loop: object("asyncio", "get_running_loop")?,
            json_loads: object("json", "loads")?,
            names: Names::new(py),
        })
    }
}

impl Names {
    fn new(py: Python<'_>) -> Self {
        let name = |name| PyString::intern(py, name).unbind();
        Self {
            call_soon: name("call_soon"),
            done: name("done"),
            end_burst: name("end_burst"),
            eventlet_patcher: name("eventlet.patcher"),
            gevent_monkey: name("gevent.monkey"),
            receipts: name("receipts"),
            set_exception: name("set_exception"),
            set_result: name("set_result"),
        }
    }
}
