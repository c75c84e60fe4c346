//! The queues of a topic: listing them, and choosing one for a message.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::Arc;

use rocketmq_producer::{Error, QueueRef, QueueSelector};
use smallvec::SmallVec;

use crate::arguments::{self, Argument, SizedStruct};
use crate::armour::armour;
use crate::error::rmq_error_t;
use crate::inside_hook;
use crate::producer::rmq_producer_t;
use crate::receipt::write_text;

/// The next queue in turn; after a failure one of another broker.
pub const RMQ_QUEUE_ROUND_ROBIN: i32 = 0;
/// A queue by chance, kept in every attempt.
pub const RMQ_QUEUE_RANDOM: i32 = 1;
/// The queue that the Java client's `SelectMessageQueueByHash` takes for `sharding_number`, kept in every attempt.
pub const RMQ_QUEUE_BY_NUMBER: i32 = 2;

/// A queue of a topic that a selector may choose.
#[repr(C)]
pub struct rmq_queue_ref_t {
    /// The name of its broker. Lives until the selector returns.
    pub broker_name: *const c_char,
    /// Its number at that broker.
    pub queue_id: i32,
    /// Zero.
    pub reserved: i32,
}

/// Chooses the queue of a message: gives the index of one of the `count` queues, which stand in the Java client's
/// order (broker by broker, each by number). -1, or whatever is no index, fails the send as `FORBIDDEN`.
///
/// Called at most once for a message, whatever is tried after it, and once for a whole batch: in the send call if
/// the route of the topic is known, else on the I/O thread. For several messages it is called from several threads at
/// once, also with one `opaque`. So it must be quick and must not wait. It may call the
/// functions of errors; those of producers that send or wait answer `WOULD_DEADLOCK`. It must return; no C++ exception
/// may leave it.
pub type rmq_selector_fn =
    Option<unsafe extern "C" fn(queues: *const rmq_queue_ref_t, count: usize, opaque: *mut c_void) -> i32>;

type SelectorFn = unsafe extern "C" fn(*const rmq_queue_ref_t, usize, *mut c_void) -> i32;

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

/// A selector of the program's.
#[derive(Clone, Copy)]
struct CSelector {
    function: SelectorFn,
    opaque: *mut c_void,
}

impl CSelector {
    fn is(&self, other: &Self) -> bool {
        ptr::fn_addr_eq(self.function, other.function) && self.opaque == other.opaque
    }
}

// SAFETY: the header demands a function that may be called from any thread with its opaque pointer.
unsafe impl Send for CSelector {}
// SAFETY: and from several threads at once.
unsafe impl Sync for CSelector {}

impl QueueSelector for CSelector {
    fn select(&self, queues: &[QueueRef<'_>]) -> Option<usize> {
        let names = Names::of(queues);
        let queues: Vec<rmq_queue_ref_t> = queues
            .iter()
            .zip(&names.starts)
            .map(|(queue, start)| rmq_queue_ref_t {
                broker_name: names.text[*start..].as_ptr().cast(),
                queue_id: queue.queue_id,
                reserved: 0,
            })
            .collect();
        let Self { function, opaque } = *self;
        // SAFETY: the caller's function with its opaque pointer; names end with NUL and live until it returns.
        let index = inside_hook::run(|| unsafe { function(queues.as_ptr(), queues.len(), opaque) });
        usize::try_from(index).ok()
    }
}

/// The names of the brokers of some queues, each with a NUL, and where that of each queue starts. Neighbours with
/// one broker share its name.
struct Names {
    text: Vec<u8>,
    starts: Vec<usize>,
}

impl Names {
    fn of(queues: &[QueueRef<'_>]) -> Self {
        let mut names = Self { text: Vec::new(), starts: Vec::with_capacity(queues.len()) };
        let mut last = None;
        for queue in queues {
            let start = match last {
                Some((name, start)) if name == queue.broker_name => start,
                _ => {
                    let start = names.text.len();
                    names.text.extend_from_slice(queue.broker_name.as_bytes());
                    names.text.push(0);
                    start
                }
            };
            last = Some((queue.broker_name, start));
            names.starts.push(start);
        }
        names
    }
}

/// The selectors of the messages of one call.
#[derive(Default)]
pub(crate) struct Selectors(SmallVec<[(CSelector, Arc<dyn QueueSelector>); 1]>);

impl Selectors {
    /// Where it stands now. Neighbours with the same function and opaque pointer have the same selector, so that
    /// they may be of one batch.
    pub(crate) fn add(&mut self, function: SelectorFn, opaque: *mut c_void) -> Result<usize, Error> {
        let selector = CSelector { function, opaque };
        if self.0.last().is_none_or(|(last, _)| !last.is(&selector)) {
            arguments::push(&mut self.0, (selector, Arc::new(selector)))?;
        }
        Ok(self.0.len() - 1)
    }

    pub(crate) fn get(&self, position: usize) -> &Arc<dyn QueueSelector> {
        &self.0[position].1
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
pub unsafe extern "C" fn rmq_producer_queues(
    producer: *mut rmq_producer_t,
    topic: *const c_char,
    timeout_ms: i64,
    out: *mut rmq_message_queue_t,
    capacity: usize,
    out_count: *mut usize,
) -> *mut rmq_error_t {
    armour!(rmq_producer_queues(producer: unhooked, topic: text, out: optional_array, out_count: out) {
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
        let queues = Arc::clone(producer).core.queues(topic, arguments::wait(timeout_ms))?;
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
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_broker_share_its_name() {
        let queue = |broker_name, queue_id| QueueRef { broker_name, queue_id };
        let names = Names::of(&[queue("a", 0), queue("a", 1), queue("b", 0), queue("a", 2)]);
        assert_eq!(names.text, b"a\0b\0a\0");
        assert_eq!(names.starts, [0, 0, 2, 4]);
    }

    #[test]
    fn neighbours_with_one_function_and_opaque_have_one_selector() {
        unsafe extern "C" fn first(_: *const rmq_queue_ref_t, _: usize, _: *mut c_void) -> i32 {
            0
        }
        let mut selectors = Selectors::default();
        let opaque = |number| ptr::without_provenance_mut(number);
        let positions = [8, 8, 16, 8].map(|number| selectors.add(first, opaque(number)).unwrap());
        assert_eq!(positions, [0, 0, 1, 2]);
    }
}
