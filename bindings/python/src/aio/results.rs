//! Receipts that become results of futures, many at once.

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::state::Single;
use crate::kept::{kept, names};
use crate::receipt::Receipt;

/// Futures with their receipts, in the order of their outcomes.
#[derive(Default)]
pub(super) struct Results {
    singles: Vec<Single>,
    receipts: Vec<Py<Receipt>>,
}

impl Results {
    pub(super) fn push(&mut self, single: Single, receipt: Py<Receipt>) {
        self.singles.push(single);
        self.receipts.push(receipt);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.singles.is_empty()
    }

    /// Sets all. `map` calls `set_result`, which is that of the futures' class, without a bound method and a tuple for
    /// each; it goes on behind one that raised. A future that the caller cancelled takes no result.
    pub(super) fn set(&self, py: Python<'_>, set_result: &Py<PyAny>) -> PyResult<()> {
        let kept = kept(py);
        let futures = PyList::new(py, self.singles.iter().map(|single| &single.future))?;
        let receipts = PyList::new(py, &self.receipts)?;
        let calls = kept.map.bind(py).call1((set_result, futures, receipts))?;
        let make_all = kept.deque.bind(py);
        for _ in 0..=self.singles.len() {
            let Err(error) = make_all.call1((&calls, 0)) else { break };
            if !error.matches(py, &kept.invalid_state)? {
                error.write_unraisable(py, None);
            }
        }
        Ok(())
    }

    /// What hooks are to be told.
    pub(super) fn into_told(self) -> impl Iterator<Item = (Single, Py<Receipt>)> {
        self.singles.into_iter().zip(self.receipts)
    }
}

/// `set_result` of the class of such futures.
pub(super) fn set_result_of(future: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    Ok(future.get_type().getattr(&names(future.py()).set_result)?.unbind())
}
