//! Whether a topic takes wire batches, learned from the answers.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// So many refused batches in a row, and the topic gets none any more.
const MAX_REFUSED: u32 = 3;

/// The refusals since the last batch that was stored.
#[derive(Debug, Default)]
pub(crate) struct BatchTrials(AtomicU32);

impl BatchTrials {
    /// Whether another batch may be tried.
    pub(crate) fn are_welcome(&self) -> bool {
        self.0.load(Relaxed) < MAX_REFUSED
    }

    pub(crate) fn stored(&self) {
        if self.0.load(Relaxed) > 0 && self.are_welcome() {
            self.0.store(0, Relaxed);
        }
    }

    pub(crate) fn refused(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Batches are not for this topic at all: its broker stores each as one record, or does not know them.
    pub(crate) fn end(&self) {
        self.0.store(MAX_REFUSED, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_a_row_end_the_batches_of_a_topic() {
        let trials = BatchTrials::default();
        for _ in 0..10 {
            trials.refused();
            trials.refused();
            trials.stored();
        }
        assert!(trials.are_welcome());
        for _ in 0..MAX_REFUSED {
            trials.refused();
        }
        trials.stored();
        assert!(!trials.are_welcome(), "for good");
        let other = BatchTrials::default();
        other.end();
        assert!(!other.are_welcome());
    }
}
