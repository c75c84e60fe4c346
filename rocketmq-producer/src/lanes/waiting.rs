//! What waits in lanes, as lanes see it.

use std::time::Duration;

use super::Permit;
use crate::config::Batching;
use crate::deferred::Deferred;
use crate::error::Error;
use crate::sys::Moment;

/// The messages of one request-to-be.
pub(crate) trait Waiting: Sized + Send + 'static {
    /// When its time is over.
    fn deadline(&self) -> Moment;

    /// Since when it waits for company; one that failed already waits no more.
    fn arrived(&self) -> Moment;

    /// Until when it waits for others: a part of its time.
    fn wait_limit(&self) -> Moment;

    /// Whether nothing may overtake it, so that it waits for others' answers up to its deadline.
    fn keeps_order(&self) -> bool;

    /// How many bytes it takes in a batch, nearly.
    fn bytes(&self) -> usize;

    /// Whether it may leave in one batch with others.
    fn may_share(&self) -> bool;

    /// Whether it may leave with this one, which is before it.
    fn may_join(&self, first: &Self) -> bool;

    /// It is its lane's turn, and `others` travel with it; `None`: it did not wait.
    fn depart(self, others: Vec<Self>, permit: Permit<Self>, now: Option<Moment>, deferred: &mut Deferred);

    /// It waits in vain.
    fn give_up(self, error: &Error, deferred: &mut Deferred);
}

/// Until when it waits for others' answers, if it need not keep its place among them.
pub(super) fn answer_limit(waiting: &impl Waiting) -> Option<Moment> {
    (!waiting.keeps_order()).then(|| waiting.wait_limit())
}

/// Until when it waits for company.
pub(super) fn company_end(waiting: &impl Waiting, linger: Duration) -> Moment {
    match waiting.may_share() {
        true => (waiting.arrived() + linger).min(waiting.wait_limit()),
        false => waiting.arrived(),
    }
}

/// When the watch must look at it, after `now`.
pub(super) fn next_check(waiting: &impl Waiting, batching: &Batching, now: Moment) -> Moment {
    let linger = batching.linger.filter(|_| waiting.may_share());
    let moments = [linger.map(|linger| company_end(waiting, linger)), answer_limit(waiting)];
    moments.into_iter().flatten().filter(|moment| *moment > now).fold(waiting.deadline(), Moment::min)
}
