//! Waiting for what the core tells: without the interpreter, or through the hub where threads are greenlets. Ctrl-C ends
//! it.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use rocketmq_producer::{CompletionQueue, Error, ErrorCode, Event, sys};

use crate::error::{raise, refuse};
use crate::hub::Hub;
use crate::timeout::{SIGNAL_SLICE, UNBOUNDED};

/// So many events are taken at once.
const EVENTS: usize = 256;

/// Waits for events or a ring, at most so long or until it is time to look for signals.
///
/// # Errors
/// What ended the wait: what a signal handler raised, or what was thrown into the greenlet. Then the queue is closed, so
/// that late events are dropped. `ForkedError` in a child that was forked meanwhile.
pub(crate) fn wait(
    py: Python<'_>,
    queue: &CompletionQueue,
    events: &mut Vec<Event>,
    at_most: Duration,
) -> PyResult<()> {
    let Some(hub) = Hub::current(py)? else {
        py.detach(|| queue.poll(events, EVENTS, at_most.min(SIGNAL_SLICE)));
        return if events.is_empty() { look_for_signals(py, queue) } else { Ok(()) };
    };
    let generation = sys::fork_generation();
    let waited = hub.wait(queue, at_most);
    if sys::is_forked(generation) {
        // A copy of the greenlet. The queue and its descriptor are the parent's.
        return Err(raise(&Error::forked()));
    }
    waited.inspect_err(|_| queue.close())?;
    queue.poll(events, EVENTS, Duration::ZERO);
    Ok(())
}

/// Looks for signals; for calls that go on though events came, of which there may be no end.
///
/// # Errors
/// What a signal handler raised. Then the queue is closed, so that late events are dropped.
pub(crate) fn look_for_signals(py: Python<'_>, queue: &CompletionQueue) -> PyResult<()> {
    py.check_signals().inspect_err(|_| queue.close())
}

/// Tells the outcome of a call of the core from another thread, once; the end of the wait when it is dropped without.
pub(crate) struct Teller<T> {
    sender: Option<SyncSender<T>>,
    queue: CompletionQueue,
}

impl<T> Teller<T> {
    pub(crate) fn tell(mut self, outcome: T) {
        if let Some(sender) = self.sender.take() {
            // Nobody listens any more after a signal.
            let _ = sender.send(outcome);
        }
    }
}

impl<T> Drop for Teller<T> {
    fn drop(&mut self) {
        self.sender = None;
        self.queue.ring();
    }
}

/// Starts a call of the core and waits for what is told, looking for signals meanwhile. After a signal the call is left to
/// end by its own timeout.
///
/// # Errors
/// As [`wait`].
pub(crate) fn told<T>(py: Python<'_>, start: impl FnOnce(Teller<T>)) -> PyResult<T> {
    let queue = CompletionQueue::new();
    let (sender, receiver): (_, Receiver<T>) = sync_channel(1);
    start(Teller { sender: Some(sender), queue: queue.clone() });
    loop {
        match receiver.try_recv() {
            Ok(outcome) => return Ok(outcome),
            Err(TryRecvError::Empty) => wait(py, &queue, &mut Vec::new(), UNBOUNDED)?,
            Err(TryRecvError::Disconnected) => {
                return Err(refuse(ErrorCode::Internal, "a call of the core has no outcome"));
            }
        }
    }
}

/// Runs a blocking call of the core on a thread of its own and waits for it as [`told`] does.
///
/// # Errors
/// As [`wait`]; `SystemError` if there is no thread.
pub(crate) fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    call: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let mut refused = None;
    let outcome = told(py, |teller| {
        let run = move || teller.tell(call());
        let thread =
            sys::with_signals_blocked(|| thread::Builder::new().name("rmq-wait".to_owned()).spawn(run));
        refused = thread.err();
    });
    match refused {
        Some(cause) => Err(refuse(ErrorCode::System, format!("no thread to wait on: {cause}"))),
        None => outcome,
    }
}
