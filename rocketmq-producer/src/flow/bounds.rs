//! What counts against the bounds of a producer, from a send that is accepted to an outcome that is taken.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use super::lots;
use crate::config::WritableListener;
use crate::sync::{Condvar, Mutex};
use crate::sys::Moment;

/// A count that threads can wait for to fall.
#[derive(Default)]
struct Falling {
    /// Somebody sleeps who was not woken since.
    asleep: AtomicBool,
    lock: Mutex<()>,
    fell: Condvar,
}

impl Falling {
    /// Wakes those who wait. Costs one load when nobody does, also while those who were woken have not run yet: a
    /// thousand outcomes in a row wake a sender once.
    fn notify(&self) {
        if self.asleep.load(SeqCst) && self.asleep.swap(false, SeqCst) {
            drop(self.lock.lock());
            self.fell.notify_all();
        }
    }

    /// Waits until `done`, at most to the deadline; says whether it is done.
    fn wait_until(&self, deadline: Option<Moment>, mut done: impl FnMut() -> bool) -> bool {
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
}

/// Messages (upper 24 bits) and bytes (lower 40) in one word, so that both bounds are kept in one step.
const BYTE_BITS: u32 = 40;
const ONE_MESSAGE: u64 = 1 << BYTE_BITS;
const BYTE_MASK: u64 = ONE_MESSAGE - 1;

/// The bounds of one producer, and what counts against them: messages and body bytes that were accepted and
/// whose outcome was not yet taken.
pub(crate) struct Bounds {
    max_messages: u64,
    max_bytes: u64,
    taken: AtomicU64,
    room: Falling,
    /// Told when there is room again after a send was refused.
    listener: Option<WritableListener>,
    refused: AtomicBool,
    /// Accepted sends without an outcome; unlike the share, this ends when the outcome is known.
    outstanding: AtomicUsize,
    settled: Falling,
}

impl Bounds {
    pub(crate) fn new(max_messages: usize, max_bytes: usize, listener: Option<WritableListener>) -> Self {
        Self {
            max_messages: max_messages as u64,
            max_bytes: max_bytes as u64,
            taken: AtomicU64::new(0),
            room: Falling::default(),
            listener,
            refused: AtomicBool::new(false),
            outstanding: AtomicUsize::new(0),
            settled: Falling::default(),
        }
    }

    /// A share for so many messages, or `None` when a bound is reached. What is larger than a bound is let in alone,
    /// or it could never be sent.
    pub(crate) fn try_take(self: &Arc<Self>, messages: usize, bytes: usize) -> Option<InFlightShare> {
        let cost = messages as u64 * ONE_MESSAGE + bytes as u64;
        let room_for = |taken: u64| {
            let (held_messages, held_bytes) = (taken >> BYTE_BITS, taken & BYTE_MASK);
            let fits = held_messages + messages as u64 <= self.max_messages
                && held_bytes + bytes as u64 <= self.max_bytes;
            (fits || taken == 0).then(|| taken + cost)
        };
        self.taken.fetch_update(SeqCst, SeqCst, room_for).ok()?;
        Some(InFlightShare { bounds: Arc::clone(self), cost })
    }

    /// The same, waiting for room until the deadline, or until `give_up` says so after a
    /// [`Self::wake_waiters`].
    pub(crate) fn take_by(
        self: &Arc<Self>,
        messages: usize,
        bytes: usize,
        deadline: Moment,
        give_up: impl Fn() -> bool,
    ) -> Option<InFlightShare> {
        let mut share = None;
        self.room.wait_until(Some(deadline), || {
            share = self.try_take(messages, bytes);
            share.is_some() || give_up()
        });
        share
    }

    /// Waits until a small message has room, at most to the deadline, or until `give_up` says so; says whether it has.
    pub(crate) fn wait_room(&self, deadline: Option<Moment>, give_up: impl Fn() -> bool) -> bool {
        self.room.wait_until(deadline, || self.has_room() || give_up())
    }

