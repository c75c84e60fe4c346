//! What waits in lanes, and how it leaves.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::batch::{BatchOperation, Origin};
use super::operation::Operation;
use crate::deferred::Deferred;
use crate::error::Error;
use crate::lanes::{self, Waiting};
use crate::routing::PublishQueue;
use crate::sys::Moment;

/// The part of its time that a message waits for others' answers or for company: 1 of so many.
const PATIENCE: u32 = 4;

pub(crate) type Lanes = lanes::Lanes<Passenger>;
pub(crate) type Permit = lanes::Permit<Passenger>;

/// Who waits in a lane.
pub(crate) enum Passenger {
    /// With the queue that was chosen for its next attempt, if one was.
    One(Operation, Option<PublishQueue>),
    /// A batch that the program made.
    Batch(Box<BatchOperation>),
}

impl Waiting for Passenger {
    fn deadline(&self) -> Moment {
        match self {
            Self::One(operation, _) => operation.span.deadline,
            Self::Batch(batch) => batch.deadline(),
        }
    }

    fn arrived(&self) -> Moment {
        match self {
            Self::One(operation, _) if operation.attempts > 0 => operation.span.started,
            Self::One(operation, _) => operation.attempt_started,
            Self::Batch(_) => Moment::now(),
        }
    }

    fn wait_limit(&self) -> Moment {
        match self {
            Self::One(operation, _) => {
                let span = &operation.span;
                span.started + span.deadline.since(span.started) / PATIENCE
            }
            Self::Batch(batch) => batch.deadline(),
        }
    }

    fn keeps_order(&self) -> bool {
        !matches!(self, Self::One(operation, _) if operation.prepared.target.is_any())
    }

    fn bytes(&self) -> usize {
        match self {
            Self::One(operation, _) => operation.prepared.marked_item_len(),
            Self::Batch(_) => 0,
        }
    }

    fn may_share(&self) -> bool {
        matches!(self, Self::One(operation, _) if operation.may_share())
    }

    fn may_join(&self, first: &Passenger) -> bool {
        let (Self::One(own, _), Self::One(first, _)) = (self, first) else { return false };
        let alike = own.prepared.wait_store_ok == first.prepared.wait_store_ok;
        // An attempt that is cut short and one that is the last do not end together.
        let alike = alike && own.may_be_cut_short() == first.may_be_cut_short();
        alike && own.may_share() && first.may_share()
    }

    fn depart(mut self, others: Vec<Self>, permit: Permit, now: Option<Moment>, deferred: &mut Deferred) {
        if !others.is_empty() {
            return depart_together(self, others, permit, deferred);
        }
        if let (Self::One(operation, _), Some(now)) = (&mut self, now) {
            operation.begin_next(now);
        }
        match self {
            Self::One(operation, chosen) => operation.depart(chosen, permit, deferred),
            Self::Batch(batch) => batch.depart(permit, deferred),
        }
    }

    fn give_up(self, error: &Error, deferred: &mut Deferred) {
        match self {
            Self::One(operation, _) => operation.give_up(error.clone(), deferred),
            Self::Batch(batch) => batch.give_up(error, deferred),
        }
    }
}

/// Several as one batch.
fn depart_together(first: Passenger, others: Vec<Passenger>, permit: Permit, deferred: &mut Deferred) {
    // The choice of a member by chance: were it always the first one's, full batches, as long as a multiple of the number
    // of queues, would all go to one queue.
    let count = 1 + others.len();
    let chance = RandomState::new().hash_one(count) as usize % count;
    let mut chosen = None;
    let passengers = std::iter::once(first).chain(others);
    let members = passengers.enumerate().filter_map(|(index, passenger)| match passenger {
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
