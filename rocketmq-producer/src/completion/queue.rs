//! The completion queue: events in, one lock, three ways out.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::sync::{Condvar, Mutex};

use super::{Complete, Event, LAST_RESORT, Outcome, overdue};
use crate::deferred::{Deferred, Wake};
use crate::error::{Error, ErrorCode};
use crate::flow::{HearsOfRoom, ProducerTag};
use crate::sys::{EventFd, Moment};
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

/// The descriptor and whether it is readable now.
struct Descriptor {
    event: EventFd,
    signalled: bool,
}

impl CompletionQueue {
    /// An empty queue.
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Moves up to `max` events to the end of `out`, oldest first, and says how many. Waits up to `timeout` for the first
    /// (zero: not at all); returns 0 at the timeout, for a [`Self::ring`], or when the queue is closed. Any thread.
    pub fn poll(&self, out: &mut Vec<Event>, max: usize, timeout: Duration) -> usize {
        let mut state = self.0.state.lock();
        if state.has_nothing() && !timeout.is_zero() {
            let deadline = Moment::now().checked_add(timeout);
            while state.has_nothing() {
                state.pollers += 1;
                let timed_out = match deadline {
                    Some(deadline) => self.0.arrived.wait_until(&mut state, deadline).timed_out(),
                    None => {
                        self.0.arrived.wait(&mut state);
                        false
                    }
                };
                state.pollers -= 1;
                if timed_out {
                    break;
                }
            }
        }
        state.rung = false;
        let count = state.events.len().min(max);
        out.extend(state.events.drain(..count));
        state.settle_descriptor();
        count
    }

    /// Has the waker woken, once, when there is something to poll, or the queue is closed or rung. `false`: it is so now, and
    /// the waker is not taken. For those that sleep by means of their own: all of them are woken, so that one that is gone
    /// takes nobody's turn.
    pub fn wake_when_ready(&self, waker: &Waker) -> bool {
        let mut state = self.0.state.lock();
        let waits = state.has_nothing();
        if waits && !state.wakers.iter().any(|known| known.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        waits
    }

    /// This waker waits no more, if it does.
    pub fn sleep_no_more(&self, waker: &Waker) {
        self.0.state.lock().wakers.retain(|known| !known.will_wake(waker));
    }

    /// Whether nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.0.state.lock().closed
    }

