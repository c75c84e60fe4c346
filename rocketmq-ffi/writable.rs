//! Hearing of room within the in-flight bounds, and waiting for it.

use std::ffi::c_void;
use std::sync::Arc;

use rocketmq_producer::ErrorCode;

use crate::armour::armour;
use crate::cancel::{self, SLICE};
use crate::config::rmq_config_t;
use crate::error::rmq_error_t;
use crate::opaque::{Opaque, rmq_finalizer_fn};
use crate::producer::rmq_producer_t;

/// Says that there is room within the in-flight bounds again. Called on the delivery thread of the producer, among
/// its other callbacks, and bound by the same rules as `rmq_send_fn`.
pub type rmq_writable_fn = Option<unsafe extern "C" fn(opaque: *mut c_void)>;

/// Such a function with its opaque pointer.
pub(crate) struct WritableCallback {
    function: unsafe extern "C" fn(*mut c_void),
    opaque: Opaque,
}

impl WritableCallback {
    pub(crate) fn call(&self) {
        // SAFETY: the caller's function, with the opaque pointer it came with.
        unsafe { (self.function)(self.opaque.get()) }
    }
}

/// Has `function` called when there is room within `in.flight.max.messages` and `in.flight.max.bytes` again, once after
/// sends failed with `QUEUE_FULL`, however many did. Each producer made from this configuration calls it for itself,
/// on its delivery thread, which is then made together with the producer.
///
/// `opaque` is handed to every call; with several producers, from several threads. When neither the configuration nor
/// a producer made from it needs it any more, `finalizer` (may be NULL) is called with it, once. A `function` of NULL
/// takes an earlier one away, and the `opaque` and `finalizer` given with it are ignored. After an error the library
/// has not taken `opaque`.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_set_writable(
    config: *mut rmq_config_t,
    function: rmq_writable_fn,
    opaque: *mut c_void,
    finalizer: rmq_finalizer_fn,
) -> *mut rmq_error_t {
    armour!(rmq_config_set_writable(config: handle) {
        let mut values = config.lock()?;
        let callback = function
            .map(|function| Arc::new(WritableCallback { function, opaque: Opaque::new(opaque, finalizer) }));
        let earlier = std::mem::replace(&mut values.writable, callback);
        // The finalizer of an earlier function runs when the lock is free again.
        drop(values);
        drop(earlier);
        Ok(())
    })
}

/// Waits until another message has room within the in-flight bounds; at most `timeout_ms` (negative: without bound).
/// Other threads may take the room before a send does.
///
/// Errors: `QUEUE_FULL` when there was none in time; `WOULD_DEADLOCK` from a callback of this producer, from a hook, a
/// selector, or a log callback on the I/O thread; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn rmq_producer_wait_writable(
    producer: *mut rmq_producer_t,
    timeout_ms: i64,
) -> *mut rmq_error_t {
    armour!(rmq_producer_wait_writable(producer: shared_unhooked) waits [handle = producer, timeout_ms by SLICE as (left, is_last)] {
        producer.refuse_in_callback()?;
        let outcome = producer.core.wait_writable(left);
        Ok(cancel::slice_of(handle, producer, is_last, outcome, &[ErrorCode::QueueFull]))
    })
}
