//! Waiting for a route without a message.

use std::sync::Arc;

use crate::completion::{Complete, Queues};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::producer_id::ProducerId;
use crate::routing::{RouteWaiter, Topic};
use crate::sys::Moment;

/// Hands the queues of a topic over when its look-up has ended, once, whatever becomes of it.
pub(crate) struct RouteWait {
    topic: Arc<Topic>,
    deadline: Moment,
    producer: ProducerId,
    /// `None`: told.
    door: Option<Arc<dyn Complete<Queues>>>,
}

impl RouteWait {
    pub(crate) fn new(
        topic: Arc<Topic>,
        deadline: Moment,
        producer: ProducerId,
        door: Arc<dyn Complete<Queues>>,
    ) -> Self {
        Self { topic, deadline, producer, door: Some(door) }
    }

    fn tell(&mut self, queues: Queues, deferred: &mut Deferred) {
        if let Some(door) = self.door.take() {
            door.complete(queues, deferred);
        }
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

    fn routed(mut self: Box<Self>, deferred: &mut Deferred) {
        let queues = self.topic.queues();
        let refs = queues.as_ref().map(|queues| queues.refs()).unwrap_or_default();
        let refs = refs.iter().map(|queue| (queue.broker_name.to_owned(), queue.queue_id)).collect();
        self.tell(Ok(refs), deferred);
    }

    fn unrouted(mut self: Box<Self>, error: Error, deferred: &mut Deferred) {
        self.tell(Err(error), deferred);
    }
}

impl Drop for RouteWait {
    fn drop(&mut self) {
        if self.door.is_some() {
            let text = format!(
                "the look-up of topic {} was given up: a part of the library panicked",
                self.topic.name
            );
            self.tell(Err(Error::new(ErrorCode::Internal, text)), &mut Deferred::default());
        }
    }
}
