//! Counters for many writers, laid out so that threads do not write each other's cache lines.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::error::ErrorCode;

/// Two lines of 64 bytes, which processors fetch as a pair.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

/// How many threads can add to one [`Striped`] without sharing a cache line.
const LANES: usize = 8;

static NEXT_LANE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static LANE: usize = NEXT_LANE.fetch_add(1, Ordering::Relaxed) % LANES;
}

/// `N` counters that each thread adds to in a lane of its own.
#[derive(Debug)]
pub(super) struct Striped<const N: usize>([Padded<[AtomicU64; N]>; LANES]);

impl<const N: usize> Default for Striped<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Padded(std::array::from_fn(|_| AtomicU64::new(0)))))
    }
}

impl<const N: usize> Striped<N> {
    pub(super) fn add(&self, amounts: [u64; N]) {
        let lane = LANE.with(|lane| *lane);
        for (counter, amount) in self.0[lane].0.iter().zip(amounts) {
            counter.fetch_add(amount, Ordering::Relaxed);
        }
    }

    pub(super) fn sums(&self) -> [u64; N] {
        let sum = |index: usize| self.0.iter().map(|lane| lane.0[index].load(Ordering::Relaxed)).sum();
        std::array::from_fn(sum)
    }

    /// The sums so far; the counters begin anew.
    pub(super) fn take(&self) -> [u64; N] {
        let take = |index: usize| self.0.iter().map(|lane| lane.0[index].swap(0, Ordering::Relaxed)).sum();
        std::array::from_fn(take)
    }
}

/// Counts something that ends a send. Who sees the count sees all that was counted for the send before.
#[derive(Debug, Default)]
pub(super) struct OutcomeCounter(AtomicU64);

impl OutcomeCounter {
    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Release);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

const CODES: usize = ErrorCode::ALL.len();

/// One [`OutcomeCounter`] per kind of error.
#[derive(Debug, Default)]
pub(super) struct CodeCounters([OutcomeCounter; CODES]);

impl CodeCounters {
    pub(super) fn add(&self, code: ErrorCode, amount: u64) {
        self.0[position(code)].add(amount);
    }

    pub(super) fn counts(&self) -> CodeCounts {
        CodeCounts(std::array::from_fn(|position| self.0[position].get()))
    }
}

/// A count for each kind of error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeCounts([u64; CODES]);

impl CodeCounts {
    /// The count of one kind.
    pub fn get(&self, code: ErrorCode) -> u64 {
        self.0[position(code)]
    }

    /// All kinds together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every kind there is with its count, zeros included, in the order of [`ErrorCode::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (ErrorCode, u64)> {
        ErrorCode::ALL.iter().copied().zip(self.0)
    }
}

/// Codes are numbered from 1 without gaps.
const fn position(code: ErrorCode) -> usize {
    code as usize - 1
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn every_code_has_its_own_counter() {
        let counters = CodeCounters::default();
        for (amount, code) in (1..).zip(ErrorCode::ALL) {
            counters.add(*code, amount);
        }
        let counts = counters.counts();
        for (amount, (code, count)) in (1..).zip(counts.iter()) {
            assert_eq!((count, counts.get(code)), (amount, amount), "{}", code.name());
        }
        assert_eq!(counts.iter().count(), ErrorCode::ALL.len());
        let kinds = ErrorCode::ALL.len() as u64;
        assert_eq!(counts.total(), kinds * (kinds + 1) / 2);
    }

    #[test]
    fn what_threads_add_in_their_lanes_is_summed() {
        let counters = Striped::<2>::default();
        thread::scope(|scope| {
            for _ in 0..LANES + 3 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        counters.add([1, 7]);
                    }
                });
            }
        });
        let threads = LANES as u64 + 3;
        assert_eq!(counters.sums(), [threads * 1000, threads * 7000]);
    }

    #[test]
    fn lanes_share_no_cache_line() {
        assert_eq!(size_of::<Padded<[AtomicU64; 2]>>(), 128);
        assert_eq!(align_of::<Striped<1>>(), 128);
    }
}
