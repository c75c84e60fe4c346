//! Sends that go out together.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::{Deferred, Gathered};
use crate::sys;

/// Of more lanes than this a burst's end tells none: they end their gatherings by themselves.
const MOST_LANES: usize = 4096;

/// Sends that one caller makes one after the other: their requests go to the network together, which takes fewer system
/// calls and wakes the I/O thread once. See [`Producer::send_in_burst`](crate::Producer::send_in_burst).
///
/// They go when [`Burst::send_now`] says so or the burst is dropped; when they are much; and in any case about a millisecond
/// after the first of them, so nothing is lost where the end is never told. Other sends, and waiting for room, may take them
/// along. Any thread, one at a time. A child made by `fork` leaves what its parent gathered alone.
pub struct Burst {
    /// Where messages of the burst wait for each other.
    lanes: Vec<Arc<dyn Gathered>>,
    /// Where requests of the burst wait to be written.
    channels: Vec<Arc<dyn Gathered>>,
    generation: u64,
}

impl Burst {
    /// What a burst brought goes by itself so long after it came.
    pub(crate) const TIME: Duration = Duration::from_millis(1);

    /// A message with less time than this left is not gathered.
    pub(crate) const IN_TIME: Duration = Duration::from_millis(20);

    /// What was sent so far goes now.
    pub fn send_now(&mut self) {
        drop(Deferred::in_burst(self.take()));
    }

    /// The burst so far; what follows makes another.
    pub(crate) fn take(&mut self) -> Self {
        let mut burst = mem::take(self);
        if sys::is_forked(burst.generation) {
            // The parent's lanes and connections, whose locks may be held for ever.
            mem::forget(mem::take(&mut burst.lanes));
            mem::forget(mem::take(&mut burst.channels));
            burst.generation = sys::fork_generation();
        }
        burst
    }

    /// A message waits in this lane.
    pub(super) fn add_lane(&mut self, lane: Arc<dyn Gathered>) {
        // Messages to one lane often follow each other; a lane that is told twice has nothing to do the second time.
        if !self.lanes.last().is_some_and(|last| Arc::ptr_eq(last, &lane)) && self.lanes.len() < MOST_LANES {
            self.lanes.push(lane);
        }
    }

    /// A request waits at this channel.
    pub(super) fn add_channel(&mut self, channel: &Arc<impl Gathered + 'static>) {
        if !self.channels.iter().any(|known| std::ptr::addr_eq(Arc::as_ptr(known), Arc::as_ptr(channel))) {
            self.channels.push(Arc::clone(channel) as _);
        }
    }

    pub(super) fn take_lane(&mut self) -> Option<Arc<dyn Gathered>> {
        self.lanes.pop()
    }

    pub(super) fn take_channel(&mut self) -> Option<Arc<dyn Gathered>> {
        self.channels.pop()
    }

    fn is_empty(&self) -> bool {
        self.lanes.is_empty() && self.channels.is_empty()
    }
}

impl Default for Burst {
    fn default() -> Self {
        Self { lanes: Vec::new(), channels: Vec::new(), generation: sys::fork_generation() }
    }
}

impl Drop for Burst {
    fn drop(&mut self) {
        if !self.is_empty() {
            self.send_now();
        }
    }
}

impl fmt::Debug for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Burst").finish_non_exhaustive()
    }
}
