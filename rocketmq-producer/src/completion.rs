//! How outcomes reach the caller: a queue with three doors (poll, descriptor, delivery thread), the waiting
//! caller, or a Rust future. Each accepted send goes through exactly one of them, once.

mod batch_waiter;
mod delivery;
mod queue;
mod waiter;

pub(crate) use batch_waiter::BatchWaiter;
pub use delivery::{DeliveryThread, Event};
pub use queue::CompletionQueue;
pub(crate) use waiter::Waiter;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode, Persistence};
use crate::flow::InFlightShare;
use crate::receipt::Receipt;
use crate::task::panic_text;

/// Two words of the caller's, handed back untouched with the report (C keeps a function and its opaque there).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub usize, pub usize);

/// The outcome of one accepted send. It counts against the in-flight bounds until it is dropped.
#[derive(Debug)]
pub struct Report {
    /// The words given with the send.
    pub tag: Tag,
    /// The receipt, or why there is none.
    pub result: Result<Receipt, Error>,
    pub(crate) _share: InFlightShare,
}

/// A thread that waits for an outcome gives up so long after the deadline, by its own clock. The engine completes every
/// send by then: this is for what should not happen.
pub(crate) const LAST_RESORT: Duration = Duration::from_secs(1);

/// What a thread that gave up knows.
fn overdue() -> Error {
    let text = "the outcome is overdue: the I/O thread is held up, or the library is at fault";
    Error::new(ErrorCode::Timeout, text).with_persistence(Persistence::PossiblyPersisted)
}

/// Where the outcome of one send goes.
pub(crate) enum Completion {
    /// A completion queue, with the caller's words.
    Queue(CompletionQueue, Tag),
    Caller(Caller),
}

/// A caller without a queue.
pub(crate) enum Caller {
    /// The thread that called `send` waits for it.
    Waiter(Arc<Waiter>),
    /// The thread that called `send_batch` waits for it and others; the number is its place among them.
    Batch(Arc<BatchWaiter>, u32),
    /// A Rust future.
    Future(oneshot::Sender<Result<Receipt, Error>>),
    /// A one-way send: nobody waits.
    Nobody,
}

impl Completion {
    /// Hands over the outcome. Queues and threads are woken when `deferred` is settled, once each.
    pub(crate) fn complete(
        self,
        result: Result<Receipt, Error>,
        share: InFlightShare,
        deferred: &mut Deferred,
    ) {
        let caller = match self {
            Self::Queue(queue, tag) => {
                if queue.push(Report { tag, result, _share: share }) {
                    deferred.wake(queue.0 as _);
                }
                return;
            }
            Self::Caller(caller) => caller,
        };
        drop(share);
        match caller {
            Caller::Waiter(waiter) => {
                if let Some(parker) = waiter.complete(result) {
                    deferred.unpark(parker);
                }
            }
            Caller::Batch(waiter, index) => waiter.complete(index as usize, result),
            Caller::Future(sender) => {
                // The receiver is gone when the future was dropped; nobody wants the outcome then. Else its executor's
                // code runs here, and a panic of that is no other send's concern.
                let sent = catch_unwind(AssertUnwindSafe(|| drop(sender.send(result))));
                sent.unwrap_or_else(|panic| drop(panic_text(panic)));
            }
            Caller::Nobody => {}
        }
    }
}
