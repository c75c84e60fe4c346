//! The place where a blocking `send` waits for its outcome.

use crate::sync::{Condvar, Mutex};

use crate::error::Error;
use crate::receipt::Receipt;

/// One outcome, waited for by one thread. The engine completes every send by its deadline, so the wait itself
/// needs no clock.
#[derive(Default)]
pub(crate) struct Waiter {
    outcome: Mutex<Option<Result<Receipt, Error>>>,
    arrived: Condvar,
}

impl Waiter {
    pub(crate) fn complete(&self, result: Result<Receipt, Error>) {
        *self.outcome.lock() = Some(result);
        self.arrived.notify_one();
    }

    pub(crate) fn wait(&self) -> Result<Receipt, Error> {
        let mut outcome = self.outcome.lock();
        loop {
            if let Some(result) = outcome.take() {
                return result;
            }
            self.arrived.wait(&mut outcome);
        }
    }
}
