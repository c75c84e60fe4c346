//! The delivery thread: takes what its queue has and hands it to a handler, in order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::Duration;

use crate::sync::{Condvar, Mutex};

use super::{CompletionQueue, Report};
use crate::error::{Error, ErrorCode};
use crate::flow::Lots;
use crate::sys::{self, Moment};
use crate::task;

/// A thread of its own for callbacks: a slow handler delays later callbacks, never the network.
pub struct DeliveryThread {
    queue: CompletionQueue,
    thread: ThreadId,
    ended: Arc<Ended>,
    generation: u64,
}

/// What a delivery thread hands over.
#[derive(Debug)]
pub enum Event {
    /// The outcome of a send.
    Outcome(Report),
    /// There is room within the in-flight bounds again ([`CompletionQueue::tell_writable`]).
    Writable,
}

#[derive(Default)]
struct Ended {
    flag: Mutex<bool>,
    changed: Condvar,
}

impl DeliveryThread {
    /// Starts the thread; `handler` is called on it for every event. It must not panic.
    ///
    /// # Errors
    /// `SYSTEM` when the thread cannot be started.
    pub fn start(name: &str, mut handler: impl FnMut(Event) + Send + 'static) -> Result<Self, Error> {
        let queue = CompletionQueue::new();
        let ended = Arc::new(Ended::default());
        let deliver = {
            let queue = queue.clone();
            move || {
                let mut batch = VecDeque::new();
                while let Some(writable) = queue.take_all(&mut batch) {
                    let lots = Lots::begin();
                    for report in batch.drain(..) {
                        handler(Event::Outcome(report));
                        lots.handled();
                    }
                    drop(lots);
                    if writable {
                        handler(Event::Writable);
                    }
                }
            }
        };
        let end = {
            let (queue, ended) = (queue.clone(), Arc::clone(&ended));
            // Also when the handler broke its promise and panicked: then nobody takes what comes.
            move |_| {
                queue.close();
                *ended.flag.lock() = true;
                ended.changed.notify_all();
            }
        };
        let thread = task::thread(name, deliver, end).map_err(|cause| {
            Error::new(ErrorCode::System, format!("the thread {name} cannot be started: {cause}"))
                .with_source(cause)
        })?;
        Ok(Self { queue, thread: thread.id(), ended, generation: sys::fork_generation() })
    }

    /// The queue it serves.
    pub fn queue(&self) -> &CompletionQueue {
        &self.queue
    }

    /// Whether the caller runs on this thread, that is, in a callback.
    pub fn is_current(&self) -> bool {
        std::thread::current().id() == self.thread
    }

    /// Delivers what is there and ends. `false`: a callback still runs at the timeout; the thread goes on by
    /// itself and ends after it. From the thread itself it only asks for the end.
    pub fn stop(&self, timeout: Duration) -> bool {
        if sys::is_forked(self.generation) {
            return true;
        }
        self.queue.close();
        if self.is_current() {
            return true;
        }
        let deadline = Moment::now().checked_add(timeout);
        let mut ended = self.ended.flag.lock();
        while !*ended {
            match deadline {
                Some(deadline) => {
                    if self.ended.changed.wait_until(&mut ended, deadline).timed_out() {
                        return *ended;
                    }
                }
                None => self.ended.changed.wait(&mut ended),
            }
        }
        true
    }
}

impl Drop for DeliveryThread {
    fn drop(&mut self) {
        // In a forked child there is no thread to end, and a lock may have been copied while it was held.
        if !sys::is_forked(self.generation) {
            self.queue.close();
        }
    }
}

impl fmt::Debug for DeliveryThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryThread").field("queue", &self.queue).finish_non_exhaustive()
    }
}
