//! Events as plain data.

use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr::{self, NonNull};

use rocketmq_producer::{Error, Event};

use crate::arguments::SizedStruct;
use crate::error::{RMQ_OK, rmq_error_t};
use crate::producer::rmq_producer_t;
use crate::receipt::{self, rmq_receipt_t};

/// The outcome of a send: `code`, and `receipt` or `error`. One for every accepted message.
pub const RMQ_EVENT_OUTCOME: i32 = 1;
/// What was to have its outcomes in this queue was refused as `QUEUE_FULL`, and there is room for it now: a message of
/// `rmq_send_queued`, the batch of `rmq_send_batch_queued`, or some messages of `rmq_send_many`. Comes once, however many were
/// refused meanwhile, and never unless one was.
pub const RMQ_EVENT_WRITABLE: i32 = 2;
/// The end of a look-up that `rmq_producer_look_up` began: `code`, and `queue_count` or `error`.
pub const RMQ_EVENT_ROUTED: i32 = 3;
/// The end of a call that did not wait, `rmq_flush_queued` or `rmq_producer_wait_ready_queued`: `code`, and `error`.
pub const RMQ_EVENT_DONE: i32 = 4;

/// Something that a producer has to tell, as `rmq_queue_poll` gives it.
///
/// Start an array with `rmq_event_t events[64] = { RMQ_EVENT_INIT };`.
///
/// Later versions have more kinds. Pass over a kind that you do not know; all that an event owns, whatever its kind, is
/// `error`. Kinds that own more come only to programs that asked for them.
#[repr(C)]
pub struct rmq_event_t {
    /// Set by `RMQ_EVENT_INIT`: the size of the struct in your header.
    pub struct_size: u32,
    /// What has happened: one of `RMQ_EVENT_*`.
    pub kind: i32,
    /// `RMQ_OK`, or the code of `error`.
    pub code: i32,
    /// Of `RMQ_EVENT_ROUTED`: how many queues of the topic may be written. Else 0.
    pub queue_count: i32,
    /// The pointer given with the send or the call. NULL for `RMQ_EVENT_WRITABLE`.
    pub opaque: *mut c_void,
    /// NULL at success. Otherwise yours: end it with `rmq_error_destroy`.
    pub error: *mut rmq_error_t,
    /// The producer that this comes from, to tell apart those that share the queue. It may have been destroyed meanwhile:
    /// compare it before you use it.
    pub producer: *mut rmq_producer_t,
    /// Zero; room for growth.
    pub reserved: [u64; 2],
    /// The receipt. Holds nothing but in an `RMQ_EVENT_OUTCOME` without `error`. Always the last member.
    pub receipt: rmq_receipt_t,
}

impl SizedStruct for rmq_event_t {
    const SMALLEST: usize = offset_of!(Self, receipt) + rmq_receipt_t::SMALLEST;
    const LARGEST: usize = 16_384;

    fn initial() -> Self {
        Self {
            struct_size: 0,
            kind: 0,
            code: RMQ_OK,
            queue_count: 0,
            opaque: ptr::null_mut(),
            error: ptr::null_mut(),
            producer: ptr::null_mut(),
            reserved: [0; 2],
            receipt: rmq_receipt_t::initial(),
        }
    }
}

/// Writes an event but for its size, which is `size` and tells how much of the receipt its reader knows.
pub(crate) unsafe fn write(event: &Event, to: NonNull<rmq_event_t>, size: usize) {
    let (kind, opaque, failure) = match event {
        Event::Outcome(report) => (RMQ_EVENT_OUTCOME, report.tag.1, report.result.as_ref().err()),
        Event::Routed(routed) => (RMQ_EVENT_ROUTED, routed.tag.1, routed.result.as_ref().err()),
        Event::Done(done) => (RMQ_EVENT_DONE, done.tag.1, done.result.as_ref().err()),
        Event::Writable { .. } => (RMQ_EVENT_WRITABLE, 0, None),
    };
    let to = to.as_ptr();
    // SAFETY: as the caller promises.
    unsafe {
        (*to).kind = kind;
        (*to).code = failure.map_or(RMQ_OK, |error| error.code() as i32);
        (*to).queue_count = 0;
        (*to).opaque = ptr::with_exposed_provenance_mut(opaque);
        (*to).error = failure.map_or(ptr::null_mut(), |error| rmq_error_t::from_error(Error::clone(error)));
        (*to).producer = ptr::with_exposed_provenance_mut(event.producer());
        (*to).reserved = [0; 2];
        let receipt = &raw mut (*to).receipt;
        (*receipt).struct_size =
            size_of::<rmq_receipt_t>().min(size - offset_of!(rmq_event_t, receipt)) as u32;
        match event {
            Event::Outcome(report) => {
                if let Ok(received) = &report.result {
                    receipt::write(received, NonNull::new_unchecked(receipt));
                }
            }
            Event::Routed(routed) => {
                let count = routed.result.as_ref().map_or(0, Vec::len);
                (*to).queue_count = i32::try_from(count).unwrap_or(i32::MAX);
            }
            Event::Done(_) | Event::Writable { .. } => {}
        }
    }
}
