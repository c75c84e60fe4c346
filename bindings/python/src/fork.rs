//! Things of the parent process that a forked child holds but must not touch.

use std::mem;

use pyo3::PyResult;
use rocketmq_producer::{Error, sys};

use crate::error::raise;

/// A value with threads or locks behind it. In a forked child, where those threads are gone and the locks may
/// be held for ever, it is forgotten instead of dropped.
pub(crate) struct ForkSafe<T> {
    value: Option<T>,
    generation: u64,
}

impl<T> ForkSafe<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Some(value), generation: sys::fork_generation() }
    }

    /// Whether this process is not the one that made the value.
    pub(crate) fn is_forked(&self) -> bool {
        sys::is_forked(self.generation)
    }

    /// The value, or `ForkedError` in a child process.
    pub(crate) fn get(&self) -> PyResult<&T> {
        match &self.value {
            Some(value) if !self.is_forked() => Ok(value),
            _ => Err(raise(&Error::forked())),
        }
    }
}

impl<T> Drop for ForkSafe<T> {
    fn drop(&mut self) {
        if self.is_forked() {
            mem::forget(self.value.take());
        }
    }
}
