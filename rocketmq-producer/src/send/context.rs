//! What all sends of one producer share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::pauses::Pauses;
use super::shipment::Lanes;
use crate::client::ClientInstance;
use crate::completion::LAST_RESORT;
use crate::config::Settings;
use crate::flow::Bounds;
use crate::producer_id::ProducerId;
use crate::routing::FaultStrategy;
use crate::stats::Recorder;
use crate::sys::Moment;

/// What a send has need of on its way. It lives until the last send of the producer has its outcome.
pub(crate) struct SendContext {
    pub(crate) producer: ProducerId,
    pub(crate) settings: Settings,
    pub(crate) client: Arc<ClientInstance>,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) recorder: Recorder,
    pub(crate) faults: Option<Arc<FaultStrategy>>,
    /// `None`: each message is a request of its own.
    pub(crate) lanes: Option<Arc<Lanes>>,
    pub(crate) pauses: Arc<Pauses>,
    /// No new attempts: what is left completes as closed.
    pub(crate) aborted: AtomicBool,
    /// The log has told that brokers ask about transactions.
    pub(crate) told_of_checks: AtomicBool,
}

/// The bounds hear of outcomes when many of them were handed over (see `deferred.rs`), and whoever has his may ask before
/// that. So a wait whose time is over goes on while all that was accepted has its outcome by the counters, which are written
/// before it is handed over: it looks again so often, and at most so long.
const TELLING: Duration = Duration::from_millis(1);
const TELLING_LIMIT: Duration = LAST_RESORT;

/// From when until when one send lasts.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) started: Moment,
    pub(crate) deadline: Moment,
}

/// How a send waits and retries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Sync,
    Async,
    Oneway,
}

impl SendContext {
    /// Milliseconds since 1970 at this moment.
    pub(crate) fn wall_ms(&self, moment: Moment) -> u64 {
        self.client.process.process().wall_ms(moment)
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::SeqCst)
    }

    /// What lingers for the sake of a batch, or to be written with others, goes now.
    pub(crate) fn send_now(&self) {
        if let Some(lanes) = &self.lanes {
            lanes.send_now();
        }
        self.client.remoting.send_now();
    }

    /// Waits until every accepted send has its outcome; says whether it has.
    pub(crate) fn wait_settled(&self, deadline: Option<Moment>) -> bool {
        let mut settled = self.bounds.wait_settled(deadline);
        let end = Moment::now() + TELLING_LIMIT;
        while !settled && self.recorder.have_all_ended() && Moment::now() < end {
            settled = self.bounds.wait_settled(Some(Moment::now() + TELLING));
        }
        settled
    }

    /// The same for a task.
    pub(crate) async fn settled_by(&self, timeout: Duration) -> bool {
        let mut settled = self.bounds.settled_by(timeout).await;
        let end = Moment::now() + TELLING_LIMIT;
        while !settled && self.recorder.have_all_ended() && Moment::now() < end {
            settled = self.bounds.settled_by(TELLING).await;
        }
        settled
    }

    /// Completes everything that is left. Sends that are between two steps see the flag at the next one.
    pub(crate) fn abort(&self) {
        self.aborted.store(true, Ordering::SeqCst);
        self.client.routes.abort(self.producer);
        self.pauses.abort();
        if let Some(lanes) = &self.lanes {
            lanes.abort();
        }
        self.client.remoting.abort(self.producer);
    }
}

impl Drop for SendContext {
    fn drop(&mut self) {
        if let Some(lanes) = &self.lanes {
            lanes.end();
        }
        self.pauses.end();
    }
}
