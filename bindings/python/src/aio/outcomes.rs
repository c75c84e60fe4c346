//! Outcomes on their way into futures and hooks.

use std::mem;

use pyo3::prelude::*;

use super::door::{Door, is_done};
use super::results::Results;
use super::state::{Finished, Future};
use crate::error::raise;
use crate::kept::names;
use crate::outgoing::Outgoing;
use crate::receipt::Receipt;

impl Door {
    /// Resolves the future, then tells the hook.
    pub(super) fn finish(&self, py: Python<'_>, finished: Finished) -> PyResult<()> {
        match finished {
            Finished::One(single, Ok(receipt)) => {
                let receipt = Bound::new(py, Receipt::new(receipt))?;
                let set = self.resolve(py, &single.future, Ok(receipt.as_any()));
                let told = single.message.map_or(Ok(()), |message| self.hooks.after(py, &message, &receipt));
                set.and(told)
            }
            Finished::One(single, Err(error)) => {
                let error = raise(&error);
                let set = self.resolve(py, &single.future, Err(&error));
                let told = single.message.map_or(Ok(()), |message| self.hooks.failed(py, &message, &error));
                set.and(told)
            }
            Finished::Group(group) => {
                let outcomes = match group.many.into_outcomes(py) {
                    Ok(outcomes) => outcomes,
                    Err(error) => return self.resolve(py, &group.future, Err(&error)),
                };
                let result = outcomes.result(py);
                let set = self.resolve(py, &group.future, result.as_ref().map(|list| list.as_any()));
                set.and(outcomes.tell(py, &self.hooks))
            }
            Finished::NotYet => Ok(()),
        }
    }

    /// Fails a message that was not handed over.
    pub(super) fn fail(
        &self,
        py: Python<'_>,
        future: &Future,
        message: &Outgoing,
        error: &PyErr,
    ) -> PyResult<()> {
        let set = self.resolve(py, future, Err(error));
        set.and(self.tell_failed(py, message, error))
    }

    /// Tells the hook of a message that was not handed over.
    pub(super) fn tell_failed(&self, py: Python<'_>, message: &Outgoing, error: &PyErr) -> PyResult<()> {
        message.object().map_or(Ok(()), |message| self.hooks.failed(py, message, error))
    }

    /// Sets these results, then tells the hook.
    pub(super) fn set(&self, py: Python<'_>, results: &mut Results) {
        if results.is_empty() {
            return;
        }
        let results = mem::take(results);
        self.report(py, results.set(py, &self.set_result));
        if self.hooks.want_outcomes() {
            for (single, receipt) in results.into_told() {
                let tell = |message| self.hooks.after(py, &message, receipt.bind(py));
                self.report(py, single.message.map_or(Ok(()), tell));
            }
        }
    }

    pub(super) fn resolve(
        &self,
        py: Python<'_>,
        future: &Future,
        outcome: Result<&Bound<'_, PyAny>, &PyErr>,
    ) -> PyResult<()> {
        let set = match outcome {
            Ok(result) => future.call_method1(py, &names(py).set_result, (result,)),
            Err(error) => future.call_method1(py, &names(py).set_exception, (error.value(py),)),
        };
        ignore_if_done(py, future, set)
    }

    /// Tells of what failed for one send: out of memory, or a future that is none. The others go on.
    pub(super) fn report<T>(&self, py: Python<'_>, outcome: PyResult<T>) -> Option<T> {
        outcome.inspect_err(|error| error.clone_ref(py).write_unraisable(py, None)).ok()
    }
}

/// A future that the caller cancelled takes no result.
pub(super) fn ignore_if_done(py: Python<'_>, future: &Future, set: PyResult<Py<PyAny>>) -> PyResult<()> {
    match set {
        Ok(_) => Ok(()),
        Err(error) => match is_done(py, future) {
            Ok(true) => Ok(()),
            _ => Err(error),
        },
    }
}
