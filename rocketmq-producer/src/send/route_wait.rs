//! Waiting for a route without a message.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use crate::completion::LAST_RESORT;
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::producer_id::ProducerId;
use crate::routing::RouteWaiter;
use crate::sys::Moment;

/// Tells a waiting thread that a look-up has ended.
pub(crate) struct RouteWait {
    deadline: Moment,
    producer: ProducerId,
    told: Sender<Result<(), Error>>,
}

/// The waiting thread's end.
pub(crate) struct Waiting(Receiver<Result<(), Error>>);

impl RouteWait {
    pub(crate) fn new(deadline: Moment, producer: ProducerId) -> (Self, Waiting) {
        let (told, waiting) = channel();
        (Self { deadline, producer, told }, Waiting(waiting))
    }

    fn tell(&self, outcome: Result<(), Error>) {
        // The receiver waits until it has this.
        let _ = self.told.send(outcome);
    }
}

impl Waiting {
    /// Waits for the end of the look-up, which comes by the deadline.
    pub(crate) fn wait(self, deadline: Moment) -> Result<(), Error> {
        self.0.recv_timeout(deadline.since(Moment::now()) + LAST_RESORT).unwrap_or_else(|cause| {
            let code = match cause {
                RecvTimeoutError::Timeout => ErrorCode::Timeout,
                RecvTimeoutError::Disconnected => ErrorCode::Internal,
            };
            Err(Error::new(code, "a look-up without an end").with_source(cause))
        })
    }
}

impl RouteWaiter for RouteWait {
    fn deadline(&self) -> Moment {
        self.deadline
    }

    fn producer(&self) -> ProducerId {
        self.producer
    }

    fn takes_turns(&self) -> bool {
        false
    }

    fn routed(self: Box<Self>, _: &mut Deferred) {
        self.tell(Ok(()));
    }

    fn unrouted(self: Box<Self>, error: Error, _: &mut Deferred) {
        self.tell(Err(error));
    }
}
