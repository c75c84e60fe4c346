//! Waiting that Ctrl-C ends.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{ErrorCode, Producer, sys};

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

/// Waits until another message has room in flight, for `at_most` or until it is time to look for signals. Room for
/// some message need not be enough for this one: after many refusals it looks again in a moment.
pub(crate) fn wait_for_room(producer: &Producer, at_most: Duration, refusals: u32) {
    const MANY: u32 = 3;
    const MOMENT: Duration = Duration::from_millis(1);
    if refusals >= MANY {
        thread::sleep(at_most.min(MOMENT));
    }
    // Whatever it says, the next send finds out.
    let _ = producer.wait_writable(at_most.min(SIGNAL_SLICE));
}
