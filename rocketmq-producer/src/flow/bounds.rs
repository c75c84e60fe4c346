//! What counts against the bounds of a producer, from a send that is accepted to an outcome that is taken.

use std::ops::Sub;
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::falling::Falling;
use super::refusals::{HearsOfRoom, Refusals};
use super::settled::Load;
use super::share::InFlightShare;
use crate::sync::Mutex;
use crate::sys::Moment;

/// Messages (upper 24 bits) and bytes (lower 40) in one word, so that both bounds are kept in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost(pub(super) u64);

const BYTE_BITS: u32 = 40;
const ONE_MESSAGE: u64 = 1 << BYTE_BITS;
const BYTE_MASK: u64 = ONE_MESSAGE - 1;

impl Cost {
    pub(super) const NOTHING: Self = Self(0);

    pub(super) fn of(messages: usize, bytes: usize) -> Self {
        Self(messages as u64 * ONE_MESSAGE + bytes as u64)
    }

    pub(super) fn messages(self) -> u64 {
        self.0 >> BYTE_BITS
    }

    pub(super) fn bytes(self) -> u64 {
        self.0 & BYTE_MASK
    }

    /// Whether whatever has room for the other has room for this.
    pub(super) fn is_within(self, other: Self) -> bool {
        self.messages() <= other.messages() && self.bytes() <= other.bytes()
    }

    /// The lesser number of messages and the lesser number of bytes.
    pub(super) fn least_of_both(self, other: Self) -> Self {
        Self(self.messages().min(other.messages()) * ONE_MESSAGE + self.bytes().min(other.bytes()))
    }
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// The word by which the program knows a producer, as its events tell it.
pub(crate) type ProducerTag = usize;

/// The bounds of one producer, and what counts against them: messages and body bytes that were accepted and
/// whose outcome was not yet taken.
pub(crate) struct Bounds {
    max_messages: u64,
    max_bytes: u64,
    taken: AtomicU64,
    room: Falling,
    refusals: Refusals,
    /// Those who hear of room after every refusal, whoever was refused.
    listeners: Mutex<Vec<Weak<dyn HearsOfRoom>>>,
    producer: AtomicUsize,
    /// Accepted sends without an outcome; unlike the share, this ends when the outcome is known.
    outstanding: AtomicUsize,
    settled: Falling,
}

impl Bounds {
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            max_messages: max_messages as u64,
            max_bytes: max_bytes as u64,
            taken: AtomicU64::new(0),
            room: Falling::default(),
            refusals: Refusals::default(),
            listeners: Mutex::default(),
            producer: AtomicUsize::new(0),
            outstanding: AtomicUsize::new(0),
            settled: Falling::default(),
        }
    }

    /// The word by which events name the producer.
    pub(crate) fn producer(&self) -> ProducerTag {
        self.producer.load(Relaxed)
    }

    pub(crate) fn set_producer(&self, tag: ProducerTag) {
        self.producer.store(tag, Relaxed);
    }

    /// Whether a share that costs so much is let in beside what is taken. What is larger than a bound is let in alone, or it
    /// could never be sent.
    fn lets_in(&self, cost: Cost, taken: Cost) -> bool {
        let fits = taken.messages() + cost.messages() <= self.max_messages
            && taken.bytes() + cost.bytes() <= self.max_bytes;
        fits || taken == Cost::NOTHING
    }

    /// A share for so many messages, or `None` when a bound is reached.
    pub(crate) fn try_take(self: &Arc<Self>, messages: usize, bytes: usize) -> Option<InFlightShare> {
        let cost = Cost::of(messages, bytes);
        let with_it = |taken| self.lets_in(cost, Cost(taken)).then(|| taken + cost.0);
        self.taken.fetch_update(SeqCst, SeqCst, with_it).ok()?;
        Some(InFlightShare::new(Arc::clone(self), cost))
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

    /// So much was refused to these: each hears of it when there is room, once. So do those who listen.
    pub(crate) fn note_refusal(
        &self,
        messages: usize,
        bytes: usize,
        to: impl IntoIterator<Item = Arc<dyn HearsOfRoom>>,
    ) {
        let cost = Cost::of(messages, bytes);
        let listeners: Vec<_> = self.listeners.lock().iter().filter_map(Weak::upgrade).collect();
        for who in to.into_iter().chain(listeners) {
            self.refusals.note(&who, cost);
        }
        // Who made room meanwhile has not seen the note.
        self.tell_refused();
    }

    /// From now on this one hears of room after every refusal, as long as it lives.
    pub(crate) fn add_listener(&self, listener: &Arc<dyn HearsOfRoom>) {
        let mut listeners = self.listeners.lock();
        listeners.retain(|known| known.strong_count() > 0);
        listeners.push(Arc::downgrade(listener));
    }

    /// Those who wait for room look, and those who were refused hear of it.
    pub(super) fn tell_of_room(&self) {
        self.room.notify();
        self.tell_refused();
    }

    /// The same for room that is a part of a lot.
    pub(super) fn tell_of_room_in_lot(&self) {
        self.room.notify_in_lot();
        self.tell_refused();
    }

    /// Room comes in a lot from now on.
    pub(super) fn begin_lot(&self) {
        self.room.begin_lot();
    }

    pub(super) fn end_lot(&self) {
        self.room.end_lot();
    }

    fn tell_refused(&self) {
        let fits = |cost| self.lets_in(cost, Cost(self.taken.load(SeqCst)));
        if self.refusals.least().is_some_and(fits) {
            self.refusals.tell(fits, self.producer());
        }
    }

    /// Without telling anybody.
    pub(super) fn give_back(&self, cost: Cost) {
        self.taken.fetch_sub(cost.0, SeqCst);
    }

    fn has_room(&self) -> bool {
        let taken = Cost(self.taken.load(SeqCst));
        taken.messages() < self.max_messages && taken.bytes() < self.max_bytes
    }

    /// Lets those who wait for room look again.
    pub(crate) fn wake_waiters(&self) {
        self.room.notify();
    }

    /// Messages that count against the bound.
    pub(crate) fn messages(&self) -> usize {
        Cost(self.taken.load(SeqCst)).messages() as usize
    }

    /// Body bytes that count against the bound.
    pub(crate) fn bytes(&self) -> u64 {
        Cost(self.taken.load(SeqCst)).bytes()
    }

    /// Whether somebody sleeps who waits for room.
    #[cfg(test)]
    pub(super) fn has_sleepers(&self) -> bool {
        self.room.has_sleepers()
    }

    /// As a fork may find those who wait: at their locks.
    #[cfg(test)]
    pub(super) fn with_locks_held<T>(&self, body: impl FnOnce() -> T) -> T {
        self.room.with_lock_held(|| self.refusals.with_lock_held(body))
    }

    /// Waits for room as the test sees it.
    #[cfg(test)]
    pub(super) fn wait_room_that(&self, is_room: impl FnMut() -> bool) {
        self.room.wait_until(None, is_room);
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

    /// Waits until every accepted send has its outcome; says whether it has.
    pub(crate) fn wait_settled(&self, deadline: Option<Moment>) -> bool {
        self.settled.wait_until(deadline, || !self.has_outstanding())
    }

    /// The same for a task.
    pub(crate) async fn settled_by(&self, timeout: Duration) -> bool {
        self.settled.within(timeout, || !self.has_outstanding()).await
    }
}
