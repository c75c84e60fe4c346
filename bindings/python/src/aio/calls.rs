//! Calls of the core that wait: each on a short-lived thread of its own, whose end is told through the door's queue. The
//! loop's executor has no part in it, however busy it is.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{CompletionQueue, Error, ErrorCode, Producer};

use super::door::Door;
use super::state::Future;
use crate::error::raise;
use crate::handle::Handle;
use crate::kept::names;
use crate::selector::Queues;
use crate::waiting::{close_at_once, start_thread};

/// What such a call gives.
pub(super) enum Answer {
    Nothing,
    Queues(Queues),
}

type Outcome = Result<Answer, Error>;

/// Outcomes on their way to the loop, with the places of their futures.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Vec<(usize, Outcome)>>>);

/// Tells the outcome of one call, at the latest when it is dropped.
struct Teller {
    answers: Answers,
    queue: CompletionQueue,
    place: usize,
    outcome: Outcome,
}

impl Teller {
    fn tell(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Ok(Answer::Nothing));
        self.answers.0.lock().push((self.place, outcome));
        self.queue.ring();
    }
}

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
        let close = move |producer: &Producer| producer.close(timeout).map(|()| Answer::Nothing);
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
        let outcome = Err(Error::new(ErrorCode::Internal, "a call of the core has no outcome"));
        let teller = Teller { answers: self.answers.clone(), queue, place, outcome };
        if let Err(refused) = start_thread(move || teller.tell(call(&producer))) {
            // What is told of it finds no future.
            let taken = self.state.lock().take_call(place);
            self.answers.0.lock().retain(|(told, _)| *told != place);
            drop(taken);
            return Ok(Err(refused));
        }
        Ok(Ok(future))
    }

    /// Resolves the futures of calls that have ended.
    pub(super) fn answer_calls(&self, py: Python<'_>) {
        let answers = std::mem::take(&mut *self.answers.0.lock());
        for (place, outcome) in answers {
            let taken = self.state.lock().take_call(place);
            let Some(future) = taken else { continue };
            self.report(py, self.answer(py, &future, outcome));
        }
    }

    fn answer(&self, py: Python<'_>, future: &Future, outcome: Outcome) -> PyResult<()> {
        match outcome {
            Ok(Answer::Nothing) => self.resolve(py, future, Ok(py.None().bind(py))),
            Ok(Answer::Queues(queues)) => self.resolve(py, future, Ok(&queues.into_pyobject(py)?)),
            Err(error) => self.resolve(py, future, Err(&raise(&error))),
        }
    }
}
