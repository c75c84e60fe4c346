//! What a connection still owes its client.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// What becomes of a connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Goes on.
    Continue,
    /// Closed in good order, after what was answered before.
    Close,
    /// Reset, after what was answered before.
    Reset,
}

/// Answers on their way out.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    sent: usize,
    delayed: BTreeMap<(Instant, u64), Vec<u8>>,
    delayed_count: u64,
}

impl Output {
    /// Sends a frame later, in order of time.
    pub(crate) fn delay(&mut self, frame: Vec<u8>, until: Instant) {
        self.delayed.insert((until, self.delayed_count), frame);
        self.delayed_count += 1;
    }

    pub(crate) fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.delayed.keys().next().map(|(due, _)| *due)
    }

    pub(crate) fn take_due(&mut self, now: Instant) {
        while let Some(entry) = self.delayed.first_entry().filter(|entry| entry.key().0 <= now) {
            self.bytes.extend_from_slice(&entry.remove());
        }
    }

    pub(crate) fn note_sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.bytes.len() {
            self.sent = 0;
            self.bytes.clear();
        }
    }
}
