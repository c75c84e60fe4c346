//! One lane: who waits in it, how many requests of it are on their way, and what leaves when.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::LaneKey;
use super::passenger::{Passenger, depart_together};
use super::watch::Watch;
use crate::config::Batching;
use crate::deferred::{Burst, Deferred, Gathered, HasPlaces};
use crate::routing::PublishQueue;
use crate::send::Operation;
use crate::sync::Mutex;
use crate::sys::Moment;

/// So many are taken out at a time when their time is over, so that others have the I/O thread in between.
pub(super) const TAKEN_AT_ONCE: usize = 2048;

/// Deadlines are looked at no more often than this.
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

pub(crate) struct Lane {
    key: LaneKey,
    watch: Arc<Watch>,
    state: Mutex<LaneState>,
}

#[derive(Default)]
struct LaneState {
    /// Requests without an answer.
    outstanding: usize,
    waiting: VecDeque<Passenger>,
    bytes: usize,
    /// With a linger: when the first of those who wait wants to leave, at the earliest.
    company_end: Option<Moment>,
    /// Whoever waits here may not linger.
    sends_now: bool,
    /// A burst brings messages one after the other: only full batches leave before its end, or before this moment.
    gathered_by: Option<Moment>,
    /// When the watch looks here next, at the latest.
    next_check: Option<Moment>,
    /// Nobody finds it any more.
    closed: bool,
}

/// A place among the requests of a lane that are on their way. Whoever has it gives it back with the outcome; one that is
/// lost goes back by itself. Empty: no place, or one that was given back.
#[derive(Default)]
pub(crate) struct Permit(Option<Arc<Lane>>);

impl Lane {
    pub(super) fn new(key: LaneKey, watch: Arc<Watch>) -> Self {
        Self { key, watch, state: Mutex::default() }
    }

    /// Lets the passenger go at once if nobody is before it, else it waits. Turned away if the lane is closed.
    pub(super) fn arrive(
        self: &Arc<Self>,
        passenger: Passenger,
        deferred: &mut Deferred,
    ) -> Result<(), Passenger> {
        let Batching { linger, .. } = self.watch.batching;
        let mut state = self.state.lock();
        if state.closed {
            return Err(passenger);
        }
        let arrived = passenger.arrived();
        let goes_with_burst = deferred.is_in_burst()
            && linger.is_none()
            && passenger.may_share()
            && passenger.deadline().since(arrived) > Burst::IN_TIME;
        // The first of a burst does not wait for the others if nothing is on its way.
        let window = if goes_with_burst { 1 } else { self.key.window() };
        if linger.is_none() && state.waiting.is_empty() && state.outstanding < window {
            state.outstanding += 1;
            drop(state);
            passenger.depart(Permit(Some(Arc::clone(self))), deferred);
            return Ok(());
        }
        let check = passenger.next_check(&self.watch.batching, arrived);
        state.push(passenger, linger);
        let begins = goes_with_burst && state.gathered_by.is_none();
        let gathered_by = begins.then(|| *state.gathered_by.insert(Moment::now() + Burst::TIME));
        // Else only an answer makes room.
        let departures = match linger.is_some() || goes_with_burst {
            true => self.take_due(&mut state, arrived),
            false => Vec::new(),
        };
        let announce = state.check_by(check);
        drop(state);
        if goes_with_burst {
            deferred.gathered_in(Arc::clone(self) as _);
        }
        if let Some(by) = gathered_by {
            self.watch.end_gathering_by(by, self);
        }
        self.let_go(departures, deferred);
        if announce {
            self.watch.look_by(check);
        }
        Ok(())
    }

    fn take_due(&self, state: &mut LaneState, now: Moment) -> Vec<Vec<Passenger>> {
        state.take_due(&self.watch.batching, self.key.window(), now)
    }

    fn let_go(self: &Arc<Self>, departures: Vec<Vec<Passenger>>, deferred: &mut Deferred) {
        if departures.is_empty() {
            return;
        }
        let now = Moment::now();
        for passengers in departures {
            depart_together(passengers, Permit(Some(Arc::clone(self))), now, deferred);
        }
    }