    /// Waits for the outcomes of sends, of which `outcomes` has the places and the tags the numbers of these. The engine
    /// completes each by the deadline; one that comes later than the last resort is nobody's.
    pub(crate) fn wait_for(
        &self,
        mut outcomes: Vec<Option<Outcome>>,
        deadline: Moment,
    ) -> impl Iterator<Item = Outcome> + use<> {
        let (mut missing, mut events) = (outcomes.len(), Vec::new());
        let mut until = deadline;
        while missing > 0 {
            if self.poll(&mut events, missing, until.since(Moment::now())) == 0 {
                if until > deadline {
                    break;
                }
                // From now on: the whole process may have been stopped.
                until = Moment::now() + LAST_RESORT;
            }
            for report in events.drain(..).filter_map(Event::into_report) {
                if let Some(place) = outcomes.get_mut(report.tag.0) {
                    missing -= usize::from(place.replace(report.result).is_none());
                }
            }
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(overdue())))
    }

    /// For a delivery thread: takes everything that is there, waiting for the first event; `false` when closed and empty.
    pub(super) fn take_all(&self, into: &mut VecDeque<Event>) -> bool {
        let mut state = self.0.state.lock();
        while state.events.is_empty() {
            if state.closed {
                return false;
            }
            state.pollers += 1;
            self.0.arrived.wait(&mut state);
            state.pollers -= 1;
        }
        std::mem::swap(&mut state.events, into);
        state.taken += into.len() as u64;
        state.wake_owed = false;
        state.settle_descriptor();
        true
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

    /// A descriptor that is readable while events wait in the queue (level-triggered; a batch of events
    /// makes it readable once). It belongs to the queue: wait on it, never read or close it.
    ///
    /// # Errors
    /// `SYSTEM` when the process is out of descriptors; `CLOSED` after [`Self::close`] or [`Self::end`].
    pub fn fd(&self) -> Result<RawFd, Error> {
        let mut state = self.0.state.lock();
        if let Some(descriptor) = &state.descriptor {
            return Ok(descriptor.event.as_raw_fd());
        }
        if state.closed {
            return Err(Error::closed());
        }
        let event = EventFd::new().map_err(|cause| {
            Error::new(ErrorCode::System, format!("no descriptor for the completion queue: {cause}"))
                .with_source(cause)
        })?;
        let fd = event.as_raw_fd();
        state.descriptor = Some(Descriptor { event, signalled: false });
        state.settle_descriptor();
        Ok(fd)
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

    /// Makes the descriptor readable exactly when a poll would not wait.
    fn settle_descriptor(&mut self) {
        let wanted = !self.events.is_empty() || self.rung;
        if let Some(descriptor) = &mut self.descriptor
            && descriptor.signalled != wanted
        {
            if wanted {
                descriptor.event.signal();
            } else {
                descriptor.event.clear();
            }
            descriptor.signalled = wanted;
        }
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
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::super::{Completion, Tag};
    use super::*;
    use crate::flow::Bounds;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn outcomes_that_never_come_are_overdue_and_the_others_keep_theirs() {
        let queue = CompletionQueue::new();
        let bounds = Arc::new(Bounds::new(10, 10));
        let complete = |index, error| {
            let share = bounds.try_take(1, 0).expect("room");
            let completion = Completion::Queue(queue.clone(), Tag(index, 0));
            completion.complete(Err(error), share, &mut Deferred::default());
        };
        complete(1, Error::closed());
        queue.0.has_room(0);
        let codes =
            queue.wait_for(vec![None, None], Moment::now()).map(|outcome| outcome.expect_err("none").code());
        assert_eq!(codes.collect::<Vec<_>>(), [ErrorCode::Timeout, ErrorCode::Closed]);
        // What comes later is nobody's.
        complete(0, Error::closed());
        assert_eq!((queue.len(), bounds.messages()), (1, 1));
        queue.end();
        assert_eq!(bounds.messages(), 0);
    }

    #[test]
    fn a_waker_that_panics_takes_nobody_elses_turn() {
        struct Panics;
        impl std::task::Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("a waker of the test's");
            }
        }
        struct Counts(std::sync::atomic::AtomicUsize);
        impl std::task::Wake for Counts {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let queue = CompletionQueue::new();
        let counts = Arc::new(Counts(std::sync::atomic::AtomicUsize::new(0)));
        for waker in [Waker::from(Arc::new(Panics)), Waker::from(Arc::clone(&counts))] {
            assert!(queue.wake_when_ready(&waker));
        }
        let gone = Waker::from(Arc::new(Panics));
        assert!(queue.wake_when_ready(&gone));
        queue.sleep_no_more(&gone);
        queue.ring();
        assert_eq!(counts.0.load(std::sync::atomic::Ordering::SeqCst), 1);
    }

    #[test]
    fn a_ring_ends_one_poll_that_comes_or_is_there() {
        let queue = CompletionQueue::new();
        queue.ring();
        queue.ring();
        assert_eq!(queue.poll(&mut Vec::new(), 1, LONG), 0);
        let waiting = std::thread::spawn({
            let queue = queue.clone();
            move || queue.poll(&mut Vec::new(), 1, LONG)
        });
        while queue.0.state.lock().pollers == 0 {
            std::thread::yield_now();
        }
        queue.ring();
        assert_eq!(waiting.join().expect("no panic"), 0);
        assert!(!queue.0.state.lock().rung);
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn who_sleeps_elsewhere_is_woken_once_by_whatever_ends_a_poll() {
        let tell: fn(&CompletionQueue) = |queue| queue.0.has_room(0);
        for end in [tell, CompletionQueue::ring, CompletionQueue::close, CompletionQueue::end] {
            let queue = CompletionQueue::new();
            let (first, second) = (Arc::<Woken>::default(), Arc::<Woken>::default());
            assert!(queue.wake_when_ready(&Arc::clone(&first).into()));
            assert!(queue.wake_when_ready(&Arc::clone(&first).into()));
            assert!(queue.wake_when_ready(&Arc::clone(&second).into()));
            end(&queue);
            assert!(!queue.wake_when_ready(&Arc::clone(&first).into()), "there is something");
            end(&queue);
            assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (1, 1));
            assert_eq!(Arc::strong_count(&first), 1, "and is known no more");
        }
    }

    #[test]
    fn the_descriptor_is_readable_from_the_ring_to_the_poll() {
        let queue = CompletionQueue::new();
        queue.ring();
        queue.fd().expect("a descriptor");
        let is_readable =
            || queue.0.state.lock().descriptor.as_ref().is_some_and(|descriptor| descriptor.signalled);
        assert!(is_readable());
        queue.poll(&mut Vec::new(), 1, LONG);
        assert!(!is_readable());
        queue.ring();
        assert!(is_readable());
    }
}