    /// A send was refused: the listener is told when there is room.
    pub(crate) fn note_refusal(&self) {
        if self.listener.is_some() {
            self.refused.store(true, SeqCst);
            // What made room meanwhile has not seen the mark.
            self.tell_listener();
        }
    }

    /// Those who wait for room look, and the listener hears of it.
    pub(crate) fn tell_of_room(&self) {
        self.room.notify();
        self.tell_listener();
    }

    fn tell_listener(&self) {
        if let Some(listener) = &self.listener
            && self.refused.load(SeqCst)
            && self.has_room()
            && self.refused.swap(false, SeqCst)
        {
            listener();
        }
    }

    fn has_room(&self) -> bool {
        let taken = self.taken.load(SeqCst);
        taken >> BYTE_BITS < self.max_messages && taken & BYTE_MASK < self.max_bytes
    }

    /// Lets those who wait for room look again.
    pub(crate) fn wake_waiters(&self) {
        self.room.notify();
    }

    /// Messages that count against the bound.
    pub(crate) fn messages(&self) -> usize {
        (self.taken.load(SeqCst) >> BYTE_BITS) as usize
    }

    /// Body bytes that count against the bound.
    pub(crate) fn bytes(&self) -> u64 {
        self.taken.load(SeqCst) & BYTE_MASK
    }

    pub(crate) fn accepted(&self, messages: usize) {
        self.outstanding.fetch_add(messages, SeqCst);
    }

    /// Tells what is left.
    pub(crate) fn settled(&self, messages: usize) -> Load {
        let messages = self.outstanding.fetch_sub(messages, SeqCst) - messages;
        if messages == 0 {
            self.settled.notify();
        }
        Load { messages, bytes: self.bytes() as usize }
    }

    pub(crate) fn has_outstanding(&self) -> bool {
        self.outstanding.load(SeqCst) > 0
    }

    /// Waits until every accepted send has its outcome.
    pub(crate) fn wait_settled(&self, deadline: Option<Moment>) -> bool {
        self.settled.wait_until(deadline, || !self.has_outstanding())
    }
}

/// Outcomes that are told to the bounds together.
#[derive(Default)]
pub(crate) struct Settled {
    bounds: Option<Arc<Bounds>>,
    messages: usize,
}

/// What a producer has in flight.
#[derive(Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Settled {
    /// One more outcome.
    pub(crate) fn add(&mut self, bounds: &Arc<Bounds>) {
        if !self.bounds.as_ref().is_some_and(|known| Arc::ptr_eq(known, bounds)) {
            self.tell();
            self.bounds = Some(Arc::clone(bounds));
        }
        self.messages += 1;
    }

    /// Those who wait for outcomes look again. Tells what is left of the producer that had the last outcome.
    pub(crate) fn tell(&mut self) -> Load {
        let messages = std::mem::take(&mut self.messages);
        self.bounds.take().map_or_else(Load::default, |bounds| bounds.settled(messages))
    }
}

/// Some messages' part of the bounds, given back when dropped.
pub(crate) struct InFlightShare {
    bounds: Arc<Bounds>,
    cost: u64,
}

impl InFlightShare {
    /// One message's part of this share.
    pub(crate) fn split_off(&mut self, bytes: usize) -> Self {
        let cost = ONE_MESSAGE + bytes as u64;
        self.cost -= cost;
        Self { bounds: Arc::clone(&self.bounds), cost }
    }
}

