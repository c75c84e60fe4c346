//! Calls of the core that wait: each on a short-lived thread of its own, whose end is told through the door's queue. The
//! loop's executor has no part in it, however busy it is.

use std::time::Duration;

use pyo3::prelude::*;
use rocketmq_producer::{Error, Producer, Tag};

use super::answers::{Outcome, Teller};
use super::door::Door;
use super::state::Future;
use crate::error::raise;
use crate::handle::Handle;
use crate::kept::names;
use crate::selector::Queues;
use crate::waiting::{close_at_once, start_thread};

/// The second word of the tag of a look-up that a call asked for; the first one is the place of its future.
pub(super) const ASKED_FOR: usize = usize::MAX;

impl Door {
    /// The future of what `call` gives, which ends by its own timeout.
    ///
    /// # Errors
    /// `SystemError` if there is no thread.
    pub(super) fn call<'py>(
        &self,
        py: Python<'py>,
        handle: &Handle,
        call: impl FnOnce(&Producer) -> Outcome + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call_or_refused(py, handle, call)?.map_err(|refused| raise(&refused))
    }

    /// The future of a close that ends by its own timeout. Without a thread to wait on, what is open ends now.
    ///
    /// # Errors
    /// `SystemError` if open sends had to end for want of a thread.
    pub(super) fn close<'py>(
        &self,
        py: Python<'py>,
        handle: &Handle,
        timeout: Duration,
    ) -> PyResult<Bound<'py, PyAny>> {
        let close = move |producer: &Producer| producer.close(timeout);
        let refused = match self.call_or_refused(py, handle, close)? {
            Ok(future) => return Ok(future),
            Err(refused) => refused,
        };
        close_at_once(py, handle.producer()?, &refused).map_err(|error| raise(&error))?;
        let future = self.new_future(py)?;
        future.call_method1(&names(py).set_result, (py.None(),))?;
        Ok(future)
    }

    fn call_or_refused<'py>(
        &self,
        py: Python<'py>,
        handle: &Handle,
        call: impl FnOnce(&Producer) -> Outcome + Send + 'static,
    ) -> PyResult<Result<Bound<'py, PyAny>, Error>> {
        let (producer, queue) = (handle.producer()?.clone(), self.queue.get()?.clone());
        let future = self.new_future(py)?;
        let place = self.state.lock().insert_call(future.clone().unbind());
        let teller = Teller::new(&self.answers, queue, place);
        if let Err(refused) = start_thread(move || teller.tell(call(&producer))) {
            // What is told of it finds no future.
            let taken = self.state.lock().take_call(place);
            self.answers.forget(place);
            drop(taken);
            return Ok(Err(refused));
        }
        Ok(Ok(future))
    }

    /// The future of the queues of a topic.
    ///
    /// # Errors
    /// `MessageIllegalError` for a bad name, `ClosedError`, `ForkedError`.
    pub(super) fn queues<'py>(
        &self,
        py: Python<'py>,
        handle: &Handle,
        topic: &str,
        timeout: Duration,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (producer, queue) = (handle.producer()?, self.queue.get()?);
        let future = self.new_future(py)?;
        let place = self.state.lock().insert_call(future.clone().unbind());
        if let Err(error) = producer.look_up(topic, timeout, queue, Tag(place, ASKED_FOR)) {
            let taken = self.state.lock().take_call(place);
            drop(taken);
            return Err(raise(&error));
        }
        Ok(future)
    }

    /// Resolves the future of the queues of a topic.
    pub(super) fn answer_queues(&self, py: Python<'_>, place: usize, found: Result<Queues, Error>) {
        let taken = self.state.lock().take_call(place);
        let Some(future) = taken else { return };
        let answered = match found {
            Ok(queues) => queues.into_pyobject(py).and_then(|queues| self.resolve(py, &future, Ok(&queues))),
            Err(error) => self.resolve(py, &future, Err(&raise(&error))),
        };
        self.report(py, answered);
    }

    /// Resolves the futures of calls that have ended.
    pub(super) fn answer_calls(&self, py: Python<'_>) {
        for (place, outcome) in self.answers.take() {
            let taken = self.state.lock().take_call(place);
            let Some(future) = taken else { continue };
            self.report(py, self.answer(py, &future, outcome));
        }
    }

    fn answer(&self, py: Python<'_>, future: &Future, outcome: Outcome) -> PyResult<()> {
        match outcome {
            Ok(()) => self.resolve(py, future, Ok(py.None().bind(py))),
            Err(error) => self.resolve(py, future, Err(&raise(&error))),
        }
    }
}
