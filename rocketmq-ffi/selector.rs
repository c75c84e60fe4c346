//! Choosing a queue of a topic for a message.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use rocketmq_producer::{NamedSelector, QueueRef, QueueSelector};

use crate::inside_hook;

/// The next queue in turn; after a failure one of another broker.
pub const RMQ_QUEUE_ROUND_ROBIN: i32 = 0;
/// A queue by chance, kept in every attempt.
pub const RMQ_QUEUE_RANDOM: i32 = 1;
/// The queue that the Java client's `SelectMessageQueueByHash` takes for `sharding_number`, kept in every attempt.
pub const RMQ_QUEUE_BY_NUMBER: i32 = 2;

/// A queue of a topic that a selector may choose. Functions of yours index an array of these, so this struct keeps its size
/// for ever; what a later version has to add comes by another type of function.
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

/// A selector of the program's.
#[derive(Clone, Copy)]
pub(crate) struct CSelector {
    function: SelectorFn,
    opaque: *mut c_void,
}

impl CSelector {
    pub(crate) fn new(function: SelectorFn, opaque: *mut c_void) -> Self {
        Self { function, opaque }
    }
}

// SAFETY: the header demands a function that may be called from any thread with its opaque pointer.
unsafe impl Send for CSelector {}
// SAFETY: and from several threads at once.
unsafe impl Sync for CSelector {}

impl NamedSelector for CSelector {
    fn share(&self) -> Arc<dyn QueueSelector> {
        Arc::new(*self)
    }

    fn id(&self) -> (usize, usize) {
        ((self.function as *const ()).addr(), self.opaque.addr())
    }
}

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
}
