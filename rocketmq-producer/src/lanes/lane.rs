//! One lane, and the permits of those who left it.

use std::sync::Arc;

use super::LaneKey;
use super::state::{LaneState, Run};
use super::waiting::{Waiting, next_check};
use super::watch::Watch;
use crate::config::Batching;
use crate::deferred::{Burst, Deferred, Gathered, HasPlaces};
use crate::routing::Broker;
use crate::sync::Mutex;
use crate::sys::Moment;

pub(super) struct Lane<W> {
    key: LaneKey,
    watch: Arc<Watch<W>>,
    state: Mutex<LaneState<W>>,
}

/// A place among the requests of a lane that are on their way. Whoever has it gives it back with the outcome; one that is
/// lost goes back by itself. Empty: no place, or one that was given back.
pub(crate) struct Permit<W: Waiting>(Option<Arc<Lane<W>>>);

/// Those who leave in one request, with its permit.
pub(super) struct Departure<W: Waiting> {
    run: Run<W>,
    permit: Permit<W>,
}

/// What the watch finds to be done in a lane.
pub(super) struct Found<W: Waiting> {
    /// Those whose deadline has passed.
    pub(super) over: Vec<W>,
    pub(super) departures: Vec<Departure<W>>,
}

impl<W: Waiting> Lane<W> {
    pub(super) fn new(key: LaneKey, watch: Arc<Watch<W>>) -> Self {
        Self { key, watch, state: Mutex::default() }
    }

    /// Departs at once if nobody is before it, else it waits. Turned away if the lane is closed.
    pub(super) fn arrive(self: &Arc<Self>, arriving: W, deferred: &mut Deferred) -> Result<(), W> {
        let Batching { linger, .. } = self.watch.batching;
        // Before the lock: a permit that is lost takes it.
        let mut departures = Vec::new();
        let mut state = self.state.lock();
        if state.closed {
            return Err(arriving);
        }
        state.used = true;
        let arrived = arriving.arrived();
        let goes_with_burst = deferred.is_in_burst()
            && linger.is_none()
            && arriving.may_share()
            && arriving.deadline().since(arrived) > Burst::IN_TIME;
        // The first of a burst does not wait for the others if nothing is on its way.
        let window = if goes_with_burst { 1 } else { self.key.window() };
        if linger.is_none() && state.waiting.is_empty() && state.outstanding < window {
            let permit = self.permit(&mut state);
            drop(state);
            arriving.depart(Vec::new(), permit, None, deferred);
            return Ok(());
        }
        let check = next_check(&arriving, &self.watch.batching, arrived);
        state.push(arriving, linger);
        let begins = goes_with_burst && state.gathered_by.is_none();
        let gathered_by = begins.then(|| *state.gathered_by.insert(Moment::now() + Burst::TIME));
        // Else only an answer makes room.
        if linger.is_some() || goes_with_burst {
            self.take_due(&mut state, arrived, &mut departures);
        }
        let announced = self.watch_by(&mut state, check);
        drop(state);
        if goes_with_burst {
            deferred.gathered_in(Arc::clone(self) as _);
        }
        if let Some(by) = gathered_by {
            self.watch.end_burst_by(by, self);
        }
        send_off(departures, deferred);
        self.tell_watch(announced);
        Ok(())
    }

    /// One request more is on its way.
    fn permit(self: &Arc<Self>, state: &mut LaneState<W>) -> Permit<W> {
        state.outstanding += 1;
        Permit(Some(Arc::clone(self)))
    }

    fn take_due(self: &Arc<Self>, state: &mut LaneState<W>, now: Moment, departures: &mut Vec<Departure<W>>) {
        while let Some(run) = state.take_due(&self.watch.batching, self.key.window(), now) {
            departures.push(Departure { run, permit: self.permit(state) });
        }
    }

    /// Changes the lane, and sends off what is due then.
    fn change(self: &Arc<Self>, deferred: &mut Deferred, change: impl FnOnce(&mut LaneState<W>)) {
        let mut departures = Vec::new();
        let mut state = self.state.lock();
        change(&mut state);
        if !state.waiting.is_empty() {
            self.take_due(&mut state, Moment::now(), &mut departures);
        }
        drop(state);
        send_off(departures, deferred);
    }

    /// Whoever is here may not linger any longer.
    pub(super) fn send_now(self: &Arc<Self>, deferred: &mut Deferred) {
        self.change(deferred, |state| state.sends_now = !state.waiting.is_empty());
    }

    /// The time of a burst is over: of the one that this lane holds, or of one that had its end before.
    pub(super) fn end_burst_by(self: &Arc<Self>, now: Moment, deferred: &mut Deferred) {
        self.change(deferred, |state| {
            state.gathered_by.take_if(|by| *by <= now);
        });
    }

    pub(super) fn take_all(&self) -> impl Iterator<Item = W> + use<W> {
        self.state.lock().take_all().into_iter()
    }

