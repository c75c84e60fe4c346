//! The watch: a thread that looks after those who sleep for an outcome, so that none needs a timer of its own.
//!
//! Every outcome comes by its deadline, and wakes who waits for it; that the sleep ends in any case is the last resort. A timer
//! for it costs each blocking send more than the rest of its sleep, and hardly one of them ever goes off. So one thread of the
//! process wakes all sleepers now and then, and they look at the clock. It sleeps itself as long as nobody does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{sys, task};

/// Between two rounds: a last resort may come so much late.
const INTERVAL: Duration = Duration::from_millis(500);

/// The process, by its generation and one, that has tried to start its watch, and the one that has it. What a fork leaves here is of
/// the parent.
static TRIED: AtomicU64 = AtomicU64::new(0);
static KEPT: AtomicU64 = AtomicU64::new(0);

/// Whether this process has its watch, which is begun if it never was. While it begins, and after the system has refused the
/// thread, the answer is no.
pub(crate) fn is_kept() -> bool {
    let this = sys::fork_generation() + 1;
    KEPT.load(Ordering::Acquire) == this || begin(this)
}

#[cold]
fn begin(this: u64) -> bool {
    if !sys::HAS_WATCH || TRIED.swap(this, Ordering::AcqRel) == this {
        return false;
    }
    let watch = task::thread("rmq-watch", || sys::keep_watch(INTERVAL), |_| {});
    if watch.is_ok() {
        KEPT.store(this, Ordering::Release);
    }
    watch.is_ok()
}
