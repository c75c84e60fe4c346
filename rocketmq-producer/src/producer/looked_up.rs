//! Waiting for a route without a message.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use crate::completion::{LAST_RESORT, Wakes};
use crate::error::{Error, ErrorCode};
use crate::routing::RouteWaiter;
use crate::sys::Moment;

/// Tells a waiting thread that a look-up has ended.
pub(super) struct LookedUp {
    deadline: Moment,
    owner: usize,
    told: Sender<Result<(), Error>>,
}

/// The waiting thread's end.
pub(super) struct Waiting(Receiver<Result<(), Error>>);

impl LookedUp {
    pub(super) fn new(deadline: Moment, owner: usize) -> (Self, Waiting) {
        let (told, waiting) = channel();
        (Self { deadline, owner, told }, Waiting(waiting))
    }

    fn tell(&self, outcome: Result<(), Error>) {
        // The receiver waits until it has this.
        let _ = self.told.send(outcome);
    }
}

impl Waiting {
    /// Waits for the end of the look-up, which comes by the deadline.
    pub(super) fn wait(self, deadline: Moment) -> Result<(), Error> {
        self.0.recv_timeout(deadline.since(Moment::now()) + LAST_RESORT).unwrap_or_else(|cause| {
            let code = match cause {
                RecvTimeoutError::Timeout => ErrorCode::Timeout,
                RecvTimeoutError::Disconnected => ErrorCode::Internal,
            };
            Err(Error::new(code, "a look-up without an end").with_source(cause))
        })
    }
}

impl RouteWaiter for LookedUp {
    fn deadline(&self) -> Moment {
        self.deadline
    }

    fn owner(&self) -> usize {
        self.owner
    }

    fn takes_turns(&self) -> bool {
        false
    }

    fn routed(self: Box<Self>, _: &mut Wakes) {
        self.tell(Ok(()));
    }

    fn unrouted(self: Box<Self>, error: Error, _: &mut Wakes) {
        self.tell(Err(error));
    }
}