    /// The watch comes by: takes out what is over and what has waited long enough, and says when it must look again.
    pub(super) fn look(self: &Arc<Self>, now: Moment) -> Found<W> {
        let mut found = Found { over: Vec::new(), departures: Vec::new() };
        let batching = &self.watch.batching;
        let mut state = self.state.lock();
        let survey = state.survey(batching, now, &mut found.over);
        self.take_due(&mut state, now, &mut found.departures);
        if survey.has_impatient {
            for run in state.take_impatient(batching, now) {
                found.departures.push(Departure { run, permit: self.permit(&mut state) });
            }
        }
        state.next_check = None;
        let check = survey.next_check.filter(|_| !state.waiting.is_empty());
        let announced = check.and_then(|check| self.watch_by(&mut state, check));
        drop(state);
        self.tell_watch(announced);
        found
    }

    /// Makes sure that the watch looks here by then; gives what it must be told, once the lock is free.
    fn watch_by(self: &Arc<Self>, state: &mut LaneState<W>, moment: Moment) -> Option<(Moment, bool)> {
        let is_watched = state.next_check.is_some();
        let is_earlier = state.next_check.is_none_or(|check| moment < check);
        is_earlier.then(|| (*state.next_check.insert(moment), !is_watched))
    }

    fn tell_watch(self: &Arc<Self>, announced: Option<(Moment, bool)>) {
        if let Some((moment, is_new)) = announced {
            self.watch.look_by(moment, is_new.then(|| Arc::clone(self)));
        }
    }

    #[cfg(test)]
    pub(super) fn is_gathering(&self) -> bool {
        self.state.lock().gathered_by.is_some()
    }

    #[cfg(test)]
    pub(super) fn next_check(&self) -> Option<Moment> {
        self.state.lock().next_check
    }

    /// A panic took a permit: the watch sends off whoever waits for the place.
    #[cold]
    fn lose_permit(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.outstanding -= 1;
        let announced = match state.waiting.is_empty() {
            true => None,
            false => self.watch_by(&mut state, Moment::now()),
        };
        drop(state);
        self.tell_watch(announced);
    }

    /// Whether somebody came since the last time this was asked.
    pub(super) fn take_use(&self) -> bool {
        std::mem::take(&mut self.state.lock().used)
    }

    /// Lets nobody in any more if nobody is there.
    pub(super) fn close_if_idle(&self) -> bool {
        let mut state = self.state.lock();
        state.closed = state.outstanding == 0 && state.waiting.is_empty();
        state.closed
    }
}

impl<W: Waiting> HasPlaces for Lane<W> {
    fn free_place(self: Arc<Self>, deferred: &mut Deferred) {
        self.change(deferred, |state| state.outstanding -= 1);
    }
}

impl<W: Waiting> Gathered for Lane<W> {
    fn end_burst(self: Arc<Self>, deferred: &mut Deferred) {
        self.change(deferred, |state| state.gathered_by = None);
    }
}

fn send_off<W: Waiting>(departures: Vec<Departure<W>>, deferred: &mut Deferred) {
    if departures.is_empty() {
        return;
    }
    let now = Moment::now();
    for departure in departures {
        departure.begin(now, deferred);
    }
}

impl<W: Waiting> Departure<W> {
    pub(super) fn begin(self, now: Moment, deferred: &mut Deferred) {
        let Run { first, others } = self.run;
        first.depart(others, self.permit, Some(now), deferred);
    }
}

impl<W: Waiting> Permit<W> {
    /// Whether it is a place in a lane to another broker than this.
    pub(crate) fn is_for_another(&self, broker: &Arc<Broker>) -> bool {
        self.0.as_ref().is_some_and(|lane| !lane.key.broker.is_named_as(broker))
    }

    /// The place goes back when `deferred` is settled.
    #[inline]
    pub(crate) fn release(mut self, deferred: &mut Deferred) {
        if let Some(lane) = self.0.take() {
            deferred.free(lane);
        }
    }

    /// What left the lane waits in it again, before all others. What has no place in a lane goes on by itself.
    pub(crate) fn put_back(&self, returning: Vec<W>, deferred: &mut Deferred) {
        let Some(lane) = &self.0 else {
            let alone = |waiting: W| waiting.depart(Vec::new(), Self::default(), None, deferred);
            return returning.into_iter().for_each(alone);
        };
        let now = Moment::now();
        let checks = returning.iter().map(|waiting| next_check(waiting, &lane.watch.batching, now));
        let Some(check) = checks.min() else { return };
        let mut state = lane.state.lock();
        state.put_back(returning);
        let announced = lane.watch_by(&mut state, check);
        drop(state);
        lane.tell_watch(announced);
    }
}

impl<W: Waiting> Default for Permit<W> {
    fn default() -> Self {
        Self(None)
    }
}

impl<W: Waiting> Drop for Permit<W> {
    #[inline]
    fn drop(&mut self) {
        if let Some(lane) = self.0.take() {
            lane.lose_permit();
        }
    }
}
