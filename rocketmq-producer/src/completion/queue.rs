//! The completion queue: reports in, one lock, three ways out.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use crate::sync::{Condvar, Mutex};

use super::Report;
use crate::deferred::Wake;
use crate::error::{Error, ErrorCode};
use crate::sys::{EventFd, Moment};

/// A queue of reports, shared by any number of producers and pollers. Clones are handles of the same queue.
#[derive(Clone)]
pub struct CompletionQueue(pub(super) Arc<Shared>);

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    reports: VecDeque<Report>,
    /// A wake-up for the reports that lie here is owed, or was given and not yet used.
    wake_owed: bool,
    pollers: usize,
    /// The delivery thread is to tell that there is room again.
    writable: bool,
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

    /// Moves up to `max` reports to the end of `out` and says how many. Waits up to `timeout` for the first;
    /// returns 0 at the timeout, for a [`Self::ring`], or when the queue is closed. Any thread.
    pub fn poll(&self, out: &mut Vec<Report>, max: usize, timeout: Duration) -> usize {
        let deadline = Moment::now().checked_add(timeout);
        let mut state = self.0.state.lock();
        while state.reports.is_empty() && !state.closed && !state.rung {
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
        state.rung = false;
        state.take(out, max)
    }

    /// Whether nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.0.state.lock().closed
    }

    /// Takes everything that is there, waiting for the first report or a [`Self::tell_writable`], and says whether that
    /// came; `None` when closed and empty.
    pub(super) fn take_all(&self, into: &mut VecDeque<Report>) -> Option<bool> {
        let mut state = self.0.state.lock();
        while state.reports.is_empty() && !state.writable {
            if state.closed {
                return None;
            }
            state.pollers += 1;
            self.0.arrived.wait(&mut state);
            state.pollers -= 1;
        }
        std::mem::swap(&mut state.reports, into);
        state.wake_owed = false;
        state.settle_descriptor();
        Some(std::mem::take(&mut state.writable))
    }

    /// Lets the delivery thread of this queue tell that there is room again; nobody else hears of it.
    pub fn tell_writable(&self) {
        self.0.state.lock().writable = true;
        self.0.arrived.notify_all();
    }

    /// Ends one poll without a report, one under way or the next: something else has happened that whoever polls
    /// wants to hear of. The descriptor is readable until then.
    pub fn ring(&self) {
        let mut state = self.0.state.lock();
        state.rung = true;
        state.settle_descriptor();
        drop(state);
        self.0.arrived.notify_one();
    }

    /// A descriptor that is readable while reports wait in the queue (level-triggered; a batch of reports
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

    /// How many reports wait.
    pub fn len(&self) -> usize {
        self.0.state.lock().reports.len()
    }

    /// Whether no report waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the queue: pollers wake, reports still there can be taken, later ones are dropped.
    pub fn close(&self) {
        self.0.state.lock().closed = true;
        self.0.arrived.notify_all();
    }

    /// Ends the queue for good: as [`Self::close`], and the reports that wait are dropped, their part of the
    /// bounds given back, and the descriptor closed. Sends in flight keep only the memory of the queue.
    pub fn end(&self) {
        let mut state = self.0.state.lock();
        state.closed = true;
        let ended = (std::mem::take(&mut state.reports), state.descriptor.take());
        drop(state);
        self.0.arrived.notify_all();
        // Outside the lock: a report that is dropped may wake those who wait for room.
        drop(ended);
    }

    /// Adds a report without waking anyone. `true`: the caller owes the queue a wake-up.
    pub(super) fn push(&self, report: Report) -> bool {
        let mut state = self.0.state.lock();
        if state.closed {
            drop(state);
            drop(report);
            return false;
        }
        state.reports.push_back(report);
        !std::mem::replace(&mut state.wake_owed, true)
    }
}

impl Wake for Shared {
    fn wake(&self) {
        let mut state = self.state.lock();
        state.wake_owed = false;
        state.settle_descriptor();
        let pollers = state.pollers;
        let waiting = state.reports.len();
        drop(state);
        if pollers > 1 && waiting > 1 {
            self.arrived.notify_all();
        } else if pollers > 0 {
            self.arrived.notify_one();
        }
    }
}

impl State {
    fn take(&mut self, out: &mut Vec<Report>, max: usize) -> usize {
        let count = self.reports.len().min(max);
        out.extend(self.reports.drain(..count));
        self.settle_descriptor();
        count
    }

    /// Makes the descriptor readable exactly when a poll would not wait.
    fn settle_descriptor(&mut self) {
        let wanted = !self.reports.is_empty() || self.rung;
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
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

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
