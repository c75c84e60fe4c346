//! A panic in a hook stops at the hook.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::log::{Log, LogTarget};

/// What the hook gave; `None`: it panicked, which the log tells.
pub(crate) fn guarded<T>(log: &Log, name: &str, hook: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(hook))
        .map_err(|payload| {
            let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
                (Some(text), _) => (*text).to_owned(),
                (None, Some(text)) => text.clone(),
                (None, None) => "no text".to_owned(),
            };
            // The payload's own end may panic again.
            std::mem::forget(payload);
            log.error(LogTarget::Hooks, || format!("the {name} hook panicked and is ignored: {text}"));
        })
        .ok()
}
