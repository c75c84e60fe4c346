//! A count that threads and tasks can wait for to fall.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Notify;

use crate::sync::{Condvar, Mutex};
use crate::sys::Moment;

/// The sleepers beside such a count.
#[derive(Default)]
pub(super) struct Falling {
    /// Somebody sleeps who was not woken since.
    asleep: AtomicBool,
    lock: Mutex<()>,
    fell: Condvar,
    /// The same for tasks.
    told: Notify,
}

impl Falling {
    /// Wakes those who wait. Costs one load when nobody does, also while those who were woken have not run yet: a
    /// thousand outcomes in a row wake a sender once.
    pub(super) fn notify(&self) {
        if self.asleep.load(SeqCst) && self.asleep.swap(false, SeqCst) {
            drop(self.lock.lock());
            self.fell.notify_all();
            self.told.notify_waiters();
        }
    }

    /// Waits until `done`, at most to the deadline; says whether it is done.
    pub(super) fn wait_until(&self, deadline: Option<Moment>, mut done: impl FnMut() -> bool) -> bool {
        if done() {
            return true;
        }
        let mut guard = self.lock.lock();
        loop {
            // Before the look: whoever changes the count after it sees the mark.
            self.asleep.store(true, SeqCst);
            if done() {
                return true;
            }
            match deadline {
                Some(deadline) => {
                    if self.fell.wait_until(&mut guard, deadline).timed_out() {
                        return done();
                    }
                }
                None => self.fell.wait(&mut guard),
            }
        }
    }

    /// The same for a task.
    pub(super) async fn within(&self, timeout: Duration, done: impl Fn() -> bool) -> bool {
        let wait = async {
            loop {
                let told = self.told.notified();
                tokio::pin!(told);
                told.as_mut().enable();
                // Before the look, as above.
                self.asleep.store(true, SeqCst);
                if done() {
                    return;
                }
                told.await;
            }
        };
        tokio::time::timeout(timeout, wait).await.is_ok() || done()
    }

    /// Whether somebody sleeps who was not woken since.
    #[cfg(test)]
    pub(super) fn has_sleepers(&self) -> bool {
        self.asleep.load(SeqCst)
    }
}
