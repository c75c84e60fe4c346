//! Timeouts of calls: seconds in Python, durations below.

use std::time::Duration;

use pyo3::PyResult;
use rocketmq_producer::ErrorCode;

use crate::error::refuse;

/// How long a blocking call waits before it looks for signals again: Ctrl-C is seen within this time.
pub(crate) const SIGNAL_SLICE: Duration = Duration::from_millis(50);

/// No bound that anybody lives to see; what is waited for ends by its own deadlines.
pub(crate) const UNBOUNDED: Duration = Duration::from_secs(24 * 3600);

/// The duration of so many seconds.
///
/// # Errors
/// `InvalidArgumentError` for a negative or infinite number, or none at all.
pub(crate) fn seconds(timeout: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(timeout)
        .map_err(|cause| refuse(ErrorCode::InvalidArgument, format!("timeout = {timeout} s: {cause}")))
        .map(|duration| duration.min(UNBOUNDED))
}

/// The same for an optional timeout; `None` stays `None`.
pub(crate) fn optional(timeout: Option<f64>) -> PyResult<Option<Duration>> {
    timeout.map(seconds).transpose()
}
