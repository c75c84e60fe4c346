//! The place where a blocking `send` waits for its outcome.

use std::sync::atomic::{AtomicU8, Ordering};

use super::{Complete, LAST_RESORT, Outcome, overdue};
use crate::deferred::Deferred;
use crate::sync::Mutex;
use crate::sys::{Moment, Parker};
use crate::watch;

/// The thread has not begun to sleep.
const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
/// The outcome is there.
const DONE: u8 = 2;

/// One outcome, waited for by the thread that made this. The engine completes every send by its deadline; the clock of the
/// wait itself is the last resort.
pub(crate) struct Waiter {
    state: AtomicU8,
    outcome: Mutex<Option<Outcome>>,
    parker: Parker,
}

impl Waiter {
    pub(crate) fn new() -> Self {
        Self { state: AtomicU8::new(AWAKE), outcome: Mutex::default(), parker: Parker::of_this_thread() }
    }

    /// The outcome. One that comes later than the last resort is nobody's.
    pub(crate) fn wait(&self, deadline: Moment) -> Outcome {
        // Fails if the outcome is there already.
        let _ = self.state.compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        let is_done = || self.state.load(Ordering::Acquire) == DONE;
        let is_in_time = match watch::is_kept() {
            true => self.parker.sleep_watched(is_done, deadline),
            false => self.parker.sleep_until(is_done, deadline),
        };
        if !is_in_time {
            // From now on: the whole process may have been stopped.
            self.parker.sleep_until(is_done, Moment::now() + LAST_RESORT);
        }
        let outcome = self.outcome.lock().take();
        outcome.unwrap_or_else(|| Err(overdue()))
    }
}

impl Complete<Outcome> for Waiter {
    /// Leaves the outcome. If the thread sleeps it is woken when `deferred` is settled.
    fn complete(&self, result: Outcome, deferred: &mut Deferred) {
        *self.outcome.lock() = Some(result);
        if self.state.swap(DONE, Ordering::AcqRel) == ASLEEP {
            deferred.unpark(&self.parker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorCode, Persistence};

    #[test]
    fn an_outcome_that_never_comes_is_not_waited_for_for_ever() {
        let waiter = Waiter::new();
        let deadline = Moment::now();
        let error = waiter.wait(deadline).expect_err("nobody completes it");
        assert_eq!((error.code(), error.persistence()), (ErrorCode::Timeout, Persistence::PossiblyPersisted));
        assert!(deadline.elapsed() >= LAST_RESORT);
        // What comes later is nobody's.
        waiter.complete(Err(Error::closed()), &mut Deferred::default());
    }
}
