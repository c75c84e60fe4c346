//! Pauses between attempts: a broker that was busy, or that could not be reached, is left in peace for a while, and what
//! it refused comes back spread out. If the broker may have moved, the topic has the shipment first, until it is known whether
//! it has:
//!
//! ```text
//!   may have moved ──▶ [topic: in doubt] ── the doubt's end, or half of the time that was left ──┐
//!   else ─────────────────────────────────────────────────────────────────────────────────────▶ [pauses] ── end ──▶ resume
//! ```
//!
//! What pauses lies here, in the order in which it goes on, with one timer for all of a producer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::shipment::Shipment;
use crate::alarm::Alarm;
use crate::config::Backoff;
use crate::deferred::Deferred;
use crate::error::Error;
use crate::producer_id::ProducerId;
use crate::remoting::Turn;
use crate::routing::RouteWaiter;
use crate::sync::Mutex;
use crate::sys::{self, Moment};

/// Shipments that go on one after the other before others have the I/O thread.
const RESUMED_AT_ONCE: usize = 64;

impl Backoff {
    /// The pause after so many refusals by one broker: twice as long each time up to the greatest, a fifth more or less.
    pub(crate) fn pause(&self, refusals: usize) -> Duration {
        let doublings = u32::try_from(refusals).unwrap_or(u32::MAX).saturating_sub(1).min(20);
        let pause = self.first.saturating_mul(1 << doublings).min(self.most);
        pause.mul_f64(0.8 + sys::chance_of(0.4))
    }
}

/// What an attempt waits for before it begins.
#[derive(Clone, Copy)]
pub(super) struct Pause {
    /// It begins no sooner than this.
    pub(super) end: Moment,
    /// Nor before the doubt about its topic is over, if there is one, or has lasted until then.
    pub(super) settled_by: Option<Moment>,
}

impl Pause {
    /// Whichever of the two ends first.
    pub(super) fn shortened_by(self, other: Self) -> Self {
        let settled_by = self.settled_by.zip(other.settled_by).map(|(one, other)| one.min(other));
        Self { end: self.end.min(other.end), settled_by }
    }
}

/// A shipment that goes on when the doubt about its topic is over.
struct Doubter {
    shipment: Box<Shipment>,
    end: Moment,
    deadline: Moment,
}

impl Shipment {
    pub(super) fn wait_through(self: Box<Self>, pause: Pause, deferred: &mut Deferred) {
        let Some(deadline) = pause.settled_by else { return self.pause_until(pause.end, deferred) };
        let (topic, context) = (Arc::clone(&self.request.topic), Arc::clone(&self.request.context));
        let doubter = Box::new(Doubter { shipment: self, end: pause.end, deadline });
        if let Err(doubter) = context.client.routes.wait_settled(&topic, doubter) {
            doubter.routed(deferred);
        }
    }

    fn pause_until(self: Box<Self>, end: Moment, deferred: &mut Deferred) {
        if end <= Moment::now() {
            return self.resume(deferred);
        }
        let context = Arc::clone(&self.request.context);
        context.pauses.keep(self, end);
    }
}

impl RouteWaiter for Doubter {
    fn deadline(&self) -> Moment {
        self.deadline
    }

    fn producer(&self) -> ProducerId {
        RouteWaiter::producer(&*self.shipment)
    }

    fn routed(self: Box<Self>, deferred: &mut Deferred) {
        self.shipment.pause_until(self.end, deferred);
    }

    fn unrouted(self: Box<Self>, error: Error, deferred: &mut Deferred) {
        self.shipment.give_up(&error, deferred);
    }
}

/// What pauses of one producer.
#[derive(Default)]
pub(crate) struct Pauses {
    state: Mutex<State>,
    /// Rung when a pause ends earlier than all others, and at the end.
    alarm: Alarm,
}

#[derive(Default)]
struct State {
    /// By the end of the pause; the number tells apart what ends together.
    paused: BTreeMap<(Moment, u64), Box<Shipment>>,
    count: u64,
    ended: bool,
}

impl Pauses {
    /// Keeps the shipment until then.
    pub(crate) fn keep(&self, paused: Box<Shipment>, until: Moment) {
        let mut state = self.state.lock();
        state.count += 1;
        let key = (until, state.count);
        state.paused.insert(key, paused);
        let is_first = state.paused.first_key_value().is_some_and(|(first, _)| *first == key);
        drop(state);
        if is_first {
            self.alarm.ring();
        }
    }

    /// Lets go on what has paused long enough, until the end.
    pub(crate) async fn run(&self) {
        let mut turn = Turn::default();
        loop {
            let now = Moment::now();
            let (due, next) = {
                let mut state = self.state.lock();
                if state.ended {
                    return;
                }
                let due: Vec<_> = std::iter::from_fn(|| state.take_due(now)).take(RESUMED_AT_ONCE).collect();
                (due, state.paused.first_key_value().map(|((until, _), _)| *until))
            };
            let mut deferred = Deferred::default();
            due.into_iter().for_each(|paused| paused.resume(&mut deferred));
            drop(deferred);
            match next {
                Some(until) if until <= now => turn.give_way(Moment::now()).await,
                next => self.alarm.wait(next).await,
            }
        }
    }

    /// Ends everything that pauses: the producer is closed.
    pub(crate) fn abort(&self) {
        let paused = std::mem::take(&mut self.state.lock().paused);
        let mut deferred = Deferred::default();
        for paused in paused.into_values() {
            paused.give_up(&Error::closed(), &mut deferred);
        }
    }

    /// Nobody needs the pauses any more: their task ends.
    pub(crate) fn end(&self) {
        self.state.lock().ended = true;
        self.alarm.ring();
    }
}

impl State {
    fn take_due(&mut self, now: Moment) -> Option<Box<Shipment>> {
        let entry = self.paused.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_greatest_and_differ() {
        let backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_millis(1000) };
        for (refusals, ms) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (100, 1000)] {
            let pauses: Vec<_> = (0..50).map(|_| backoff.pause(refusals)).collect();
            let around = Duration::from_millis(ms);
            assert!(pauses.iter().all(|pause| (around.mul_f64(0.79)..around.mul_f64(1.21)).contains(pause)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "they are spread");
        }
        let none = Backoff { first: Duration::ZERO, most: Duration::from_millis(1000) };
        assert_eq!(none.pause(3), Duration::ZERO);
    }
}
