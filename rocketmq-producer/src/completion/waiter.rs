//! The place where a blocking `send` waits for its outcome.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{Error, ErrorCode};
use crate::receipt::Receipt;
use crate::sync::Mutex;
use crate::sys::Seat;

/// The thread has not begun to sleep.
const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
/// The outcome is there.
const DONE: u8 = 2;

/// One outcome, waited for by the thread that made this. The engine completes every send by its deadline, so the wait
/// itself needs no clock.
pub(crate) struct Waiter {
    state: AtomicU8,
    outcome: Mutex<Option<Result<Receipt, Error>>>,
    seat: Seat,
}

impl Waiter {
    pub(crate) fn new() -> Self {
        Self { state: AtomicU8::new(AWAKE), outcome: Mutex::default(), seat: Seat::of_this_thread() }
    }

    /// Leaves the outcome; gives the seat if its thread sleeps there and must be called.
    pub(super) fn complete(&self, result: Result<Receipt, Error>) -> Option<&Seat> {
        *self.outcome.lock() = Some(result);
        (self.state.swap(DONE, Ordering::AcqRel) == ASLEEP).then_some(&self.seat)
    }

    pub(crate) fn wait(&self) -> Result<Receipt, Error> {
        // Fails if the outcome is there already.
        let _ = self.state.compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        self.seat.sleep_until(|| self.state.load(Ordering::Acquire) == DONE);
        let outcome = self.outcome.lock().take();
        outcome.unwrap_or_else(|| Err(Error::new(ErrorCode::Internal, "an outcome without content")))
    }
}
