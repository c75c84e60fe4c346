//! The ways to send single messages. Each may wait, for room at least, while another thread destroys what it works
//! with: each keeps a share of its producer and its queue.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rocketmq_producer::{Error, ErrorCode, Message, Tag};

use crate::arguments::{self, Argument, room_for};
use crate::armour::armour;
use crate::callbacks::{callback_tag, rmq_send_fn};
use crate::error::{RMQ_OK, rmq_error_t};
use crate::message::{Outline, Texts, nth, rmq_message_t};
use crate::producer::rmq_producer_t;
use crate::queue::rmq_queue_t;
use crate::receipt::{self, rmq_receipt_t};

/// The tag of a send whose outcome goes to a queue.
pub(crate) fn tag(opaque: *mut c_void) -> Tag {
    Tag(0, opaque.expose_provenance())
}

/// The `i`-th of some opaque pointers; NULL if there are none.
pub(crate) unsafe fn nth_opaque(opaques: Option<NonNull<*mut c_void>>, i: usize) -> *mut c_void {
    // SAFETY: aligned; the caller promises that many pointers if there are any.
    opaques.map_or(ptr::null_mut(), |opaques| unsafe { opaques.add(i).read() })
}

/// Sends a message and waits for its outcome; at most `timeout_ms` (negative: `send.timeout.ms`), with look-ups,
/// connects and retries.
///
/// `out` may be NULL; otherwise the receipt is written there at success. May be called from a callback, which
/// must leave it room: with in-flight bounds that the callback's own message fills, it waits its whole timeout and
/// fails with `QUEUE_FULL`.
///
/// Errors: `MESSAGE_ILLEGAL`, `QUEUE_FULL`, `TIMEOUT`, `NO_NAME_SERVER`, `NAME_SERVER`, `NO_ROUTE`, `CONNECT`,
/// `CONNECTION_LOST`, `BROKER`, `ACCESS_DENIED`, `PROTOCOL`, `FORBIDDEN`, `SYSTEM`, `CLOSED`, `FORKED`, `INVALID_ARGUMENT`;
/// `WOULD_DEADLOCK` from a hook, a selector, or a log callback on the I/O thread.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_send(
    producer: *mut rmq_producer_t,
    message: *const rmq_message_t,
    timeout_ms: i64,
    out: *mut rmq_receipt_t,
) -> *mut rmq_error_t {
    armour!(rmq_send(producer: unhooked, message: const_array, out: optional_array) {
        let out = match out {
            // SAFETY: the caller promises a struct that begins with its size.
            Some(out) => unsafe {
                Some((out, arguments::struct_size(out, Argument { function: "rmq_send", name: "out" })?))
            },
            None => None,
        };
        let producer = Arc::clone(producer);
        // SAFETY: as the caller promises.
        unsafe {
            with_message("rmq_send", message, |message| {
                let receipt = producer.core.send(&message, arguments::or_default(timeout_ms))?;
                if let Some((out, size)) = out {
                    arguments::fill_struct(out, size, |place| receipt::write(&receipt, place));
                }
                Ok(())
            })
        }
    })
}

/// Sends a message and calls `function` with the outcome, on the producer's delivery thread, once. Returns when
/// the message is copied; never waits for the network.
///
/// `timeout_ms` (negative: `send.timeout.ms`) bounds the whole way to the outcome. A returned error means that
/// the message was not accepted: then there is no callback.
///
/// Errors at the call: `MESSAGE_ILLEGAL`; `QUEUE_FULL`, at once or after waiting for room as the key
/// `in.flight.full` says; `WOULD_DEADLOCK` from a hook or a selector; `CLOSED`, `FORKED`, `SYSTEM`,
/// `INVALID_ARGUMENT`. Errors of the outcome: those of `rmq_send`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_send_async(
    producer: *mut rmq_producer_t,
    message: *const rmq_message_t,
    timeout_ms: i64,
    function: rmq_send_fn,
    opaque: *mut c_void,
) -> *mut rmq_error_t {
    armour!(rmq_send_async(producer: unhooked, message: const_array, function: callback) {
        let producer = Arc::clone(producer);
        let tag = callback_tag(function, opaque);
        // SAFETY: as the caller promises.
        unsafe {
            with_message("rmq_send_async", message, |message| {
                let queue = producer.delivery()?.queue();
                producer.core.send_queued(&message, arguments::or_default(timeout_ms), queue, tag)
            })
        }
    })
}

/// Sends a message and puts the outcome into `queue`, together with `opaque`. Otherwise like `rmq_send_async`.
///
/// Errors at the call: those of `rmq_send_async`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_send_queued(
    producer: *mut rmq_producer_t,
    message: *const rmq_message_t,
    timeout_ms: i64,
    queue: *mut rmq_queue_t,
    opaque: *mut c_void,
) -> *mut rmq_error_t {
    armour!(rmq_send_queued(producer: unhooked, message: const_array, queue: handle) {
        let (producer, queue) = (Arc::clone(producer), Arc::clone(queue));
        // SAFETY: as the caller promises.
        unsafe {
            with_message("rmq_send_queued", message, |message| {
                let timeout = arguments::or_default(timeout_ms);
                producer.core.send_queued(&message, timeout, &queue.core, tag(opaque))
            })
        }
    })
}