    /// Whoever is here may not linger any longer.
    pub(super) fn send_now(self: &Arc<Self>, deferred: &mut Deferred) {
        self.let_go_where_due(|state| state.sends_now = !state.waiting.is_empty(), deferred);
    }

    /// Takes out those that `gone` names, at most so many.
    pub(super) fn take_gone(&self, most: usize, gone: impl Fn(&Passenger) -> bool) -> Vec<Passenger> {
        self.state.lock().take_gone(most, gone)
    }

    /// The watch comes by: lets go what waited long enough, and says when to look again. `true`: at once, there is more.
    pub(super) fn look(self: &Arc<Self>, now: Moment, deferred: &mut Deferred) -> bool {
        let (departures, more) = {
            let mut state = self.state.lock();
            let mut departures = self.take_due(&mut state, now);
            let more = state.take_impatient(&self.watch.batching, now, &mut departures);
            (departures, more)
        };
        self.let_go(departures, deferred);
        if !more {
            self.plan_next_check(now);
        }
        more
    }

    /// Changes the lane, and lets go what is due then.
    fn let_go_where_due(self: &Arc<Self>, change: impl Fn(&mut LaneState), deferred: &mut Deferred) {
        let departures = {
            let mut state = self.state.lock();
            change(&mut state);
            self.take_due(&mut state, Moment::now())
        };
        self.let_go(departures, deferred);
    }

    fn plan_next_check(&self, now: Moment) {
        let mut state = self.state.lock();
        let checks = state.waiting.iter().map(|passenger| passenger.next_check(&self.watch.batching, now));
        state.next_check = checks.min().map(|check| check.max(now + CHECK_INTERVAL));
        let check = state.next_check;
        drop(state);
        if let Some(check) = check {
            self.watch.look_by(check);
        }
    }

    /// Lets nobody in any more if nobody is there.
    pub(super) fn close_if_idle(&self) -> bool {
        let mut state = self.state.lock();
        state.closed = state.outstanding == 0 && state.waiting.is_empty();
        state.closed
    }
}

impl LaneState {
    fn push(&mut self, passenger: Passenger, linger: Option<Duration>) {
        self.bytes += passenger.bytes();
        if let Some(linger) = linger {
            self.company_end = self.company_end.into_iter().chain([passenger.company_end(linger)]).min();
        }
        self.waiting.push_back(passenger);
    }

    /// Makes sure that the watch looks here by then; `true`: it must be told.
    fn check_by(&mut self, moment: Moment) -> bool {
        let earlier = self.next_check.is_none_or(|check| moment < check);
        if earlier {
            self.next_check = Some(moment);
        }
        earlier
    }

    /// Takes out those that `gone` names, at most so many.
    fn take_gone(&mut self, most: usize, gone: impl Fn(&Passenger) -> bool) -> Vec<Passenger> {
        if !self.waiting.iter().any(&gone) {
            return Vec::new();
        }
        let mut left = most;
        let mut is_taken = |passenger: &Passenger| {
            let is_taken = left > 0 && gone(passenger);
            left -= usize::from(is_taken);
            is_taken
        };
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let (taken, kept): (Vec<_>, _) = waiting.partition(|passenger| is_taken(passenger));
        self.waiting = kept.into();
        self.bytes -= taken.iter().map(Passenger::bytes).sum::<usize>();
        taken
    }

    /// Takes out what leaves now, request by request.
    fn take_due(&mut self, batching: &Batching, window: usize, now: Moment) -> Vec<Vec<Passenger>> {
        let mut departures = Vec::new();
        while self.outstanding < window && self.is_due(batching, now) {
            let run = take_run(&mut self.waiting, batching);
            self.bytes -= run.iter().map(Passenger::bytes).sum::<usize>();
            self.outstanding += 1;
            if let Some(linger) = batching.linger {
                let ends = self.waiting.iter().map(|passenger| passenger.company_end(linger));
                self.company_end = ends.min();
            }
            departures.push(run);
        }
        if self.waiting.is_empty() {
            self.sends_now = false;
        }
        departures
    }

