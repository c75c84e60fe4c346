//! The delivery thread: takes what its queue has and lends it to a handler, in order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread::ThreadId;
use std::time::Duration;

use super::{CompletionQueue, Event};
use crate::error::{Error, ErrorCode};
use crate::flow::GivenBack;
use crate::sync::{Condvar, Mutex};
use crate::sys::{self, Moment};
use crate::task;

/// A thread of its own for callbacks: a slow handler delays later callbacks, never the network.
pub struct DeliveryThread {
    queue: CompletionQueue,
    thread: ThreadId,
    progress: Arc<Progress>,
    generation: u64,
}

/// How far the thread has come, for those who wait for it.
struct Progress {
    /// Events that were handled, and whose outcomes are out of the bounds.
    handled: AtomicU64,
    /// The number handled at which somebody wants to be woken; [`NOBODY`] if none does. So a flush that waits does not slow
    /// the callbacks it waits for.
    wake_at: AtomicU64,
    ended: Mutex<bool>,
    changed: Condvar,
}

const NOBODY: u64 = u64::MAX;

impl Default for Progress {
    fn default() -> Self {
        Self {
            handled: AtomicU64::new(0),
            wake_at: AtomicU64::new(NOBODY),
            ended: Mutex::default(),
            changed: Condvar::default(),
        }
    }
}

impl Progress {
    /// One more. Only the delivery thread says so.
    fn step(&self) {
        let handled = self.handled.fetch_add(1, SeqCst) + 1;
        if handled >= self.wake_at.load(SeqCst) {
            // All who wait; those who wait on say so again.
            let guard = self.ended.lock();
            self.wake_at.store(NOBODY, SeqCst);
            drop(guard);
            self.changed.notify_all();
        }
    }

    fn end(&self) {
        *self.ended.lock() = true;
        self.changed.notify_all();
    }

    /// Waits for the end, or until so many were handled; says whether it is so.
    fn wait(&self, handled: u64, deadline: Option<Moment>) -> bool {
        let mut ended = self.ended.lock();
        let mut in_time = true;
        loop {
            // Before the look: the step that comes after it sees the wish.
            self.wake_at.fetch_min(handled, SeqCst);
            if *ended || self.handled.load(SeqCst) >= handled {
                return true;
            }
            if !in_time {
                return false;
            }
            match deadline {
                Some(deadline) => in_time = !self.changed.wait_until(&mut ended, deadline).timed_out(),
                None => self.changed.wait(&mut ended),
            }
        }
    }
}

impl DeliveryThread {
    /// Starts the thread; `handler` is called on it for every event, and must not panic. An outcome counts against the
    /// in-flight bounds until the handler has returned.
    ///
    /// # Errors
    /// `SYSTEM` when the thread cannot be started.
    pub fn start(name: &str, mut handler: impl FnMut(&Event) + Send + 'static) -> Result<Self, Error> {
        let queue = CompletionQueue::new();
        let progress = Arc::<Progress>::default();
        let deliver = {
            let (queue, progress) = (queue.clone(), Arc::clone(&progress));
            move || {
                let mut events = VecDeque::new();
                while queue.take_all(&mut events) {
                    let mut given_back = GivenBack::new();
                    for event in events.drain(..) {
                        handler(&event);
                        if let Event::Outcome(report) = event {
                            given_back.add(report.share);
                        }
                        progress.step();
                    }
                }
            }
        };
        let end = {
            let (queue, progress) = (queue.clone(), Arc::clone(&progress));
            // Also when the handler broke its promise and panicked: then nobody takes what comes.
            move |_| {
                queue.close();
                progress.end();
            }
        };
        let thread = task::thread(name, deliver, end).map_err(|cause| {
            Error::new(ErrorCode::System, format!("the thread {name} cannot be started: {cause}"))
                .with_source(cause)
        })?;
        Ok(Self { queue, thread: thread.id(), progress, generation: sys::fork_generation() })
    }

    /// The queue it serves.
    pub fn queue(&self) -> &CompletionQueue {
        &self.queue
    }

    /// Whether the caller runs on this thread, that is, in a callback.
    pub fn is_current(&self) -> bool {
        std::thread::current().id() == self.thread
    }

    /// Waits until all events that are in the queue now were handled; `false` if they were not in time. In a forked child nobody
    /// handles them: `false` at once.
    pub fn wait_handled(&self, timeout: Duration) -> bool {
        if sys::is_forked(self.generation) {
            return false;
        }
        self.progress.wait(self.queue.events_so_far(), Moment::now().checked_add(timeout))
    }

    /// Delivers what is there and ends. `false`: a callback still runs at the timeout; the thread goes on by
    /// itself and ends after it. From the thread itself it only asks for the end.
    pub fn stop(&self, timeout: Duration) -> bool {
        if sys::is_forked(self.generation) {
            return true;
        }
        self.queue.close();
        self.is_current() || self.progress.wait(NOBODY, Moment::now().checked_add(timeout))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::exit_status_of;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_forked_child_waits_for_no_thread_of_its_parents() {
        let delivery = DeliveryThread::start("rmq-test", |_| {}).expect("a thread");
        let _held = delivery.progress.ended.lock();
        let ended = || delivery.wait_handled(LONG) || !delivery.stop(LONG);
        assert_eq!(exit_status_of(|| i32::from(ended())), 0);
    }
}
