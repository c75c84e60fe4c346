//! Completion queues: poll and descriptor.

use std::ffi::{c_int, c_void};
use std::mem::offset_of;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{CompletionQueue, Event, Report};

use crate::arguments::{self, Argument, SizedStruct};
use crate::armour::armour;
use crate::cancel::{self, SLICE, Slice};
use crate::error::{RMQ_OK, rmq_error_t};
use crate::handle::Handle;
use crate::receipt::{self, rmq_receipt_t};

/// A completion queue: the outcomes of sends lie here until they are polled. Any number of producers may send
/// with it and any number of threads may poll it.
pub struct rmq_queue_t {
    _opaque: [u8; 0],
}

impl Handle for rmq_queue_t {
    // Polls and sends that wait keep a share, so that another thread may destroy the queue meanwhile.
    type Inner = Arc<QueueObject>;
    const MARK: u64 = u64::from_le_bytes(*b"\x01rmqque!");
    const NAME: &'static str = "rmq_queue_t";
    const SURVIVES_FORK: bool = false;
}

/// What is behind a queue.
pub(crate) struct QueueObject {
    pub(crate) core: CompletionQueue,
    /// Room for the reports of one poll, kept from the last one.
    room: Mutex<Vec<Event>>,
}

/// The outcome of one send.
///
/// Start an array with `rmq_completion_t completions[64] = { RMQ_COMPLETION_INIT };`.
#[repr(C)]
pub struct rmq_completion_t {
    /// Set by `RMQ_COMPLETION_INIT`: the size of the struct in your header.
    pub struct_size: u32,
    /// `RMQ_OK`, or the code of `error`.
    pub code: i32,
    /// The pointer given with the send.
    pub opaque: *mut c_void,
    /// NULL at success. Otherwise yours: end it with `rmq_error_destroy`.
    pub error: *mut rmq_error_t,
    /// Zero; room for growth.
    pub reserved: [u64; 2],
    /// The receipt; holds nothing unless `error` is NULL. Always the last member.
    pub receipt: rmq_receipt_t,
}

impl SizedStruct for rmq_completion_t {
    const SMALLEST: usize = offset_of!(Self, receipt) + rmq_receipt_t::SMALLEST;
    const LARGEST: usize = 16_384;

    fn initial() -> Self {
        Self {
            struct_size: 0,
            code: 0,
            opaque: ptr::null_mut(),
            error: ptr::null_mut(),
            reserved: [0; 2],
            receipt: rmq_receipt_t::initial(),
        }
    }
}

/// Makes an empty queue.
///
/// End it with `rmq_queue_destroy`. Errors: `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_queue_new(out: *mut *mut rmq_queue_t) -> *mut rmq_error_t {
    armour!(rmq_queue_new(out: out) {
        let queue = QueueObject { core: CompletionQueue::new(), room: Mutex::default() };
        out.write(rmq_queue_t::give(Arc::new(queue)));
        Ok(())
    })
}

/// Ends a queue; the pointer must not be used again, but for calls that wait already: polls return. Does nothing
/// with NULL.
///
/// Outcomes that lie in it or come later are lost and count no longer as in flight, so end it after its
/// producers. Its descriptor is closed at once. In a forked child it only forgets the parent's queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_queue_destroy(queue: *mut rmq_queue_t) {
    armour!(rmq_queue_destroy(queue: ending) or [()] {
        if let Some(queue) = queue {
            queue.core.end();
        }
        Ok(())
    })
}

/// Moves up to `capacity` outcomes from the queue to the array `out` and writes their number to `out_count`,
/// oldest first. Waits at most `timeout_ms` (0: does not wait; negative: without bound) for the first one; when
/// none came, the number is 0.
///
/// `struct_size` of the first element must be set and is the distance between elements; the others need no
/// value. The caller owns the errors in the completions.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn rmq_queue_poll(
    queue: *mut rmq_queue_t,
    out: *mut rmq_completion_t,
    capacity: usize,
    timeout_ms: i64,
    out_count: *mut usize,
) -> *mut rmq_error_t {
    armour!(rmq_queue_poll(queue: shared, out: array, out_count: out) waits [handle = queue, timeout_ms by SLICE as (left, is_last)] {
        let at = |name| Argument { function: "rmq_queue_poll", name };
        if capacity == 0 {
            return Err(at("capacity").refuse("is 0"));
        }
        // SAFETY: the caller promises that the first element begins with its size.
        let stride = unsafe { arguments::struct_size(out, at("out"))? };
        arguments::check_capacity(capacity, stride, at("capacity"))?;
        let mut reports = std::mem::take(&mut *queue.room.lock());
        queue.core.poll(&mut reports, capacity, left);
        let mut count = 0;
        for (i, report) in reports.drain(..).filter_map(Event::into_report).enumerate() {
            count += 1;
            // SAFETY: the caller promises `capacity` elements of the size it wrote into the first.
            unsafe { arguments::fill_struct(out.byte_add(i * stride), stride, |place| write(report, place, stride)) };
        }
        *queue.room.lock() = reports;
        if count == 0 && !is_last && !queue.core.is_closed() {
            cancel::keep(handle, queue);
            return Ok(Slice::Passed(Ok(())));
        }
        out_count.write(count);
        Ok(Slice::Done(Ok(())))
    })
}

/// A descriptor that `poll`, `epoll` and `select` report as readable exactly while outcomes lie in the queue.
///
/// It belongs to the queue: do not read, write or close it; it is closed by `rmq_queue_destroy`. Every call
/// gives the same one.
///
/// Errors: `SYSTEM` when the process is out of descriptors; `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_queue_fd(queue: *mut rmq_queue_t, out: *mut c_int) -> *mut rmq_error_t {
    armour!(rmq_queue_fd(queue: handle, out: out) {
        out.write(queue.core.fd()?);
        Ok(())
    })
}

/// Writes a completion but for its size, which is `size` and tells how much of the receipt its reader knows.
unsafe fn write(report: Report, to: NonNull<rmq_completion_t>, size: usize) {
    let to = to.as_ptr();
    let receipt_size = size_of::<rmq_receipt_t>().min(size - offset_of!(rmq_completion_t, receipt));
    // SAFETY: the caller promises that a whole completion may be written.
    unsafe {
        (*to).opaque = ptr::with_exposed_provenance_mut(report.tag.1);
        (*to).reserved = [0; 2];
        let receipt = &raw mut (*to).receipt;
        (*receipt).struct_size = receipt_size as u32;
        (*to).code = match &report.result {
            Ok(_) => RMQ_OK,
            Err(error) => error.code() as i32,
        };
        (*to).error = match &report.result {
            Ok(received) => {
                receipt::write(received, NonNull::new_unchecked(receipt));
                ptr::null_mut()
            }
            Err(error) => rmq_error_t::from_error(error.clone()),
        };
    }
}