    /// Takes out those who wait for others' answers no longer, wherever they stand: each has its own time. `true`: there
    /// are more of them.
    fn take_impatient(
        &mut self,
        batching: &Batching,
        now: Moment,
        departures: &mut Vec<Vec<Passenger>>,
    ) -> bool {
        let is_impatient = |passenger: &Passenger| passenger.wait_limit().is_some_and(|end| end <= now);
        let mut taken = VecDeque::from(self.take_gone(TAKEN_AT_ONCE, is_impatient));
        let more = taken.len() == TAKEN_AT_ONCE;
        while !taken.is_empty() {
            departures.push(take_run(&mut taken, batching));
            self.outstanding += 1;
        }
        more
    }

    fn is_due(&self, batching: &Batching, now: Moment) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        let is_full = self.bytes >= batching.max_bytes || self.waiting.len() >= batching.max_messages;
        if self.sends_now || is_full || !first.may_share() {
            return true;
        }
        match batching.linger {
            Some(_) => self.company_end.is_some_and(|end| end <= now),
            // Gatherings may follow each other; nobody waits for more than one.
            None => self.gathered_by.is_none_or(|by| by <= now || first.arrived() + Burst::TIME <= now),
        }
    }
}

/// Takes the first one, and those behind it that may travel with it.
fn take_run(waiting: &mut VecDeque<Passenger>, batching: &Batching) -> Vec<Passenger> {
    let mut run: Vec<Passenger> = Vec::new();
    let mut bytes = 0;
    while let Some(next) = waiting.pop_front_if(|next| {
        let fits = run.len() < batching.max_messages && bytes + next.bytes() <= batching.max_bytes;
        run.first().is_none_or(|first| fits && next.may_join(first))
    }) {
        bytes += next.bytes();
        run.push(next);
    }
    run
}

impl HasPlaces for Lane {
    fn free_place(self: Arc<Self>, deferred: &mut Deferred) {
        let departures = {
            let mut state = self.state.lock();
            state.outstanding -= 1;
            match state.waiting.is_empty() {
                true => return,
                false => self.take_due(&mut state, Moment::now()),
            }
        };
        self.let_go(departures, deferred);
    }
}

impl Gathered for Lane {
    fn end_burst(self: Arc<Self>, deferred: &mut Deferred) {
        self.let_go_where_due(|state| state.gathered_by = None, deferred);
    }
}

impl Permit {
    /// Whether it is a place in a lane to another broker than that of this queue.
    pub(crate) fn is_for_another(&self, queue: &PublishQueue) -> bool {
        self.0.is_some() && !self.is_for(queue)
    }

    /// Whether this queue is one of its lane's broker.
    pub(crate) fn is_for(&self, queue: &PublishQueue) -> bool {
        self.0.as_ref().is_some_and(|lane| lane.key.broker.is_named_as(&queue.broker))
    }

    /// The place goes back when `deferred` is settled.
    pub(crate) fn release(mut self, deferred: &mut Deferred) {
        if let Some(lane) = self.0.take() {
            deferred.free(lane);
        }
    }

    /// The messages wait again, before all others, with this queue if it was chosen for them.
    pub(crate) fn put_back(&self, members: Vec<Operation>, chosen: Option<&PublishQueue>) {
        let Some(lane) = &self.0 else { return };
        let now = Moment::now();
        let passengers: Vec<_> =
            members.into_iter().map(|member| Passenger::One(member, chosen.cloned())).collect();
        let checks = passengers.iter().map(|passenger| passenger.next_check(&lane.watch.batching, now));
        let Some(check) = checks.min() else { return };
        let mut state = lane.state.lock();
        for passenger in passengers.into_iter().rev() {
            state.bytes += passenger.bytes();
            state.waiting.push_front(passenger);
        }
        // They have waited for company once.
        state.sends_now = true;
        let announce = state.check_by(check);
        drop(state);
        if announce {
            lane.watch.look_by(check);
        }
    }
}

impl Drop for Permit {
    /// A panic took it: whoever waits for the place is let go by the watch.
    fn drop(&mut self) {
        if let Some(lane) = self.0.take() {
            lane.state.lock().outstanding -= 1;
            lane.watch.look_by(Moment::now());
        }
    }
}
