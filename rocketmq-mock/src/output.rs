//! What a connection still owes its client.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::fault::FaultId;

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
    /// In the order they were made, with the rules that hold them.
    held: Vec<(FaultId, Vec<u8>)>,
}

impl Output {
    /// Sends a frame later, in order of time.
    pub(crate) fn delay(&mut self, frame: Vec<u8>, until: Instant) {
        self.delayed.insert((until, self.delayed_count), frame);
        self.delayed_count += 1;
    }

    /// Sends a frame when its rule is [released](Output::release).
    pub(crate) fn hold(&mut self, rule: FaultId, frame: Vec<u8>) {
        self.held.push((rule, frame));
    }

    /// Sends what a rule holds, or what any holds.
    pub(crate) fn release(&mut self, rule: Option<FaultId>) {
        for (_, frame) in self.held.extract_if(.., |(holder, _)| rule.is_none_or(|rule| rule == *holder)) {
            self.bytes.extend_from_slice(&frame);
        }
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
