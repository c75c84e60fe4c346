//! The time that a benchmark may take.

use std::time::{Duration, Instant};

/// A quick benchmark leaves out what would not end in time; every other one takes the time it needs.
pub(super) struct Budget {
    end: Option<Instant>,
    /// The longest step so far: the next one is taken to be as long.
    longest: Duration,
    left_out: usize,
}

impl Budget {
    /// From here to its table. What remains of three minutes is for a step that takes longer than any before.
    const QUICK: Duration = Duration::from_secs(160);

    pub(super) fn new(quick: bool) -> Budget {
        Budget::until(quick.then(|| Instant::now() + Budget::QUICK))
    }

    fn until(end: Option<Instant>) -> Budget {
        Budget { end, longest: Duration::ZERO, left_out: 0 }
    }

    /// Takes a step; `None` when there is no time left for one.
    pub(super) fn spend<T>(&mut self, step: impl FnOnce() -> T) -> Option<T> {
        let start = Instant::now();
        if self.end.is_some_and(|end| start + self.longest > end) {
            self.left_out += 1;
            return None;
        }
        let done = step();
        self.longest = self.longest.max(start.elapsed());
        Some(done)
    }

    /// Steps that were not taken.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_too_late_is_left_out() {
        let mut unlimited = Budget::new(false);
        assert_eq!(unlimited.spend(|| 1), Some(1));
        let mut over = Budget::until(Some(Instant::now()));
        assert_eq!(over.spend(|| 1), None, "the end is now");
        assert_eq!((unlimited.left_out(), over.left_out()), (0, 1));
        let mut quick = Budget::new(true);
        assert_eq!(quick.spend(|| 1), Some(1));
        quick.longest = Budget::QUICK;
        assert_eq!(quick.spend(|| 1), None, "another such step would end too late");
    }
}
