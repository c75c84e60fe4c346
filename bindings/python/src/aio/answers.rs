//! What threads tell of calls that waited, on its way to the loop.

use std::mem;
use std::sync::Arc;

use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{CompletionQueue, Error, ErrorCode};

/// What came of a call.
pub(super) type Outcome = Result<(), Error>;

/// Outcomes with the places of their futures.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<Vec<(usize, Outcome)>>>);

impl Answers {
    /// Takes all that are there.
    pub(super) fn take(&self) -> Vec<(usize, Outcome)> {
        mem::take(&mut *self.0.lock())
    }

    /// Drops what was told of one call.
    pub(super) fn forget(&self, place: usize) {
        self.0.lock().retain(|(told, _)| *told != place);
    }
}

/// Tells the outcome of one call, at the latest when it is dropped.
pub(super) struct Teller {
    answers: Answers,
    queue: CompletionQueue,
    place: usize,
    outcome: Outcome,
}

impl Teller {
    pub(super) fn new(answers: &Answers, queue: CompletionQueue, place: usize) -> Self {
        let outcome = Err(Error::new(ErrorCode::Internal, "a call of the core has no outcome"));
        Self { answers: answers.clone(), queue, place, outcome }
    }

    pub(super) fn tell(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let outcome = mem::replace(&mut self.outcome, Ok(()));
        self.answers.0.lock().push((self.place, outcome));
        self.queue.ring();
    }
}
