//! The queues of a topic: listing them, and asking for them without waiting.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::sync::Arc;
use std::time::Duration;

use rocketmq_producer::{CompletionQueue, Error, ErrorCode, Event, Tag};

use crate::arguments::{self, Argument, SizedStruct};
use crate::armour::armour;
use crate::cancel::{self, SLICE, Slice, Wait};
use crate::error::rmq_error_t;
use crate::producer::{ProducerObject, rmq_producer_t};
use crate::queue::rmq_queue_t;
use crate::receipt::write_text;
use crate::send;

/// A queue of a topic. Plain data without pointers.
///
/// Start an array with `rmq_message_queue_t queues[16] = { RMQ_MESSAGE_QUEUE_INIT };`.
#[repr(C)]
pub struct rmq_message_queue_t {
    /// Set by `RMQ_MESSAGE_QUEUE_INIT`: the size of the struct in your header.
    pub struct_size: u32,
    /// Its number at its broker, from 0.
    pub queue_id: i32,
    /// The name of its broker, as `broker_name` of a message takes it.
    pub broker_name: [c_char; 256],
}

impl SizedStruct for rmq_message_queue_t {
    const SMALLEST: usize = offset_of!(Self, broker_name) + 256;

    fn initial() -> Self {
        Self { struct_size: 0, queue_id: 0, broker_name: [0; 256] }
    }
}

/// Writes the queues of a topic that may be written, in the Java client's order, to the array `out` of `capacity`
/// elements, and their number to `out_count`; 0 if the topic has queues that are only read. Asks the name server if the
/// topic is not known yet; waits at most `timeout_ms` for it (negative: without bound).
///
/// `struct_size` of the first element must be set and is the distance between elements; the others need no value.
/// With an `out` of NULL and a `capacity` of 0 it only tells the number.
///
/// Errors: `INVALID_ARGUMENT`, also when `capacity` is too small (the message names the room that is needed);
/// `MESSAGE_ILLEGAL` for a bad name of a topic; `NO_ROUTE`, `NAME_SERVER`, `NO_NAME_SERVER`, `TIMEOUT`;
/// `WOULD_DEADLOCK` from a hook, a selector or a log callback; `CLOSED`, `FORKED`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn rmq_producer_queues(
    producer: *mut rmq_producer_t,
    topic: *const c_char,
    timeout_ms: i64,
    out: *mut rmq_message_queue_t,
    capacity: usize,
    out_count: *mut usize,
) -> *mut rmq_error_t {
    armour!(rmq_producer_queues(topic: text, out: optional_array, out_count: out) waits [handle = producer, timeout_ms by SLICE as wait] {
        let at = |name| Argument { function: "rmq_producer_queues", name };
        let room = match out {
            Some(out) => {
                // SAFETY: the caller promises that the first element begins with its size.
                let stride = unsafe { arguments::struct_size(out, at("out"))? };
                arguments::check_capacity(capacity, stride, at("capacity"))?;
                Some((out, stride))
            }
            None if capacity > 0 => return Err(at("out").refuse("is NULL")),
            None => None,
        };
        let look_up = match cancel::kept::<LookUp, _>(handle) {
            Some(begun) => begun,
            // SAFETY: as the caller promises.
            None => unsafe { LookUp::begin(arguments::unhooked(handle, at("producer"))?, topic, wait.left)? },
        };
        let Some(queues) = look_up.wait(wait) else {
            let answer = look_up.answer.clone();
            return Ok(cancel::asleep(handle, look_up, &answer));
        };
        let queues = queues?;
        if let Some((out, stride)) = room {
            if capacity < queues.len() {
                let why = format_args!("is {capacity}, topic {topic} has {} queues", queues.len());
                return Err(at("capacity").refuse(why));
            }
            for (i, (broker_name, queue_id)) in queues.iter().enumerate() {
                // SAFETY: the caller promises `capacity` elements of the size it wrote into the first.
                unsafe {
                    arguments::fill_struct(out.byte_add(i * stride), stride, |place| {
                        let place = place.as_ptr();
                        (*place).queue_id = *queue_id;
                        write_text(broker_name, &raw mut (*place).broker_name);
                    });
                }
            }
        }
        out_count.write(queues.len());
        Ok(Slice::Done(Ok(())))
    })
}

/// A look-up that a thread waits for. Its producer may be destroyed meanwhile.
struct LookUp {
    answer: CompletionQueue,
    _producer: Arc<ProducerObject>,
}

impl LookUp {
    fn begin(producer: &Arc<ProducerObject>, topic: &str, timeout: Duration) -> Result<Arc<Self>, Error> {
        // The answer comes from the I/O thread, which would wait for itself here.
        producer.core.check_wait()?;
        let answer = CompletionQueue::new();
        producer.core.look_up(topic, timeout, &answer, Tag(0, 0))?;
        Ok(Arc::new(Self { answer, _producer: Arc::clone(producer) }))
    }

    /// `None`: the slice has passed. The answer comes by the deadline; if not, the I/O thread is held up.
    fn wait(&self, wait: Wait) -> Option<Result<Vec<(String, i32)>, Error>> {
        let mut events = Vec::with_capacity(1);
        self.answer.poll(&mut events, 1, wait.slice());
        if events.is_empty() && wait.is_last() {
            self.answer.poll(&mut events, 1, HELD_UP);
        }
        match events.pop() {
            Some(Event::Routed(routed)) => Some(routed.result),
            _ if wait.is_last() => Some(Err(Error::new(
                ErrorCode::Timeout,
                "a look-up without an end: the I/O thread is held up",
            ))),
            _ => None,
        }
    }
}

/// So long after its deadline nothing comes any more.
const HELD_UP: Duration = Duration::from_secs(1);

/// Looks the queues of a topic up without waiting: the event `RMQ_EVENT_ROUTED` comes to `queue` with `opaque`, once, within
/// `timeout_ms` (negative: without bound); at once if the topic is known. After it, `rmq_producer_queues` with a timeout of
/// 0 gives the queues, and the first send to the topic waits for no name server.
///
/// Errors, and then there is no event: `MESSAGE_ILLEGAL` for a bad name of a topic; `WOULD_DEADLOCK` from a hook or a
/// selector; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`. Errors of the event: those of `rmq_producer_queues`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_look_up(
    producer: *mut rmq_producer_t,
    topic: *const c_char,
    timeout_ms: i64,
    queue: *mut rmq_queue_t,
    opaque: *mut c_void,
) -> *mut rmq_error_t {
    armour!(rmq_producer_look_up(producer: unhooked, topic: text, queue: handle) {
        producer.core.look_up(topic, arguments::wait(timeout_ms), &queue.core, send::tag(opaque))
    })
}
