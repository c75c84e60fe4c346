//! Who waits in lanes, and how they leave.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::lane::Permit;
use crate::config::Batching;
use crate::deferred::Deferred;
use crate::error::Error;
use crate::routing::PublishQueue;
use crate::send::{BatchOperation, Origin};
use crate::send::{Operation, SendOperation};
use crate::sys::Moment;

/// The part of its time that a message waits for others' answers or for company: 1 of so many.
const PATIENCE: u32 = 4;

/// Who waits in a lane.
pub(crate) enum Passenger {
    /// With the queue that was chosen for its next attempt, if one was.
    One(Operation, Option<PublishQueue>),
    /// A batch that the program made.
    Batch(Box<BatchOperation>),
}

impl Passenger {
    pub(super) fn deadline(&self) -> Moment {
        match self {
            Self::One(operation, _) => operation.span.deadline,
            Self::Batch(batch) => batch.deadline(),
        }
    }

    /// Since when it waits for company; one that failed already waits no more.
    pub(super) fn arrived(&self) -> Moment {
        match self {
            Self::One(operation, _) if operation.attempts > 0 => operation.span.started,
            Self::One(operation, _) => operation.attempt_started,
            Self::Batch(_) => Moment::now(),
        }
    }

    /// Until when it waits for others' answers, if it need not keep its place among them.
    pub(super) fn wait_limit(&self) -> Option<Moment> {
        match self {
            Self::One(operation, _) if operation.prepared.target.is_any() => Some(end_of_patience(operation)),
            Self::One(..) | Self::Batch(_) => None,
        }
    }

    /// Until when it waits for company.
    pub(super) fn company_end(&self, linger: Duration) -> Moment {
        match self {
            Self::One(operation, _) if operation.may_share() => {
                (self.arrived() + linger).min(end_of_patience(operation))
            }
            Self::One(..) | Self::Batch(_) => self.arrived(),
        }
    }

    /// When the watch must look at it, after `now`.
    pub(super) fn next_check(&self, batching: &Batching, now: Moment) -> Moment {
        let linger = batching.linger.filter(|_| self.may_share());
        let moments = [linger.map(|linger| self.company_end(linger)), self.wait_limit()];
        moments.into_iter().flatten().filter(|moment| *moment > now).fold(self.deadline(), Moment::min)
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::One(operation, _) => operation.prepared.marked_item_len(),
            Self::Batch(_) => 0,
        }
    }

    pub(super) fn may_share(&self) -> bool {
        matches!(self, Self::One(operation, _) if operation.may_share())
    }

    pub(super) fn may_join(&self, first: &Passenger) -> bool {
        let (Self::One(own, _), Self::One(first, _)) = (self, first) else { return false };
        let alike = own.prepared.wait_store_ok == first.prepared.wait_store_ok;
        // An attempt that is cut short and one that is the last do not end together.
        let alike = alike && own.may_be_cut_short() == first.may_be_cut_short();
        alike && own.may_share() && first.may_share()
    }

    pub(super) fn depart(self, permit: Permit, deferred: &mut Deferred) {
        match self {
            Self::One(operation, chosen) => operation.depart(chosen, permit, deferred),
            Self::Batch(batch) => batch.depart(permit, deferred),
        }
    }

    pub(super) fn give_up(self, error: &Error, deferred: &mut Deferred) {
        match self {
            Self::One(operation, _) => operation.give_up(error.clone(), deferred),
            Self::Batch(batch) => batch.give_up(error, deferred),
        }
    }
}

fn end_of_patience(operation: &SendOperation) -> Moment {
    let span = &operation.span;
    span.started + span.deadline.since(span.started) / PATIENCE
}

/// One passenger by itself, or several as one batch.
pub(super) fn depart_together(
    mut passengers: Vec<Passenger>,
    permit: Permit,
    now: Moment,
    deferred: &mut Deferred,
) {
    if passengers.len() == 1
        && let Some(mut passenger) = passengers.pop()
    {
        if let Passenger::One(operation, _) = &mut passenger {
            operation.begin_next(now);
        }
        return passenger.depart(permit, deferred);
    }
    // The choice of a member by chance: were it always the first one's, full batches, as long as a multiple of the number
    // of queues, would all go to one queue.
    let chance = RandomState::new().hash_one(passengers.len()) as usize % passengers.len().max(1);
    let mut chosen = None;
    let members = passengers.into_iter().enumerate().filter_map(|(index, passenger)| match passenger {
        Passenger::One(operation, queue) => {
            if index == chance {
                chosen = queue;
            }
            Some(operation)
        }
        // Those travel by themselves.
        Passenger::Batch(_) => None,
    });
    let members: Vec<_> = members.collect();
    let Some(context) = members.first().map(|first| Arc::clone(&first.context)) else { return };
    Box::new(BatchOperation::new(context, members, Origin::Lane(permit))).attempt(chosen, deferred);
}
