//! Threads that sleep until something has come for them.

use std::thread::{self, Thread};

use super::Moment;

/// Where a thread sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Seat(Thread);

impl Seat {
    pub(crate) fn of_this_thread() -> Self {
        Self(thread::current())
    }

    /// Sleeps until it is so, at most to the deadline; says whether it is. Whoever makes it so calls this seat afterwards.
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
}

/// The seats that are to be called.
#[derive(Debug, Default)]
pub(crate) struct Calls(Vec<Thread>);

impl Calls {
    pub(crate) fn add(&mut self, seat: &Seat) {
        self.0.push(seat.0.clone());
    }

    /// Wakes all of them.
    pub(crate) fn make(&mut self) {
        self.0.drain(..).for_each(|thread| thread.unpark());
    }
}
