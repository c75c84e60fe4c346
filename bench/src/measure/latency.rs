//! Latency percentiles.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) samples: u64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) max_us: f64,
}

/// Collects latencies of 1 ns to 60 s with three significant digits.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    const LONGEST: u64 = 60_000_000_000;

    pub(crate) fn new() -> Result<Latencies, crate::Failure> {
        Ok(Latencies(Histogram::new_with_bounds(1, Latencies::LONGEST, 3)?))
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(Latencies::LONGEST);
        self.0.saturating_record(nanoseconds.max(1));
    }

    /// Takes over what `other` has.
    pub(crate) fn add(&mut self, other: &Latencies) -> Result<(), crate::Failure> {
        Ok(self.0.add(&other.0)?)
    }

    /// `None` when nothing was recorded.
    pub(crate) fn summary(&self) -> Option<Latency> {
        if self.0.is_empty() {
            return None;
        }
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        Some(Latency {
            samples: self.0.len(),
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.0.max() as f64 / 1_000.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_known_series() {
        let mut latencies = Latencies::new().unwrap();
        assert!(latencies.summary().is_none());
        for microseconds in 1..=1_000 {
            latencies.record(Duration::from_micros(microseconds));
        }
        let summary = latencies.summary().unwrap();
        assert_eq!(summary.samples, 1_000);
        assert!((summary.p50_us - 500.0).abs() < 1.0, "{summary:?}");
        assert!((summary.p99_us - 990.0).abs() < 1.0, "{summary:?}");
        assert!((summary.max_us - 1_000.0).abs() < 1.0, "{summary:?}");
    }
}
