//! A panic in a hook stops at the hook.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::log::{Log, LogTarget};
use crate::task::panic_text;

/// The value that the hook gave; `None`: it panicked, which the log tells.
pub(crate) fn guarded<T>(log: &Log, name: &str, hook: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(hook))
        .map_err(|payload| {
            let text = panic_text(payload);
            log.error(LogTarget::Hooks, || format!("the {name} hook panicked and is ignored: {text}"));
        })
        .ok()
}