/// Sends a message without an answer: the broker never says whether it stored it. Returns when the message is
/// copied; it is written within `timeout_ms` (negative: `send.timeout.ms`) or given up. `rmq_flush` and
/// `rmq_producer_close` wait for the writing.
///
/// Errors: those of `rmq_send_async` at the call.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_send_oneway(
    producer: *mut rmq_producer_t,
    message: *const rmq_message_t,
    timeout_ms: i64,
) -> *mut rmq_error_t {
    armour!(rmq_send_oneway(producer: unhooked, message: const_array) {
        let producer = Arc::clone(producer);
        // SAFETY: as the caller promises.
        unsafe {
            with_message("rmq_send_oneway", message, |message| {
                producer.core.send_oneway(&message, arguments::or_default(timeout_ms))
            })
        }
    })
}

/// Sends `count` messages, each as by `rmq_send_queued`, with one call: outcomes go to `queue`, the `i`-th with
/// `opaques[i]` (`opaques` may be NULL: then with NULL).
///
/// A message is accepted or rejected by itself: `codes[i]` is `RMQ_OK` or the code of its rejection (send it
/// alone to get the whole error), `out_accepted` the number of accepted ones. Only they have an outcome in the
/// queue. NULL is returned even if all were rejected.
///
/// Errors, with no message accepted and nothing written to `codes` and `out_accepted`: `CLOSED`, `FORKED`,
/// `INVALID_ARGUMENT` (a `count` over 10,000,000 too); `SYSTEM` when there is no memory for so many;
/// `WOULD_DEADLOCK` from a hook or a selector.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_send_many(
    producer: *mut rmq_producer_t,
    messages: *const *const rmq_message_t,
    count: usize,
    timeout_ms: i64,
    queue: *mut rmq_queue_t,
    opaques: *const *mut c_void,
    codes: *mut i32,
    out_accepted: *mut usize,
) -> *mut rmq_error_t {
    armour!(rmq_send_many(
        producer: unhooked, messages: const_array, count: message_count, queue: handle, opaques: optional_const_array,
        codes: array, out_accepted: out,
    ) {
        let (producer, queue) = (Arc::clone(producer), Arc::clone(queue));
        if producer.core.is_closed() {
            return Err(Error::closed());
        }
        let at = Argument { function: "rmq_send_many", name: "messages" };
        let mut texts = Texts::default();
        let mut readable: Vec<(usize, Outline<'_>)> = room_for(count)?;
        let mut unreadable: Vec<(usize, ErrorCode)> = Vec::new();
        for i in 0..count {
            // SAFETY: the caller promises `count` messages.
            match unsafe { texts.read(nth(messages, i), at) } {
                Ok(outline) => readable.push((i, outline)),
                Err(error) if error.code() == ErrorCode::System => return Err(error),
                Err(error) => {
                    if unreadable.capacity() == 0 {
                        unreadable = room_for(count - i)?;
                    }
                    unreadable.push((i, error.code()));
                }
            }
        }
        let mut items: Vec<Message<'_>> = room_for(readable.len())?;
        items.extend(readable.iter().map(|(_, outline)| outline.message(&texts)));
        let mut tags: Vec<Tag> = room_for(readable.len())?;
        // SAFETY: the caller promises `count` pointers if there are any.
        tags.extend(readable.iter().map(|(i, _)| tag(unsafe { nth_opaque(opaques, *i) })));
        let mut results = room_for(items.len())?;
        results.resize(items.len(), Ok(()));
        let timeout = arguments::or_default(timeout_ms);
        let accepted = producer.core.send_many(&items, timeout, &queue.core, &tags, &mut results)?;
        let results = readable.iter().zip(&results);
        let coded = results.map(|((i, _), result)| (*i, result.as_ref().err().map(Error::code)));
        for (i, code) in coded.chain(unreadable.into_iter().map(|(i, code)| (i, Some(code)))) {
            // SAFETY: the caller promises `count` codes.
            unsafe { codes.add(i).write(code.map_or(RMQ_OK, |code| code as i32)) };
        }
        out_accepted.write(accepted);
        Ok(())
    })
}

/// Reads the caller's message and hands the core's view of it to `send`.
unsafe fn with_message(
    function: &'static str,
    message: NonNull<rmq_message_t>,
    send: impl FnOnce(Message<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut texts = Texts::default();
    // SAFETY: as the caller promises.
    let outline = unsafe { texts.read(message.as_ptr(), Argument { function, name: "message" })? };
    send(outline.message(&texts))
}
