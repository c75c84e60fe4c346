//! The place where a blocking `send_batch` waits for the outcomes of its messages.

use crate::sync::{Condvar, Mutex};

use super::{LAST_RESORT, overdue};
use crate::error::Error;
use crate::receipt::Receipt;
use crate::sys::Moment;

/// Outcomes by position, waited for by one thread. The engine completes every send by its deadline; the clock of the wait
/// itself is the last resort.
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

    /// All outcomes, in order. What comes later than the last resort is nobody's.
    pub(crate) fn wait(&self, deadline: Moment) -> Vec<Result<Receipt, Error>> {
        let mut state = self.state.lock();
        let mut until = deadline;
        while state.missing > 0 {
            if !self.arrived.wait_until(&mut state, until).timed_out() {
                continue;
            }
            if until > deadline {
                break;
            }
            // From now on: the whole process may have been stopped.
            until = Moment::now() + LAST_RESORT;
        }
        let outcomes = std::mem::take(&mut state.outcomes);
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(overdue()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn those_that_never_come_are_overdue_and_the_others_keep_theirs() {
        let waiter = BatchWaiter::new(2);
        waiter.complete(1, Err(Error::closed()));
        let codes = waiter.wait(Moment::now()).into_iter().map(|outcome| outcome.expect_err("none").code());
        assert_eq!(codes.collect::<Vec<_>>(), [ErrorCode::Timeout, ErrorCode::Closed]);
        // What comes later is nobody's.
        waiter.complete(0, Err(Error::closed()));
    }
}
