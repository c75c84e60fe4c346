//! Latencies in buckets: linear within each power of two, so that the error is relative to the value.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Each power of two is cut into 2^4 buckets. A value is known by the middle of its bucket, at most 1/32 away.
const SUB_BITS: u32 = 4;
const SUB_BUCKETS: u64 = 1 << SUB_BITS;

/// The range, in microseconds: what is outside counts as the nearer end.
const MIN: u64 = 1;
const MAX: u64 = 3_600_000_000;

const BUCKETS: usize = bucket_of(MAX) + 1;

/// Counts latencies from 1 µs to 1 h in fixed memory (3.6 KB).
#[derive(Debug)]
pub(super) struct Histogram {
    sum: AtomicU64,
    max: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            sum: AtomicU64::new(0),
            max: AtomicU64::new(0),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Histogram {
    /// Counts the latency that many times.
    pub(super) fn record(&self, latency: Duration, times: u64) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(MAX).clamp(MIN, MAX);
        self.sum.fetch_add(micros * times, Ordering::Relaxed);
        // Nearly never a new maximum: the look is cheaper than the write.
        if self.max.load(Ordering::Relaxed) < micros {
            self.max.fetch_max(micros, Ordering::Relaxed);
        }
        // Last, and seen only with all before it: no count without its sum, nor before the send was accepted.
        self.buckets[bucket_of(micros)].fetch_add(times, Ordering::Release);
    }

    pub(super) fn reset(&self) {
        for counter in self.buckets.iter().chain([&self.sum, &self.max]) {
            counter.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn summary(&self) -> LatencyStats {
        let counts: [u64; BUCKETS] = std::array::from_fn(|index| self.buckets[index].load(Ordering::Acquire));
        let count: u64 = counts.iter().sum();
        let max = self.max.load(Ordering::Relaxed);
        let percentile = |permille: u64| {
            let rank = (count * permille).div_ceil(1000);
            let mut seen = 0;
            let reached = counts.iter().position(|count| {
                seen += count;
                seen > 0 && seen >= rank
            });
            Duration::from_micros(reached.map_or(0, |bucket| middle_of(bucket).min(max)))
        };
        LatencyStats {
            count,
            sum: Duration::from_micros(self.sum.load(Ordering::Relaxed)),
            p50: percentile(500),
            p90: percentile(900),
            p99: percentile(990),
            p999: percentile(999),
            max: Duration::from_micros(max),
        }
    }
}

/// Values below two times `SUB_BUCKETS` have a bucket each.
const fn bucket_of(micros: u64) -> usize {
    let shift = (micros | SUB_BUCKETS).ilog2() - SUB_BITS;
    (shift as u64 * SUB_BUCKETS + (micros >> shift)) as usize
}

/// The lowest value that goes into a bucket, and how many values do.
const fn range_of(bucket: usize) -> (u64, u64) {
    let bucket = bucket as u64;
    let shift = (bucket / SUB_BUCKETS).saturating_sub(1);
    ((bucket - shift * SUB_BUCKETS) << shift, 1 << shift)
}

const fn middle_of(bucket: usize) -> u64 {
    let (lowest, width) = range_of(bucket);
    lowest + (width - 1) / 2
}

/// A summary of latencies: all zero while nothing was recorded.
///
/// Percentiles are at most 3.2 % away from the exact ones; the other values are exact. Latencies are counted in
/// whole microseconds, from 1 µs to 1 h; a shorter or longer one counts as these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LatencyStats {
    /// How many latencies were recorded.
    pub count: u64,
    /// All of them together.
    pub sum: Duration,
    /// Half of them were no longer than this.
    pub p50: Duration,
    /// 90 % of them were no longer than this.
    pub p90: Duration,
    /// 99 % of them were no longer than this.
    pub p99: Duration,
    /// 99.9 % of them were no longer than this.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
}

impl LatencyStats {
    /// The arithmetic mean.
    pub fn mean(&self) -> Duration {
        let nanos = self.sum.as_nanos().checked_div(u128::from(self.count)).unwrap_or(0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gap_up_to_an_hour() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            let (lowest, width) = range_of(bucket);
            assert_eq!(lowest, next, "bucket {bucket}");
            next += width;
            assert!((lowest..next).contains(&middle_of(bucket)));
            assert_eq!((bucket_of(lowest), bucket_of(next - 1)), (bucket, bucket));
        }
        assert!(next > MAX);
    }

    #[test]
    fn nothing_recorded_is_all_zero() {
        let empty = Histogram::default().summary();
        assert_eq!(empty, LatencyStats::default());
        assert_eq!(empty.mean(), Duration::ZERO);
    }

    #[test]
    fn what_is_out_of_range_counts_as_the_nearer_end() {
        let histogram = Histogram::default();
        histogram.record(Duration::ZERO, 1);
        histogram.record(Duration::MAX, 1);
        let summary = histogram.summary();
        assert_eq!((summary.count, summary.p50), (2, Duration::from_micros(MIN)));
        assert_eq!((summary.max, summary.sum), (Duration::from_hours(1), Duration::from_micros(MIN + MAX)));
        assert!(summary.p999 <= summary.max, "no percentile is above the longest");
    }

    #[test]
    fn once_with_a_count_is_as_often_without() {
        let (once, often) = (Histogram::default(), Histogram::default());
        once.record(Duration::from_micros(777), 32);
        for _ in 0..32 {
            often.record(Duration::from_micros(777), 1);
        }
        assert_eq!(once.summary(), often.summary());
    }

    /// As many short ones as long ones, whatever the scale.
    fn latency() -> impl Strategy<Value = u64> {
        (0u32..32, any::<u64>())
            .prop_map(|(bits, random)| ((1 << bits) | (random & ((1 << bits) - 1))).min(MAX))
    }

    proptest! {
        #[test]
        fn percentiles_are_near_the_exact_ones(mut values in prop::collection::vec(latency(), 1..3000)) {
            let histogram = Histogram::default();
            for value in &values {
                histogram.record(Duration::from_micros(*value), 1);
            }
            let summary = histogram.summary();
            values.sort_unstable();
            let sum: u64 = values.iter().sum();
            prop_assert_eq!(summary.count, values.len() as u64);
            prop_assert_eq!(summary.sum, Duration::from_micros(sum));
            prop_assert_eq!(summary.max, Duration::from_micros(*values.last().expect("not empty")));
            let mean = sum as f64 / values.len() as f64;
            prop_assert!((summary.mean().as_secs_f64() * 1e6 - mean).abs() <= 0.001 + mean * 1e-9);
            for (permille, got) in
                [(500, summary.p50), (900, summary.p90), (990, summary.p99), (999, summary.p999)]
            {
                let rank = (values.len() * permille).div_ceil(1000);
                let exact = values[rank - 1];
                let off = exact.abs_diff(u64::try_from(got.as_micros()).expect("at most an hour"));
                prop_assert!(off * 1000 <= exact * 32, "{permille}: {got:?} for {exact} µs");
            }
        }
    }
}
