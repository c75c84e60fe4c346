//! Threads that sleep until something has come for them.

use std::thread::{self, Thread};
use std::time::Duration;

use super::Moment;

/// Whether a sleep may be watched in place of a timer of its own.
pub(crate) const HAS_WATCH: bool = false;

/// Nobody needs it.
pub(crate) fn keep_watch(_: Duration) {}

/// Where a thread sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Parker(Thread);

impl Parker {
    pub(crate) fn of_this_thread() -> Self {
        Self(thread::current())
    }

    /// Sleeps until it is so, at most to the deadline; says whether it is. Whoever makes it so unparks this parker afterwards.
    pub(crate) fn sleep_until(&self, is_so: impl Fn() -> bool, deadline: Moment) -> bool {
        while !is_so() {
            let left = deadline.since(Moment::now());
            if left.is_zero() {
                return is_so();
            }
            thread::park_timeout(left);
        }
        true
    }

    /// The same.
    pub(crate) fn sleep_watched(&self, is_so: impl Fn() -> bool, deadline: Moment) -> bool {
        self.sleep_until(is_so, deadline)
    }
}

/// Threads that are to be woken.
#[derive(Debug, Default)]
pub(crate) struct Unparks(Vec<Thread>);

impl Unparks {
    pub(crate) fn add(&mut self, parker: &Parker) {
        self.0.push(parker.0.clone());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Wakes all of them, by one system call for each word.
    pub(crate) fn unpark_all(&mut self) {
        self.0.drain(..).for_each(|thread| thread.unpark());
    }
}
