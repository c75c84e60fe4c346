//! The latency fault tolerance: the keys of slow and unreachable brokers (protocol 6.2, 6.3).

use std::time::Duration;

use super::reader::Reader;
use crate::config::BanTable;
use crate::config::key::parse_numbers;
use crate::error::Error;

/// The settings of the latency fault tolerance.
#[derive(Clone)]
pub(crate) struct FaultTolerance {
    pub(crate) bans: BanTable,
    /// Interval and timeout of the detector's probes; `None`: no detector.
    pub(crate) detector: Option<(Duration, Duration)>,
}

pub(super) fn fault_tolerance(reader: &Reader<'_>) -> Result<Option<FaultTolerance>, Error> {
    let latencies = reader.choice("latency.max.ms", parse_numbers)?;
    let bans = reader
        .choice("not.available.duration.ms", |list| BanTable::new(&latencies, &parse_numbers(list)?))
        .map_err(|error| {
            let text = "latency.max.ms must ascend and have as many numbers as not.available.duration.ms";
            error.with_message(text.to_owned())
        })?;
    let interval = reader.duration("detect.interval.ms")?;
    let timeout = reader.duration("detect.timeout.ms")?;
    let detector = reader.parsed("start.detector.enable")?;
    let enabled: bool = reader.parsed("send.latency.enable")?;
    Ok(enabled.then(|| FaultTolerance { bans, detector: bool::then_some(detector, (interval, timeout)) }))
}
