//! Calls whose end is an event, for threads that must not wait.

use std::ffi::c_void;

use crate::arguments;
use crate::armour::armour;
use crate::error::rmq_error_t;
use crate::producer::rmq_producer_t;
use crate::queue::rmq_queue_t;
use crate::send;

/// Flushes without waiting: the event `RMQ_EVENT_DONE` comes to `queue` with `opaque`, once, when no message
/// is without its outcome, or at the end of `timeout_ms` (negative: without bound); beside threads that go on sending that
/// moment may not come. Outcomes that go to the same
/// queue are there before it; callbacks may still run.
///
/// Errors, and then there is no event: `WOULD_DEADLOCK` from a hook or a selector; `FORKED`, `INVALID_ARGUMENT`. Error of the
/// event: `TIMEOUT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_flush_queued(
    producer: *mut rmq_producer_t,
    timeout_ms: i64,
    queue: *mut rmq_queue_t,
    opaque: *mut c_void,
) -> *mut rmq_error_t {
    armour!(rmq_flush_queued(producer: unhooked, queue: handle) {
        producer.core.flush_queued(arguments::wait(timeout_ms), &queue.core, send::tag(opaque))
    })
}

/// Asks without waiting whether a name server answers this producer: the event `RMQ_EVENT_DONE` comes to `queue` with
/// `opaque`, once, as soon as one has, or at the end of `timeout_ms` (negative: without bound).
///
/// Errors, and then there is no event: `WOULD_DEADLOCK` from a hook or a selector; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
/// Errors of the event: those of `rmq_producer_wait_ready`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_wait_ready_queued(
    producer: *mut rmq_producer_t,
    timeout_ms: i64,
    queue: *mut rmq_queue_t,
    opaque: *mut c_void,
) -> *mut rmq_error_t {
    armour!(rmq_producer_wait_ready_queued(producer: unhooked, queue: handle) {
        producer.core.wait_ready_queued(arguments::wait(timeout_ms), &queue.core, send::tag(opaque))
    })
}
