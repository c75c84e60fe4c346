//! How much a producer may have in flight, and who waits for less.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use crate::sync::{Condvar, Mutex};

/// A count that threads can wait for to fall.
#[derive(Default)]
struct Falling {
    waiters: AtomicUsize,
    lock: Mutex<()>,
    fell: Condvar,
}

impl Falling {
    /// Wakes those who wait. Costs one load when nobody does.
    fn notify(&self) {
        if self.waiters.load(SeqCst) > 0 {
            drop(self.lock.lock());
            self.fell.notify_all();
        }
    }

    /// Waits until `done`, at most to the deadline; says whether it is done.
    fn wait_until(&self, deadline: Option<Instant>, mut done: impl FnMut() -> bool) -> bool {
        if done() {
            return true;
        }
        self.waiters.fetch_add(1, SeqCst);
        let mut guard = self.lock.lock();
        let finished = loop {
            if done() {
                break true;
            }
            match deadline {
                Some(deadline) => {
                    if self.fell.wait_until(&mut guard, deadline).timed_out() {
                        break done();
                    }
                }
                None => self.fell.wait(&mut guard),
            }
        };
        drop(guard);
        self.waiters.fetch_sub(1, SeqCst);
        finished
    }
}

/// Messages (upper 24 bits) and bytes (lower 40) in one word, so that both bounds are kept in one step.
const BYTE_BITS: u32 = 40;
const ONE_MESSAGE: u64 = 1 << BYTE_BITS;
const BYTE_MASK: u64 = ONE_MESSAGE - 1;

/// The bounds of one producer, and what counts against them: messages and body bytes that were accepted and
/// whose outcome was not yet taken.
pub(super) struct Bounds {
    max_messages: u64,
    max_bytes: u64,
    taken: AtomicU64,
    room: Falling,
    /// Accepted sends without an outcome; unlike the share, this ends when the outcome is known.
    outstanding: AtomicUsize,
    settled: Falling,
}

impl Bounds {
    pub(super) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            max_messages: max_messages as u64,
            max_bytes: max_bytes as u64,
            taken: AtomicU64::new(0),
            room: Falling::default(),
            outstanding: AtomicUsize::new(0),
            settled: Falling::default(),
        }
    }

    /// A share for one message, or `None` when a bound is reached. A message larger than the byte bound is
    /// let in alone, or it could never be sent.
    pub(super) fn try_take(self: &Arc<Self>, bytes: usize) -> Option<InFlightShare> {
        let cost = ONE_MESSAGE + bytes as u64;
        let room_for = |taken: u64| {
            let (messages, held) = (taken >> BYTE_BITS, taken & BYTE_MASK);
            let fits = messages < self.max_messages && held + bytes as u64 <= self.max_bytes;
            (fits || taken == 0).then(|| taken + cost)
        };
        self.taken.fetch_update(SeqCst, SeqCst, room_for).ok()?;
        Some(InFlightShare { bounds: Arc::clone(self), cost })
    }

    /// The same, waiting for room until the deadline, or until `give_up` says so after a
    /// [`Self::wake_waiters`].
    pub(super) fn take_by(
        self: &Arc<Self>,
        bytes: usize,
        deadline: Instant,
        give_up: impl Fn() -> bool,
    ) -> Option<InFlightShare> {
        let mut share = None;
        self.room.wait_until(Some(deadline), || {
            share = self.try_take(bytes);
            share.is_some() || give_up()
        });
        share
    }

    /// Lets those who wait for room look again.
    pub(super) fn wake_waiters(&self) {
        self.room.notify();
    }

    /// Messages that count against the bound.
    pub(super) fn messages(&self) -> usize {
        (self.taken.load(SeqCst) >> BYTE_BITS) as usize
    }

    pub(super) fn accepted(&self) {
        self.outstanding.fetch_add(1, SeqCst);
    }

    pub(super) fn settled(&self) {
        if self.outstanding.fetch_sub(1, SeqCst) == 1 {
            self.settled.notify();
        }
    }

    pub(super) fn has_outstanding(&self) -> bool {
        self.outstanding.load(SeqCst) > 0
    }

    /// Waits until every accepted send has its outcome.
    pub(super) fn wait_settled(&self, deadline: Option<Instant>) -> bool {
        self.settled.wait_until(deadline, || !self.has_outstanding())
    }
}

/// One message's part of the bounds, given back when dropped.
pub(crate) struct InFlightShare {
    bounds: Arc<Bounds>,
    cost: u64,
}

impl Drop for InFlightShare {
    fn drop(&mut self) {
        self.bounds.taken.fetch_sub(self.cost, SeqCst);
        self.bounds.room.notify();
    }
}

impl fmt::Debug for InFlightShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlightShare").field("bytes", &(self.cost & BYTE_MASK)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn both_bounds_hold_and_come_back() {
        let bounds = Arc::new(Bounds::new(2, 10));
        let first = bounds.try_take(6).expect("room");
        assert!(bounds.try_take(5).is_none(), "11 of 10 bytes");
        let second = bounds.try_take(4).expect("room");
        assert!(bounds.try_take(0).is_none(), "3 of 2 messages");
        drop(first);
        drop(second);
        assert_eq!(bounds.taken.load(SeqCst), 0);
    }

    #[test]
    fn a_message_over_the_byte_bound_goes_alone() {
        let bounds = Arc::new(Bounds::new(2, 10));
        let large = bounds.try_take(1000).expect("alone");
        assert!(bounds.try_take(1).is_none());
        drop(large);
        assert!(bounds.try_take(1).is_some());
    }

    #[test]
    fn a_waiter_gets_the_room_that_another_gives_back() {
        let bounds = Arc::new(Bounds::new(1, 10));
        let held = bounds.try_take(1).expect("room");
        let waiter = std::thread::spawn({
            let bounds = Arc::clone(&bounds);
            move || bounds.take_by(1, Instant::now() + Duration::from_secs(30), || false).is_some()
        });
        while bounds.room.waiters.load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        drop(held);
        assert!(waiter.join().expect("no panic"));
        let _held = bounds.try_take(1);
        assert!(bounds.take_by(1, Instant::now(), || false).is_none(), "a deadline ends the wait");
        let far = Instant::now() + Duration::from_secs(30);
        assert!(bounds.take_by(1, far, || true).is_none(), "and so does giving up");
    }
}
