//! How many callbacks a producer owes, and waiting until they are made.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use rocketmq_producer::sync::{Condvar, Mutex};
use rocketmq_producer::sys::Moment;

/// The callbacks of one producer. A send owes one from before it is accepted, so that those that were made are
/// never more than those that are owed.
pub(crate) struct Callbacks {
    owed: AtomicU64,
    made: AtomicU64,
    /// The number made at which somebody wants to be woken; [`NOBODY`] if none does.
    wake_at: AtomicU64,
    lock: Mutex<()>,
    changed: Condvar,
}

const NOBODY: u64 = u64::MAX;

impl Default for Callbacks {
    fn default() -> Self {
        Self {
            owed: AtomicU64::new(0),
            made: AtomicU64::new(0),
            wake_at: AtomicU64::new(NOBODY),
            lock: Mutex::default(),
            changed: Condvar::default(),
        }
    }
}

impl Callbacks {
    /// A callback more; taken back when the guard is dropped without [`Owed::keep`], as the send was refused.
    pub(crate) fn owe(&self) -> Owed<'_> {
        self.owed.fetch_add(1, SeqCst);
        Owed(self)
    }

    /// A callback has returned. Only the delivery thread says so. Wakes nobody before the number is reached, so
    /// that a waiting flush does not slow the callbacks it waits for.
    pub(crate) fn made(&self) {
        let made = self.made.fetch_add(1, SeqCst) + 1;
        if made >= self.wake_at.load(SeqCst) {
            self.wake();
        }
    }

    /// Waits for all callbacks owed now. As they are made in the order of their outcomes, and all that have an
    /// outcome are owed, counting is enough.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let at_call = self.owed.load(SeqCst);
        let deadline = Moment::now() + timeout;
        let mut guard = self.lock.lock();
        let mut in_time = true;
        loop {
            let goal = at_call.min(self.owed.load(SeqCst));
            self.wake_at.fetch_min(goal, SeqCst);
            if self.made.load(SeqCst) >= goal {
                return true;
            }
            if !in_time {
                return false;
            }
            in_time = !self.changed.wait_until(&mut guard, deadline).timed_out();
        }
    }

    /// Wakes all who wait; those who wait on say so again.
    fn wake(&self) {
        let guard = self.lock.lock();
        self.wake_at.store(NOBODY, SeqCst);
        drop(guard);
        self.changed.notify_all();
    }
}

/// A callback that a send will owe if it is accepted.
pub(crate) struct Owed<'a>(&'a Callbacks);

impl Owed<'_> {
    /// The send is accepted.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        self.0.owed.fetch_sub(1, SeqCst);
        if self.0.wake_at.load(SeqCst) != NOBODY {
            self.0.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_the_owed_callbacks_are_made_or_not_owed_any_more() {
        let callbacks = Callbacks::default();
        assert!(callbacks.wait(Duration::ZERO));
        callbacks.owe().keep();
        let refused = callbacks.owe();
        assert!(!callbacks.wait(Duration::from_millis(1)));
        callbacks.wake();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| callbacks.wait(Duration::from_secs(30)));
            while callbacks.wake_at.load(SeqCst) == NOBODY {
                std::thread::yield_now();
            }
            callbacks.made();
            drop(refused);
            assert!(waiter.join().unwrap());
        });
    }
}
