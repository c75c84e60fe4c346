//! The completion queue: events in, one lock, three ways out (`polls.rs`, `descriptor.rs`).
//!
//! ```text
//! put ──▶ events, a wake-up owed ──▶ settled with `deferred`: wake ──┬─▶ who polls
//! ring ──▶ rung ─────────────────────────────────────────────────────┼─▶ wakers
//! close ──▶ closed, for good ────────────────────────────────────────┴─▶ the descriptor (not by a close)
//! ```

mod descriptor;
mod polls;

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;

use crate::sync::{Condvar, Mutex};

use self::descriptor::Descriptor;
use super::{Complete, Event};
use crate::deferred::{Deferred, Wake};
use crate::flow::{HearsOfRoom, ProducerTag};
use crate::task::panic_text;

/// A queue of events, shared by any number of producers and pollers. Clones are handles of the same queue.
#[derive(Clone)]
pub struct CompletionQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// A wake-up for the events that lie here is owed.
    wake_owed: bool,
    pollers: usize,
    /// How many events a delivery thread has taken.
    taken: u64,
    /// Of those that sleep elsewhere until there is something to poll.
    wakers: Vec<Waker>,
    /// [`CompletionQueue::ring`] was called and no poll has ended for it yet.
    rung: bool,
    descriptor: Option<Descriptor>,
    closed: bool,
}

impl CompletionQueue {
    /// An empty queue.
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Whether nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.0.state.lock().closed
    }

    /// How many events there were so far, if a delivery thread takes them.
    pub(super) fn events_so_far(&self) -> u64 {
        let state = self.0.state.lock();
        state.taken + state.events.len() as u64
    }

    /// Ends one poll without an event, one under way or the next: something else has happened that whoever polls
    /// wants to hear of. The descriptor is readable until then.
    pub fn ring(&self) {
        let mut state = self.0.state.lock();
        state.rung = true;
        state.settle_descriptor();
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.0.arrived.notify_one();
        wake_all(wakers);
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.0.state.lock().events.len()
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the queue: pollers wake, events still there can be taken, later ones are dropped.
    pub fn close(&self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.0.arrived.notify_all();
        wake_all(wakers);
    }

    /// Ends the queue for good: as [`Self::close`], and the events that wait are dropped, their part of the
    /// bounds given back, and the descriptor closed. Sends in flight keep only the memory of the queue.
    pub fn end(&self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        let ended = (std::mem::take(&mut state.events), state.descriptor.take());
        drop(state);
        self.close();
        // Outside the lock: an outcome that is dropped may wake those who wait for room.
        drop(ended);
    }

    /// Adds an event. Whoever waits is woken when `deferred` is settled, once for all events that are added until then.
    pub(crate) fn put(self, event: Event, deferred: &mut Deferred) {
        if self.0.push(event) {
            deferred.wake(self.0 as _);
        }
    }

    /// A door to this queue: what comes to it is an event then.
    pub(crate) fn door<T: Send + 'static>(
        &self,
        event: impl Fn(T) -> Event + Send + Sync + 'static,
    ) -> Arc<dyn Complete<T>> {
        Arc::new(QueueDoor { queue: self.clone(), event })
    }

    /// This queue, as one that gets [`Event::Writable`].
    pub(crate) fn hears_of_room(&self) -> Arc<dyn HearsOfRoom> {
        Arc::clone(&self.0) as _
    }
}

struct QueueDoor<F> {
    queue: CompletionQueue,
    event: F,
}

impl<T, F: Fn(T) -> Event + Send + Sync> Complete<T> for QueueDoor<F> {
    fn complete(&self, outcome: T, deferred: &mut Deferred) {
        self.queue.clone().put((self.event)(outcome), deferred);
    }
}

impl Shared {
    /// Adds an event without waking anyone. `true`: the caller owes the queue a wake-up.
    fn push(&self, event: Event) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            drop(event);
            return false;
        }
        state.events.push_back(event);
        !std::mem::replace(&mut state.wake_owed, true)
    }
}

/// These are the code of whoever waits: a panic of one is no other's concern.
fn wake_all(wakers: Vec<Waker>) {
    for waker in wakers {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            drop(panic_text(panic));
        }
    }
}

impl Wake for Shared {
    fn wake(&self) {
        let mut state = self.state.lock();
        state.wake_owed = false;
        state.settle_descriptor();
        let (pollers, waiting) = (state.pollers, state.events.len());
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wake_all(wakers);
        if pollers > 1 && waiting > 1 {
            self.arrived.notify_all();
        } else if pollers > 0 {
            self.arrived.notify_one();
        }
    }
}

impl HearsOfRoom for Shared {
    fn has_room(&self, producer: ProducerTag) {
        if self.push(Event::Writable { producer }) {
            self.wake();
        }
    }
}

impl State {
    /// Whether a poll waits.
    fn has_nothing(&self) -> bool {
        self.events.is_empty() && !self.closed && !self.rung
    }
}

impl Default for CompletionQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CompletionQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionQueue").field("len", &self.len()).finish()
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
