//! Whether a topic takes wire batches, learned from the answers.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use crate::sync::Mutex;
use crate::sys::Moment;

/// Refused batches in a row after which a topic gets none for a while: it costs less to send singles at once than to send
/// them after a refusal.
const MAX_REFUSED: u32 = 3;

/// How long a topic gets no batches then. What the broker did not like, or its trouble, may be over afterwards.
const PAUSE: Duration = Duration::from_secs(60);

/// In place of a count of refusals: the topic never gets a batch again.
const ENDED: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct BatchSupport {
    /// Batches refused since the last one that was stored.
    refused: AtomicU32,
    paused_until: Mutex<Option<Moment>>,
}

impl BatchSupport {
    /// Whether the topic may get another batch.
    pub(crate) fn are_welcome(&self) -> bool {
        match self.refused.load(Relaxed) {
            ENDED => false,
            count => count < MAX_REFUSED || !self.is_paused(Moment::now()),
        }
    }

    fn is_paused(&self, now: Moment) -> bool {
        self.paused_until.lock().is_some_and(|until| now < until)
    }

    pub(crate) fn stored(&self) {
        if (1..ENDED).contains(&self.refused.load(Relaxed)) {
            self.refused.store(0, Relaxed);
        }
    }

    pub(crate) fn refused(&self) {
        self.refused_at(Moment::now());
    }

    fn refused_at(&self, now: Moment) {
        let counted = self
            .refused
            .fetch_update(Relaxed, Relaxed, |count| (count < ENDED).then(|| (count + 1).min(MAX_REFUSED)));
        if counted.is_ok_and(|before| before + 1 >= MAX_REFUSED) {
            *self.paused_until.lock() = Some(now + PAUSE);
        }
    }

    /// Batches are not for this topic at all: its broker stores each as one record, or does not know them.
    pub(crate) fn end(&self) {
        self.refused.store(ENDED, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_a_row_pause_the_batches_of_a_topic() {
        let (trials, now) = (BatchSupport::default(), Moment::now());
        for _ in 0..10 {
            trials.refused_at(now);
            trials.refused_at(now);
            trials.stored();
        }
        assert!(trials.are_welcome());
        for _ in 0..MAX_REFUSED {
            trials.refused_at(now);
        }
        assert!(!trials.are_welcome());
        assert!(trials.is_paused(now + PAUSE / 2) && !trials.is_paused(now + PAUSE));
        // The next trial fails too, and the one after it does not.
        trials.refused_at(now + PAUSE);
        assert!(trials.is_paused(now + PAUSE + PAUSE / 2));
        trials.stored();
        assert!(trials.are_welcome());
    }

    #[test]
    fn what_knows_no_batches_never_gets_one_again() {
        let trials = BatchSupport::default();
        trials.end();
        trials.stored();
        trials.refused_at(Moment::now());
        assert!(!trials.are_welcome());
    }
}
