//! The place where a blocking `send_batch` waits for the outcomes of its messages.

use crate::sync::{Condvar, Mutex};

use crate::error::Error;
use crate::receipt::Receipt;

/// Outcomes by position, waited for by one thread. The engine completes every send by its deadline, so the wait
/// itself needs no clock.
pub(crate) struct BatchWaiter {
    state: Mutex<State>,
    arrived: Condvar,
}

struct State {
    outcomes: Vec<Option<Result<Receipt, Error>>>,
    missing: usize,
}

impl BatchWaiter {
    pub(crate) fn new(count: usize) -> Self {
        let state = State { outcomes: vec![None; count], missing: count };
        Self { state: Mutex::new(state), arrived: Condvar::default() }
    }

    pub(crate) fn complete(&self, index: usize, result: Result<Receipt, Error>) {
        let mut state = self.state.lock();
        if let Some(place) = state.outcomes.get_mut(index)
            && place.replace(result).is_none()
        {
            state.missing -= 1;
        }
        if state.missing == 0 {
            self.arrived.notify_one();
        }
    }

    /// All outcomes, in order.
    pub(crate) fn wait(&self) -> Vec<Result<Receipt, Error>> {
        let mut state = self.state.lock();
        while state.missing > 0 {
            self.arrived.wait(&mut state);
        }
        std::mem::take(&mut state.outcomes).into_iter().flatten().collect()
    }
}
