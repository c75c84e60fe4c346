//! How events reach the caller.
//!
//! ```text
//! I/O thread                                                    the program's threads
//!
//! an answer, a ──▶ Completion ─┬─▶ CompletionQueue ──┬─▶ poll
//! deadline, the                │   (wake-up owed,    ├─▶ descriptor, then poll without waiting
//! end of a look-up             │    see `deferred`)  └─▶ DeliveryThread ──▶ handler: &Event
//!                              │          ▲
//!                              │          └── room again (`flow`): who makes it puts the event here
//!                              └─▶ dyn Complete ─┬─▶ Waiter ──▶ the thread that called `send`
//!                                                ├─▶ Promise ─▶ a Rust future
//!                                                └─▶ whatever a room above has need of
//! ```
//!
//! Each accepted send goes through exactly one of these doors, once: a [`Completion`] is used up by the outcome. A new kind
//! of event is a variant of [`Event`]; queue, descriptor and delivery thread carry it as they carry the others.

mod delivery;
mod event;
mod promise;
mod queue;
mod waiter;

pub use delivery::DeliveryThread;
pub(crate) use event::Queues;
pub use event::{Done, Event, Report, Routed, Tag};
pub(crate) use promise::Promise;
pub use queue::CompletionQueue;
pub(crate) use waiter::Waiter;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode, Persistence};
use crate::flow::{HearsOfRoom, InFlightShare};
use crate::receipt::Receipt;

/// A thread that waits for an outcome gives up so long after the deadline, by its own clock. The engine completes every
/// send by then: this is for what should not happen.
pub(crate) const LAST_RESORT: Duration = Duration::from_secs(1);

/// What a thread that gave up knows.
fn overdue() -> Error {
    let text = "the outcome is overdue: the I/O thread is held up, or the library is at fault";
    Error::new(ErrorCode::Timeout, text).with_persistence(Persistence::PossiblyPersisted)
}

/// The outcome of one send.
pub(crate) type Outcome = Result<Receipt, Error>;

/// A door of any kind, for one outcome.
pub(crate) trait Complete<T>: Send + Sync {
    /// Hands the outcome over. Called once, on any thread, with no lock of the library held; must not wait. What is to be
    /// done when no more outcomes are at hand goes to `deferred`.
    fn complete(&self, outcome: T, deferred: &mut Deferred);
}

impl<T: Send> Complete<T> for mpsc::Sender<T> {
    fn complete(&self, outcome: T, _: &mut Deferred) {
        // Whoever waited may have given up.
        let _ = self.send(outcome);
    }
}

/// Where the outcome of one send goes.
pub(crate) enum Completion {
    /// A completion queue, with the caller's words.
    Queue(CompletionQueue, Tag),
    /// Whoever waits without a queue; `None`: nobody does, as the send is one-way.
    Caller(Option<Arc<dyn Complete<Outcome>>>),
}

/// Each send in flight has one.
const _: () = assert!(size_of::<Completion>() <= 24);

impl Completion {
    /// Hands over the outcome. Queues and threads are woken when `deferred` is settled, once each.
    pub(crate) fn complete(self, result: Outcome, share: InFlightShare, deferred: &mut Deferred) {
        match self {
            Self::Queue(queue, tag) => queue.put(Event::Outcome(Report { tag, result, share }), deferred),
            Self::Caller(caller) => {
                drop(share);
                if let Some(caller) = caller {
                    caller.complete(result, deferred);
                }
            }
        }
    }

    /// Whether nobody hears of the outcome.
    pub(crate) fn is_nobodys(&self) -> bool {
        matches!(self, Self::Caller(None))
    }

    /// Who hears of room if the send is refused for want of it.
    pub(crate) fn hears_of_room(&self) -> Option<Arc<dyn HearsOfRoom>> {
        match self {
            Self::Queue(queue, _) => Some(queue.hears_of_room()),
            Self::Caller(_) => None,
        }
    }
}
