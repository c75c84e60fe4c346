//! How requests and connections of a channel end without an answer.
//!
//! | what happens | what fails | who tells it |
//! | --- | --- | --- |
//! | a producer gives up ([`abort`](Channel::abort)) | what is its own | the caller |
//! | nobody needs the address any more ([`forget`](Channel::forget)) | all, and all that comes | the caller |
//! | the connection ends ([`end`](Channel::end)) | all | the connection's task, in turns |
//! | the task of the connection panics ([`stopped`](Channel::stopped)) | all | who tells of the task's end |

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Channel;
use crate::deferred::Deferred;
use crate::log::LogTarget;
use crate::producer_id::ProducerId;
use crate::remoting::exchange::{Failure, FailureKind};
use crate::remoting::reach;
use crate::remoting::state::Phase;
use crate::remoting::turn::TURN;
use crate::sys::Moment;
use crate::task::{self, Stopped};

impl Channel {
    /// Whether requests wait for answers here, or for being told of their end.
    pub(in crate::remoting) fn is_busy(&self) -> bool {
        let state = self.state.lock();
        state.in_flight.len() > 0 || state.has_failed()
    }

    #[cfg(test)]
    pub(crate) fn is_forgotten(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Forgotten)
    }

    /// Fails what the producer has here. What was written may still be acted on by the peer.
    pub(crate) fn abort(&self, producer: ProducerId) {
        let mut deferred = Deferred::default();
        let failure = Failure::new(FailureKind::Aborted);
        let gone = self.state.lock().take_gone(|exchange, _| exchange.producer() == producer);
        for (exchange, sent) in gone {
            exchange.failed(failure.sent(sent), &mut deferred);
        }
    }

    /// Ends the connection, if there is one, for good; what is in flight on it fails.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock();
        let stream = state.reset(&forgotten());
        state.phase = Phase::Forgotten;
        drop(state);
        if let Some(stream) = stream {
            stream.shut_down();
        }
        self.tell_all_failed();
        self.attention.notify_one();
    }

    /// The end of a connection, found by its task: everything on it has failed, unless it was closed before.
    pub(in crate::remoting) fn end(&self, epoch: u64, failure: &Failure, was_useful: bool) {
        let mut state = self.state.lock();
        let (mut stream, mut in_doubt) = (None, 0);
        let line = if !state.is_current(epoch) {
            Some(reach::ended(&self.address, failure))
        } else {
            in_doubt = state.oneways_in_doubt;
            stream = state.reset(failure);
            match was_useful {
                true => Some(state.reach.ended(&self.address, failure)),
                false => state.reach.failed(&self.address, failure, Moment::now()),
            }
        };
        drop(state);
        if let Some(line) = line {
            self.options.log.info(LogTarget::Remoting, || line);
        }
        if in_doubt > 0 {
            self.options.log.warn(LogTarget::Remoting, || {
                let address = &self.address;
                format!(
                    "{in_doubt} one-way messages written to {address} since it was last heard of may be lost"
                )
            });
        }
        if let Some(stream) = stream {
            stream.shut_down();
        }
    }

    /// The task of a connection is gone before its time.
    pub(super) fn stopped(&self, epoch: u64, stopped: Stopped) {
        let was_open = self.is_open();
        let kind = if was_open { FailureKind::Lost } else { FailureKind::Connect };
        self.end(epoch, &Failure::because(kind, stopped), false);
        // Whatever it panicked about, the others are told.
        while let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.tell_all_failed())) {
            drop(task::panic_text(panic));
        }
    }

    /// Tells those that have failed, for the time of a turn; `true`: there are more.
    pub(in crate::remoting) fn tell_failed(&self, deferred: &mut Deferred) -> bool {
        let began = Moment::now();
        loop {
            let Some((exchange, failure)) = self.state.lock().take_failed() else { return false };
            exchange.failed(failure, deferred);
            if began.elapsed() >= TURN {
                return self.state.lock().has_failed();
            }
        }
    }

    fn tell_all_failed(&self) {
        let mut deferred = Deferred::default();
        while self.tell_failed(&mut deferred) {}
    }
}

/// Why a channel that nobody will find any more takes no request.
pub(super) fn forgotten() -> Failure {
    Failure::because(FailureKind::Lost, io::Error::other("no route names this address any more"))
}
