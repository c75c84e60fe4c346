//! Calls of the core that take a while. Their end is an event of the door's queue: the loop's executor has no part in it,
//! however busy it is, and no thread waits.

use pyo3::prelude::*;
use rocketmq_producer::{CompletionQueue, Done, Error, Producer, Tag};

use super::door::Door;
use crate::error::raise;
use crate::handle::Handle;
use crate::selector::Queues;

/// The second word of the tag of a call; the first one is the place of its future.
pub(super) const CALL: usize = usize::MAX;

impl Door {
    /// The future of a call that `begin` begins, which ends by its own timeout with an event of this tag.
    ///
    /// # Errors
    /// Why it was not begun; `ForkedError`.
    pub(super) fn call<'py>(
        &self,
        py: Python<'py>,
        handle: &Handle,
        begin: impl FnOnce(&Producer, &CompletionQueue, Tag) -> Result<(), Error>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (producer, queue) = (handle.producer()?, self.queue.get()?);
        let future = self.new_future(py)?;
        let place = self.state.lock().insert_call(future.clone().unbind());
        match begin(producer, queue, Tag(place, CALL)) {
            Ok(()) => Ok(future),
            Err(error) => {
                let taken = self.state.lock().take_call(place);
                drop(taken);
                Err(raise(&error))
            }
        }
    }

    /// Resolves the future of a call that gives nothing.
    pub(super) fn done(&self, py: Python<'_>, done: Done) {
        self.answer(py, done.tag.0, done.result.map(|()| py.None().into_bound(py)));
    }

    /// Resolves the future of the queues of a topic.
    pub(super) fn answer_queues(&self, py: Python<'_>, place: usize, found: Result<Queues, Error>) {
        match found.map(|queues| queues.into_pyobject(py)) {
            Ok(Ok(queues)) => self.answer(py, place, Ok(queues)),
            Ok(Err(failure)) => drop(self.report::<()>(py, Err(failure))),
            Err(error) => self.answer(py, place, Err(error)),
        }
    }

    fn answer(&self, py: Python<'_>, place: usize, outcome: Result<Bound<'_, PyAny>, Error>) {
        let taken = self.state.lock().take_call(place);
        let Some(future) = taken else { return };
        let answered = match outcome {
            Ok(result) => self.resolve(py, &future, Ok(&result)),
            Err(error) => self.resolve(py, &future, Err(&raise(&error))),
        };
        self.report(py, answered);
    }
}
