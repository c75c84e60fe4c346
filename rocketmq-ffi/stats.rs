//! Statistics: snapshots of what a producer did.

use std::ffi::{CString, c_char};

use once_cell::race::OnceBox;
use rocketmq_producer::{Error, ErrorCode, Stats};

use crate::armour::armour;
use crate::error::rmq_error_t;
use crate::handle::Handle;
use crate::producer::rmq_producer_t;

/// A snapshot of the statistics of a producer. It never changes and may be read by any number of threads. What it
/// holds is listed in the manual, page "Statistics".
pub struct rmq_stats_t {
    _opaque: [u8; 0],
}

/// What is behind a snapshot. The texts are made when they are asked for the first time; by whom never waits for
/// another, so that a fork in the middle of it leaves the child no wait without an end.
pub(crate) struct StatsObject {
    stats: Stats,
    json: OnceBox<CString>,
    prometheus: OnceBox<CString>,
}

impl Handle for rmq_stats_t {
    type Inner = StatsObject;
    const MARK: u64 = u64::from_le_bytes(*b"\x01rmqsta!");
    const NAME: &'static str = "rmq_stats_t";
    const SURVIVES_FORK: bool = true;
}

/// Takes a snapshot of what the producer has done since it was made, and how it stands: also after the close.
///
/// End it with `rmq_stats_destroy`. Costs some microseconds; sends go on meanwhile. Errors: `FORKED`,
/// `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_stats(
    producer: *mut rmq_producer_t,
    out: *mut *mut rmq_stats_t,
) -> *mut rmq_error_t {
    armour!(rmq_producer_stats(producer: handle, out: out) {
        let stats = producer.core.stats()?;
        let object = StatsObject { stats, json: OnceBox::new(), prometheus: OnceBox::new() };
        out.write(rmq_stats_t::give(object));
        Ok(())
    })
}

/// Ends a snapshot and the texts read from it. Does nothing with NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_stats_destroy(stats: *mut rmq_stats_t) {
    armour!(rmq_stats_destroy(stats: ending) unless_null {
        drop(stats);
        Ok(())
    })
}

/// All of the snapshot as one JSON object. Empty for NULL. Lives as long as the snapshot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_stats_json(stats: *const rmq_stats_t) -> *const c_char {
    armour!(rmq_stats_json(stats: handle) or [c"".as_ptr()] {
        Ok(text(&stats.json, || stats.stats.to_json()))
    })
}

/// All of the snapshot in the text format of Prometheus, 0.0.4. Empty for NULL. Lives as long as the snapshot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_stats_prometheus(stats: *const rmq_stats_t) -> *const c_char {
    armour!(rmq_stats_prometheus(stats: handle) or [c"".as_ptr()] {
        Ok(text(&stats.prometheus, || stats.stats.to_prometheus()))
    })
}

/// Writes one number of the snapshot to `out`, by its place in the JSON object with points between the keys, for
/// example `"succeeded"`, `"failed.TIMEOUT"` or `"latency_us.p99"`. Yes and no are 1 and 0.
///
/// Errors: `UNKNOWN_KEY` if there is no number at this place; `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_stats_get(
    stats: *const rmq_stats_t,
    path: *const c_char,
    out: *mut f64,
) -> *mut rmq_error_t {
    armour!(rmq_stats_get(stats: handle, path: text, out: out) {
        let value = stats.stats.get(path).ok_or_else(|| {
            Error::new(ErrorCode::UnknownKey, format!("no number {path:?} in the statistics"))
        })?;
        out.write(value);
        Ok(())
    })
}

/// The text with a NUL, kept once per object. Neither format has a NUL inside.
fn text(place: &OnceBox<CString>, make: impl FnOnce() -> String) -> *const c_char {
    place.get_or_init(|| Box::new(CString::new(make()).unwrap_or_default())).as_ptr()
}
