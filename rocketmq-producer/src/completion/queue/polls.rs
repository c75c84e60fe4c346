//! The ways out of a queue: who takes events, and who sleeps until there are some.
//!
//! | who | takes | sleeps by |
//! | --- | --- | --- |
//! | a poll | some, the oldest first | the condition variable |
//! | a delivery thread | all that is there | the condition variable |
//! | a blocking call for several sends | the outcomes of its own | polls |
//! | whoever has means of its own | by a poll that does not wait | its waker, or the descriptor |

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use super::CompletionQueue;
use crate::completion::{Event, LAST_RESORT, Outcome, overdue};
use crate::sys::Moment;

impl CompletionQueue {
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
    pub(in crate::completion) fn take_all(&self, into: &mut VecDeque<Event>) -> bool {
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
}
