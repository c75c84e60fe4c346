//! Sends that go out together.

use std::fmt;
use std::mem;

use crate::deferred::{Deferred, Gathering};
use crate::sys;

/// Sends that one caller makes one after the other: their requests go to the network together, which takes fewer system
/// calls and wakes the I/O thread once. See [`Producer::send_in_burst`](super::Producer::send_in_burst).
///
/// They go when [`Burst::go`] says so or the burst is dropped; when they are much; and in any case about a millisecond after
/// the first of them, so nothing is lost where the end is never told. Other sends, and waiting for room, may take them
/// along. Any thread, one at a time. A child made by `fork` leaves what its parent gathered alone.
pub struct Burst {
    gathering: Gathering,
    generation: u64,
}

impl Burst {
    /// What was sent so far goes now.
    pub fn go(&mut self) {
        drop(Deferred::gathering(self.take()));
    }

    pub(crate) fn take(&mut self) -> Gathering {
        if sys::is_forked(self.generation) {
            // The parent's lanes and connections, whose locks may be held for ever.
            mem::forget(mem::take(&mut self.gathering));
            self.generation = sys::fork_generation();
        }
        mem::take(&mut self.gathering)
    }

    pub(crate) fn go_on(&mut self, gathering: Gathering) {
        self.gathering = gathering;
    }
}

impl Default for Burst {
    fn default() -> Self {
        Self { gathering: Gathering::default(), generation: sys::fork_generation() }
    }
}

impl Drop for Burst {
    fn drop(&mut self) {
        self.go();
    }
}

impl fmt::Debug for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Burst").finish_non_exhaustive()
    }
}
