//! Batches: several messages as one request, which the broker stores together.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use rocketmq_producer::{BatchError, Error, ErrorCode, Message, Tag};

use crate::arguments::{self, Argument, room_for};
use crate::armour::armour;
use crate::error::{Failure, rmq_error_t};
use crate::message::{Outline, Texts, nth, rmq_message_t};
use crate::producer::rmq_producer_t;
use crate::queue::rmq_queue_t;
use crate::receipt::{self, rmq_receipt_t};
use crate::send::{nth_opaque, tag};

/// Sends `count` messages as one request and waits for their receipts; at most `timeout_ms` (negative:
/// `send.timeout.ms`), with look-ups, connects and retries. The broker stores all of them, in their order in one
/// queue, or none.
///
/// They must have one topic, one way to choose the queue with the same values, one `wait_store_ok`, and no delay;
/// they travel uncompressed. Together they take at most `max.message.size`; with the key `batch.split` a larger
/// batch goes as several requests, one after the other, of which the first that fails is the last.
///
/// `receipts` may be NULL; otherwise at success the receipt of the `i`-th message is written to its `i`-th element.
/// `struct_size` of the first element must be set and is the distance between elements; the others need no value.
///
/// After an error nothing is written to `receipts`. Messages that are stored nevertheless (of a batch that was split,
/// or when a hook refused others) are told by the error: `rmq_error_stored_count`, `rmq_error_stored`. Its
/// kind, history and persistence are those of the first message that failed.
///
/// Errors: those of `rmq_send`; `INVALID_ARGUMENT` also for a `count` over 10,000,000; `MESSAGE_ILLEGAL` also for what
/// cannot be in one batch; `WOULD_DEADLOCK` also from a
/// hook or a selector.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_send_batch(
    producer: *mut rmq_producer_t,
    messages: *const *const rmq_message_t,
    count: usize,
    timeout_ms: i64,
    receipts: *mut rmq_receipt_t,
) -> *mut rmq_error_t {
    armour!(rmq_send_batch(
        producer: unhooked, messages: const_array, count: message_count, receipts: optional_array,
    ) fails [Failure] {
        let at = |name| Argument { function: "rmq_send_batch", name };
        let room = match receipts {
            // SAFETY: the caller promises that the first element begins with its size.
            Some(receipts) => Some((receipts, unsafe { arguments::struct_size(receipts, at("receipts"))? })),
            None => None,
        };
        let producer = Arc::clone(producer);
        let mut texts = Texts::default();
        // SAFETY: as the caller promises.
        let outlines = unsafe { read(&mut texts, messages, count, at("message"))? };
        let mut items: Vec<Message<'_>> = room_for(count)?;
        items.extend(outlines.iter().map(|outline| outline.message(&texts)));
        let stored = producer.core.send_batch(&items, arguments::or_default(timeout_ms))?;
        if let Some((first, stride)) = room {
            for (i, receipt) in stored.iter().enumerate() {
                // SAFETY: the caller promises `count` elements of the size it wrote into the first.
                unsafe {
                    let place = first.byte_add(i * stride);
                    arguments::fill_struct(place, stride, |place| receipt::write(receipt, place));
                }
            }
        }
        Ok(())
    })
}

/// Sends `count` messages as one request, as `rmq_send_batch` does, and puts the outcome of each into `queue`, the
/// `i`-th with `opaques[i]` (`opaques` may be NULL: then with NULL). Returns when the messages are copied; never waits
/// for the network. They are accepted all together or not at all: after an error there is no outcome.
///
/// A batch over `max.message.size` is refused, whatever `batch.split` says.
///
/// Errors at the call: those of `rmq_send_async`, and `MESSAGE_ILLEGAL` for what cannot be in one batch.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_send_batch_queued(
    producer: *mut rmq_producer_t,
    messages: *const *const rmq_message_t,
    count: usize,
    timeout_ms: i64,
    queue: *mut rmq_queue_t,
    opaques: *const *mut c_void,
) -> *mut rmq_error_t {
    armour!(rmq_send_batch_queued(
        producer: unhooked, messages: const_array, count: message_count, queue: handle, opaques: optional_const_array,
    ) {
        let (producer, queue) = (Arc::clone(producer), Arc::clone(queue));
        let at = Argument { function: "rmq_send_batch_queued", name: "message" };
        let mut texts = Texts::default();
        // SAFETY: as the caller promises.
        let outlines = unsafe { read(&mut texts, messages, count, at)? };
        let mut items: Vec<Message<'_>> = room_for(count)?;
        items.extend(outlines.iter().map(|outline| outline.message(&texts)));
        let mut tags: Vec<Tag> = room_for(count)?;
        // SAFETY: the caller promises `count` pointers if there are any.
        tags.extend((0..count).map(|i| tag(unsafe { nth_opaque(opaques, i) })));
        producer.core.send_batch_queued(&items, arguments::or_default(timeout_ms), &queue.core, &tags)
    })
}

/// Reads all messages; an error says which is wrong.
unsafe fn read<'a>(
    texts: &mut Texts<'a>,
    messages: NonNull<*const rmq_message_t>,
    count: usize,
    at: Argument,
) -> Result<Vec<Outline<'a>>, Error> {
    let mut outlines = room_for(count)?;
    for i in 0..count {
        // SAFETY: the caller promises `count` messages.
        let outline = unsafe { texts.read(nth(messages, i), at) };
        outlines.push(outline.map_err(|error| {
            if error.code() == ErrorCode::System {
                return error;
            }
            let text = format!("message {i} of the batch: {}", error.message());
            Error::new(ErrorCode::InvalidArgument, text)
        })?);
    }
    Ok(outlines)
}

impl From<BatchError> for Failure {
    fn from(failed: BatchError) -> Self {
        Self { error: failed.error, stored: failed.positions.into_iter().zip(failed.receipts).collect() }
    }
}
