//! Waiting that Ctrl-C ends.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;

use pyo3::prelude::*;
use rocketmq_producer::sync::{Condvar, Mutex};
use rocketmq_producer::{ErrorCode, sys};
use std::time::{Duration, Instant};

use crate::error::refuse;
use crate::timeout::SIGNAL_SLICE;

/// Runs a blocking call of the core on a thread of its own and waits for it without the interpreter, looking
/// for signals meanwhile. After a signal the call is left to end by its own timeout.
///
/// # Errors
/// What a signal handler raised; `SystemError` if there is no thread.
pub(crate) fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    call: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = sync_channel(1);
    let wait = move || {
        // Nobody listens any more after a signal.
        let _ = sender.send(call());
    };
    let waiter = sys::with_signals_blocked(|| thread::Builder::new().name("rmq-wait".to_owned()).spawn(wait));
    waiter.map_err(|cause| refuse(ErrorCode::System, format!("no thread to wait on: {cause}")))?;
    let receiver = Mutex::new(receiver);
    loop {
        match py.detach(|| receiver.lock().recv_timeout(SIGNAL_SLICE)) {
            Ok(outcome) => return Ok(outcome),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(refuse(ErrorCode::Internal, "the waiting thread panicked"));
            }
        }
    }
}

/// Where blocked sends wait for room in flight; told by the sends that make room.
#[derive(Default)]
pub(crate) struct Room {
    waiters: Mutex<usize>,
    made: Condvar,
}

impl Room {
    /// One-way sends make room without telling, so waits are short.
    const SLICE: Duration = Duration::from_millis(10);

    /// Waits for a sign of room, for `at_most` or a short slice. Without the interpreter.
    pub(crate) fn wait(&self, at_most: Duration) {
        let mut waiters = self.waiters.lock();
        *waiters += 1;
        self.made.wait_until(&mut waiters, Instant::now() + at_most.min(Self::SLICE));
        *waiters -= 1;
    }

    /// Says that there is room.
    pub(crate) fn tell(&self) {
        if *self.waiters.lock() > 0 {
            self.made.notify_all();
        }
    }
}
