//! Completion queues: poll and descriptor.

use std::ffi::c_int;
use std::sync::Arc;

use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{CompletionQueue, Event};

use crate::arguments::{self, Argument};
use crate::armour::armour;
use crate::cancel::{self, SLICE, Slice};
use crate::error::rmq_error_t;
use crate::event::{self, rmq_event_t};
use crate::handle::Handle;

/// A completion queue: the outcomes of sends lie here until they are polled, and other events too. Any number of
/// producers may send with it and any number of threads may poll it.
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
    /// Room for the events of one poll, kept from the last one.
    room: Mutex<Vec<Event>>,
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
/// Events that lie in it or come later are lost, and outcomes among them count no longer as in flight, so end it after
/// its producers. Its descriptor is closed at once. In a forked child it only forgets the parent's queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_queue_destroy(queue: *mut rmq_queue_t) {
    armour!(rmq_queue_destroy(queue: ending) unless_null {
        if let Some(queue) = queue {
            queue.core.end();
        }
        Ok(())
    })
}

/// Moves up to `capacity` events from the queue to the array `out` and writes their number to `out_count`,
/// oldest first. Waits at most `timeout_ms` (0: does not wait; negative: without bound) for the first one; when
/// none came, the number is 0.
///
/// `struct_size` of the first element must be set and is the distance between elements; the others need no
/// value. The caller owns the errors in the events.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn rmq_queue_poll(
    queue: *mut rmq_queue_t,
    out: *mut rmq_event_t,
    capacity: usize,
    timeout_ms: i64,
    out_count: *mut usize,
) -> *mut rmq_error_t {
    armour!(rmq_queue_poll(queue: shared, out: array, out_count: out) waits [handle = queue, timeout_ms by SLICE as wait] {
        let at = |name| Argument { function: "rmq_queue_poll", name };
        if capacity == 0 {
            return Err(at("capacity").refuse("is 0"));
        }
        // SAFETY: the caller promises that the first element begins with its size.
        let stride = unsafe { arguments::struct_size(out, at("out"))? };
        arguments::check_capacity(capacity, stride, at("capacity"))?;
        let mut events = std::mem::take(&mut *queue.room.lock());
        let count = queue.core.poll(&mut events, capacity, wait.slice());
        for (i, event) in events.drain(..).enumerate() {
            // SAFETY: the caller promises `capacity` elements of the size it wrote into the first.
            unsafe {
                let place = out.byte_add(i * stride);
                arguments::fill_struct(place, stride, |place| event::write(&event, place, stride));
            }
        }
        *queue.room.lock() = events;
        if count == 0 && !wait.is_last() && !queue.core.is_closed() {
            let core = queue.core.clone();
            return Ok(cancel::asleep(handle, queue, &core));
        }
        if count == 0 {
            cancel::awake(&queue.core);
        }
        out_count.write(count);
        Ok(Slice::Done(Ok(())))
    })
}

/// A descriptor that `poll`, `epoll` and `select` report as readable exactly while events lie in the queue.
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
