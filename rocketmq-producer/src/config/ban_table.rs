//! How long slow brokers are left out (protocol 6.2).

use std::time::Duration;

/// The latencies from which on a broker is left out for how long, ascending: Java's `latencyMax` and
/// `notAvailableDuration`.
#[derive(Clone, Debug)]
pub(crate) struct BanTable(Vec<(Duration, Duration)>);

impl BanTable {
    /// `None`: the lists are not equally long, or the latencies do not ascend.
    pub(crate) fn new(latencies_ms: &[u32], bans_ms: &[u32]) -> Option<Self> {
        let fits = latencies_ms.len() == bans_ms.len() && latencies_ms.is_sorted();
        let millis = |ms: &u32| Duration::from_millis(u64::from(*ms));
        fits.then(|| Self(latencies_ms.iter().map(millis).zip(bans_ms.iter().map(millis)).collect()))
    }

    /// For how long a broker that took so long is left out.
    pub(crate) fn ban(&self, latency: Duration) -> Duration {
        self.0.iter().rev().find(|(from, _)| latency >= *from).map_or(Duration::ZERO, |(_, ban)| *ban)
    }
}
