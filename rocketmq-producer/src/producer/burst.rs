//! Sends that go out together.

use crate::completion::Wakes;

/// Sends whose requests go to the network together, which takes fewer system calls and wakes the I/O thread once. They go
/// when this is told to or dropped; earlier when they are many.
pub struct Burst(pub(super) Wakes);

impl Burst {
    /// What was sent so far goes now.
    pub fn go(&mut self) {
        self.0.flush();
    }
}

impl Default for Burst {
    fn default() -> Self {
        Self(Wakes::gathering())
    }
}

impl std::fmt::Debug for Burst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Burst").finish_non_exhaustive()
    }
}
