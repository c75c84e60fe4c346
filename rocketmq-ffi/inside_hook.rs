//! Whether this thread runs a hook or a selector of the program. Both may run on the I/O thread, and on a sending
//! thread in the middle of its send: whatever waits for the library there waits for itself, and a send there would
//! come back to the hook.

use std::cell::Cell;

use rocketmq_producer::{Error, ErrorCode};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Calls a function of the program's that is a hook.
pub(crate) fn run<R>(hook: impl FnOnce() -> R) -> R {
    let _inside = Inside::enter();
    hook()
}

/// Whether the caller is such a function.
pub(crate) fn is_current() -> bool {
    DEPTH.get() > 0
}

/// `WOULD_DEADLOCK` if it is.
pub(crate) fn refuse() -> Result<(), Error> {
    if is_current() {
        let text = "called from a hook or a selector, where nothing may send or wait";
        return Err(Error::new(ErrorCode::WouldDeadlock, text));
    }
    Ok(())
}

struct Inside;

impl Inside {
    fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}