impl Drop for InFlightShare {
    fn drop(&mut self) {
        self.bounds.taken.fetch_sub(self.cost, SeqCst);
        lots::gave_room(&self.bounds);
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

    use super::super::lots::Lots;
    use super::*;

    #[test]
    fn both_bounds_hold_and_come_back() {
        let bounds = Arc::new(Bounds::new(2, 10, None));
        let first = bounds.try_take(1, 6).expect("room");
        assert!(bounds.try_take(1, 5).is_none(), "11 of 10 bytes");
        let second = bounds.try_take(1, 4).expect("room");
        assert!(bounds.try_take(1, 0).is_none(), "3 of 2 messages");
        drop(first);
        drop(second);
        assert_eq!(bounds.taken.load(SeqCst), 0);
    }

    #[test]
    fn a_share_of_several_is_given_back_one_by_one() {
        let bounds = Arc::new(Bounds::new(3, 10, None));
        assert!(bounds.try_take(3, 11).is_some(), "alone");
        let mut both = bounds.try_take(2, 7).expect("room");
        assert!(bounds.try_take(2, 0).is_none(), "4 of 3 messages");
        let first = both.split_off(3);
        let second = both.split_off(4);
        drop(both);
        drop(first);
        assert_eq!((bounds.messages(), bounds.taken.load(SeqCst) & BYTE_MASK), (1, 4));
        drop(second);
        assert_eq!(bounds.taken.load(SeqCst), 0);
    }

    #[test]
    fn a_delivering_thread_tells_of_room_in_lots() {
        let told = Arc::new(AtomicUsize::new(0));
        let bounds = [(); 2].map(|()| {
            let count = Arc::clone(&told);
            let listener: WritableListener = Arc::new(move || {
                count.fetch_add(1, SeqCst);
            });
            Arc::new(Bounds::new(2, 10, Some(listener)))
        });
        let shares = || [bounds[0].try_take(1, 1), bounds[0].try_take(1, 1), bounds[1].try_take(2, 2)];
        let [first, second, of_another] = shares();
        bounds.iter().for_each(|bounds| bounds.note_refusal());
        let lots = Lots::begin();
        drop(first);
        lots.handled();
        drop(second);
        lots.handled();
        assert_eq!((bounds[0].messages(), told.load(SeqCst)), (0, 0), "there is room, and nobody knows");
        drop(of_another);
        assert_eq!(told.load(SeqCst), 1, "of the first producer's");
        drop(lots);
        assert_eq!(told.load(SeqCst), 2);

        let [first, ..] = shares();
        bounds[0].note_refusal();
        drop(first);
        assert_eq!(told.load(SeqCst), 3, "at once: no lots any more");
    }

    #[test]
    fn a_message_over_the_byte_bound_goes_alone() {
        let bounds = Arc::new(Bounds::new(2, 10, None));
        let large = bounds.try_take(1, 1000).expect("alone");
        assert!(bounds.try_take(1, 1).is_none());
        drop(large);
        assert!(bounds.try_take(1, 1).is_some());
    }

    #[test]
    fn a_waiter_gets_the_room_that_another_gives_back() {
        let bounds = Arc::new(Bounds::new(1, 10, None));
        let held = bounds.try_take(1, 1).expect("room");
        let waiter = std::thread::spawn({
            let bounds = Arc::clone(&bounds);
            move || bounds.take_by(1, 1, Moment::now() + Duration::from_secs(30), || false).is_some()
        });
        while !bounds.room.asleep.load(SeqCst) {
            std::thread::yield_now();
        }
        drop(held);
        assert!(waiter.join().expect("no panic"));
        let _held = bounds.try_take(1, 1);
        assert!(bounds.take_by(1, 1, Moment::now(), || false).is_none(), "a deadline ends the wait");
        let far = Moment::now() + Duration::from_secs(30);
        assert!(bounds.take_by(1, 1, far, || true).is_none(), "and so does giving up");
    }

    #[test]
    fn the_listener_is_told_once_for_each_refusal_that_found_no_room() {
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        let listener: WritableListener = Arc::new(move || {
            count.fetch_add(1, SeqCst);
        });
        let bounds = Arc::new(Bounds::new(1, 10, Some(listener)));
        drop(bounds.try_take(1, 1));
        assert_eq!(told.load(SeqCst), 0, "nobody was refused");
        let held = bounds.try_take(1, 1).expect("room");
        bounds.note_refusal();
        bounds.note_refusal();
        assert_eq!(told.load(SeqCst), 0, "there is no room yet");
        drop(held);
        drop(bounds.try_take(1, 1));
        assert_eq!(told.load(SeqCst), 1);
        bounds.note_refusal();
        assert_eq!(told.load(SeqCst), 2, "there was room already");
    }
}
