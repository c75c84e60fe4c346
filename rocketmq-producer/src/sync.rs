//! Locks that survive `fork`: those of the standard library, without poisoning.
//!
//! Libraries with faster locks keep their waiting threads in one table for the process. A child forked while
//! another thread has a part of that table locked would wait for ever at its first contended lock, also in
//! producers of its own. The standard library's locks are single words; a child's new ones are never locked.

use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};

use crate::sys::Moment;

/// A mutual exclusion lock. A panic while it is held does not poison it.
#[derive(Debug, Default)]
pub struct Mutex<T>(std::sync::Mutex<T>);

/// The lock is held until this is dropped.
#[derive(Debug)]
pub struct MutexGuard<'a, T>(Option<std::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    /// An unlocked one.
    pub const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    /// The lock, unless somebody holds it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(MutexGuard(Some(guard))),
            Err(TryLockError::Poisoned(error)) => Some(MutexGuard(Some(error.into_inner()))),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

const GONE: &str = "a guard is empty only while its condition variable waits";

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(guard) => guard,
            None => unreachable!("{GONE}"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(guard) => guard,
            None => unreachable!("{GONE}"),
        }
    }
}

/// A condition variable for a [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(std::sync::Condvar);

/// How a wait with a deadline ended.
#[derive(Clone, Copy, Debug)]
pub struct WaitResult {
    timed_out: bool,
}

impl WaitResult {
    /// Whether the deadline ended it.
    pub fn timed_out(self) -> bool {
        self.timed_out
    }
}

impl Condvar {
    /// A condition that nobody waits for.
    pub const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    /// Wakes one waiter.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Gives the lock up until notified.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        if let Some(held) = guard.0.take() {
            guard.0 = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Gives the lock up until notified or until the deadline.
    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, deadline: Moment) -> WaitResult {
        let left = deadline.since(Moment::now());
        let mut timed_out = true;
        if let Some(held) = guard.0.take() {
            let (held, result) = self.0.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner);
            timed_out = result.timed_out();
            guard.0 = Some(held);
        }
        WaitResult { timed_out }
    }
}

/// A lock for many readers or one writer. A panic while it is held does not poison it.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(std::sync::RwLock<T>);

impl<T> RwLock<T> {
    /// Waits until nobody writes.
    pub(crate) fn read(&self) -> std::sync::RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody reads or writes.
    pub(crate) fn write(&self) -> std::sync::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_panic_does_not_poison() {
        let lock = Arc::new(Mutex::new(1));
        let held = Arc::clone(&lock);
        let panicked = std::thread::spawn(move || {
            let _guard = held.lock();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(lock.try_lock().as_deref(), Some(&1));
        let _held = lock.lock();
        assert!(lock.try_lock().is_none());
    }

    #[test]
    fn a_wait_ends_by_notice_or_deadline() {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let mut guard = shared.0.lock();
        assert!(shared.1.wait_until(&mut guard, Moment::now()).timed_out());
        let other = Arc::clone(&shared);
        let notifier = std::thread::spawn(move || {
            *other.0.lock() = true;
            other.1.notify_all();
        });
        let deadline = Moment::now() + Duration::from_secs(30);
        while !*guard {
            assert!(!shared.1.wait_until(&mut guard, deadline).timed_out());
        }
        drop(guard);
        assert!(notifier.join().is_ok());
    }
}
