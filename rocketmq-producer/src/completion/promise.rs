//! An outcome as a Rust future.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Complete;
use crate::deferred::Deferred;
use crate::sync::Mutex;
use crate::task::panic_text;

/// What will be there once. Kept by whoever completes it; [`Promised`] is the other end. Unlike a channel it is one piece of
/// memory that both hold as what they need.
pub(crate) struct Promise<T>(Mutex<State<T>>);

struct State<T> {
    outcome: Option<T>,
    waker: Option<Waker>,
}

/// The future.
pub(crate) struct Promised<T>(Arc<Promise<T>>);

impl<T> Promise<T> {
    pub(crate) fn new() -> (Arc<Self>, Promised<T>) {
        let promise = Arc::new(Self(Mutex::new(State { outcome: None, waker: None })));
        (Arc::clone(&promise), Promised(promise))
    }
}

impl<T: Send> Complete<T> for Promise<T> {
    fn complete(&self, outcome: T, _: &mut Deferred) {
        let mut state = self.0.lock();
        state.outcome = Some(outcome);
        let waker = state.waker.take();
        drop(state);
        // The executor's code runs here, and a panic of that is no other send's concern.
        let woken = catch_unwind(AssertUnwindSafe(|| waker.map(Waker::wake)));
        if let Err(panic) = woken {
            drop(panic_text(panic));
        }
    }
}

impl<T> Future for Promised<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.0.lock();
        if let Some(outcome) = state.outcome.take() {
            return Poll::Ready(outcome);
        }
        let former = state.waker.replace(context.waker().clone());
        drop(state);
        // Outside the lock: the last one of an executor's wakers may run its code.
        drop(former);
        Poll::Pending
    }
}
