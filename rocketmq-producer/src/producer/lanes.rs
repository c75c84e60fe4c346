//! Lanes: where messages wait while earlier ones of theirs are not answered yet, and leave together.
//!
//! There is one lane to each broker for the messages of a topic that may go to any queue, and one to each queue that
//! messages are bound to. A lane lets only so many requests out at a time; what arrives meanwhile leaves as one wire
//! batch when an answer frees a place. So batches grow with the pressure on a broker, nothing waits where there is none,
//! and a silent broker holds up nobody else's messages. A lane to one queue lets out one request at a time: its
//! messages never overtake each other. In the others nobody waits for answers longer than a part of its time: a broker
//! may be slow and not busy, and another attempt elsewhere needs time.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::batch::{BatchOperation, Origin};
use super::operation::Operation;
use crate::completion::Wakes;
use crate::config::Batching;
use crate::error::{Error, ErrorCode};
use crate::routing::{PublishQueue, Topic};
use crate::sync::Mutex;

/// How many requests of a topic to any queue of a broker may be without an answer: enough to keep it busy while the next
/// batch is on its way, few enough for large batches.
const BROKER_WINDOW: usize = 4;

/// The part of its time that a message waits for others' answers: 1 of so many.
const PATIENCE: u32 = 4;

/// Deadlines are looked at no more often than this.
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// The lanes of one producer.
pub(super) struct Lanes {
    batching: Batching,
    state: Mutex<State>,
    /// Tells the watch: there is an earlier time to look, or the end.
    attention: Notify,
}

#[derive(Default)]
struct State {
    lanes: HashMap<LaneKey, Lane>,
    /// When the watch looks next.
    next_check: Option<Instant>,
    ended: bool,
}

/// Which lane.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct LaneKey {
    topic: Arc<str>,
    broker: Arc<str>,
    /// The queue its messages are bound to.
    queue_id: Option<i32>,
}

#[derive(Default)]
struct Lane {
    /// Requests without an answer.
    outstanding: usize,
    waiting: VecDeque<Passenger>,
    bytes: usize,
    /// Whoever waits here may not linger.
    hurried: bool,
}

/// Who waits in a lane.
pub(super) enum Passenger {
    One(Operation),
    /// A batch that the program made.
    Batch(Box<BatchOperation>),
}

/// A place among the requests of a lane that are on their way. Whoever has it gives it back with the outcome.
pub(crate) struct Ticket {
    lanes: Arc<Lanes>,
    key: LaneKey,
}

impl LaneKey {
    /// Of messages that go to this queue; `is_bound`: they may go to no other.
    pub(super) fn new(topic: &Topic, queue: &PublishQueue, is_bound: bool) -> Self {
        Self {
            topic: Arc::clone(&topic.name),
            broker: Arc::clone(&queue.broker.name),
            queue_id: is_bound.then_some(queue.queue_id),
        }
    }

    fn window(&self) -> usize {
        if self.queue_id.is_some() { 1 } else { BROKER_WINDOW }
    }
}

impl Lanes {
    pub(super) fn new(batching: Batching) -> Self {
        Self { batching, state: Mutex::default(), attention: Notify::new() }
    }

    /// Lets the passenger go at once if nobody is before it, else it waits.
    pub(super) fn arrive(self: &Arc<Self>, key: LaneKey, passenger: Passenger, wakes: &mut Wakes) {
        let window = key.window();
        let mut state = self.state.lock();
        let lane = match state.lanes.get_mut(&key) {
            Some(lane) => lane,
            None => state.lanes.entry(key.clone()).or_default(),
        };
        if self.batching.linger.is_none() && lane.waiting.is_empty() && lane.outstanding < window {
            lane.outstanding += 1;
            drop(state);
            return passenger.depart(Ticket { lanes: Arc::clone(self), key }, wakes);
        }
        let check = passenger.next_check(&self.batching, passenger.arrived());
        lane.push(passenger);
        // Without lingering only an answer makes room.
        let departures = match self.batching.linger {
            Some(_) => lane.take_due(&self.batching, window, Instant::now()),
            None => Vec::new(),
        };
        let announce = state.check_by(check);
        drop(state);
        self.let_go(&key, departures, wakes);
        if announce {
            self.attention.notify_one();
        }
    }

    fn let_go(self: &Arc<Self>, key: &LaneKey, departures: Vec<Vec<Passenger>>, wakes: &mut Wakes) {
        if departures.is_empty() {
            return;
        }
        let now = Instant::now();
        for passengers in departures {
            let ticket = Ticket { lanes: Arc::clone(self), key: key.clone() };
            depart_together(passengers, ticket, now, wakes);
        }
    }

    /// Lets all go that wait for company only.
    pub(super) fn hurry(self: &Arc<Self>) {
        let mut wakes = Wakes::default();
        self.let_go_where_due(|lane| lane.hurried = !lane.waiting.is_empty(), &mut wakes);
    }

    /// Changes every lane, and lets go what is due then.
    fn let_go_where_due(self: &Arc<Self>, change: impl Fn(&mut Lane), wakes: &mut Wakes) {
        let now = Instant::now();
        let mut all = Vec::new();
        for (key, lane) in &mut self.state.lock().lanes {
            change(lane);
            let departures = lane.take_due(&self.batching, key.window(), now);
            if !departures.is_empty() {
                all.push((key.clone(), departures));
            }
        }
        for (key, departures) in all {
            self.let_go(&key, departures, wakes);
        }
    }

    /// Ends everything that waits: the producer is closed.
    pub(super) fn abort(&self) {
        let gone = self.take_gone(|_| true);
        let mut wakes = Wakes::default();
        for passenger in gone {
            passenger.give_up(&Error::closed(), &mut wakes);
        }
    }

    /// Takes out those that `gone` names.
    fn take_gone(&self, gone: impl Fn(&Passenger) -> bool) -> Vec<Passenger> {
        let mut taken = Vec::new();
        self.state.lock().lanes.retain(|_, lane| {
            if lane.waiting.iter().any(&gone) {
                for passenger in std::mem::take(&mut lane.waiting) {
                    match gone(&passenger) {
                        true => {
                            lane.bytes -= passenger.bytes();
                            taken.push(passenger);
                        }
                        false => lane.waiting.push_back(passenger),
                    }
                }
            }
            !lane.is_idle()
        });
        taken
    }

    /// The watch ends.
    pub(super) fn end(&self) {
        self.state.lock().ended = true;
        self.attention.notify_one();
    }

    /// Ends what waits beyond its deadline, and lets go what waited long enough, until the end.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            let check = {
                let state = self.state.lock();
                if state.ended {
                    return;
                }
                state.next_check
            };
            match check {
                Some(check) if check > Instant::now() => tokio::select! {
                    () = sleep_until(check.into()) => {}
                    () = self.attention.notified() => continue,
                },
                Some(_) => {}
                None => {
                    self.attention.notified().await;
                    continue;
                }
            }
            self.look(Instant::now());
        }
    }

    fn look(self: &Arc<Self>, now: Instant) {
        let mut wakes = Wakes::default();
        for passenger in self.take_gone(|passenger| passenger.deadline() <= now) {
            let text = "earlier messages for the same broker had no answer in time";
            passenger.give_up(&Error::new(ErrorCode::Timeout, text), &mut wakes);
        }
        self.let_go_where_due(|_| {}, &mut wakes);
        let mut state = self.state.lock();
        let waiting = state.lanes.values().flat_map(|lane| &lane.waiting);
        let next = waiting.map(|passenger| passenger.next_check(&self.batching, now)).min();
        state.next_check = next.map(|next| next.max(now + CHECK_INTERVAL));
    }
}

impl State {
    /// Makes sure that the watch looks by then; `true`: it must be told.
    fn check_by(&mut self, moment: Instant) -> bool {
        let earlier = self.next_check.is_none_or(|check| moment < check);
        if earlier {
            self.next_check = Some(moment);
        }
        earlier
    }
}

impl Lane {
    fn push(&mut self, passenger: Passenger) {
        self.bytes += passenger.bytes();
        self.waiting.push_back(passenger);
    }

    fn pop(&mut self) -> Option<Passenger> {
        let passenger = self.waiting.pop_front()?;
        self.bytes -= passenger.bytes();
        Some(passenger)
    }

    fn is_idle(&self) -> bool {
        self.outstanding == 0 && self.waiting.is_empty()
    }

    /// Takes out what leaves now, request by request.
    fn take_due(&mut self, batching: &Batching, window: usize, now: Instant) -> Vec<Vec<Passenger>> {
        let mut departures = Vec::new();
        while (self.outstanding < window || self.is_impatient(now)) && self.is_due(batching, now) {
            departures.push(self.take_run(batching));
            self.outstanding += 1;
        }
        if self.waiting.is_empty() {
            self.hurried = false;
        }
        departures
    }

    fn is_due(&self, batching: &Batching, now: Instant) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        let Some(linger) = batching.linger else { return true };
        self.hurried
            || self.bytes >= batching.max_bytes
            || self.waiting.len() >= batching.max_messages
            || !first.may_share()
            || first.arrived() + linger <= now
    }

    /// Whether the first one waits for no answers any more.
    fn is_impatient(&self, now: Instant) -> bool {
        self.waiting.front().and_then(Passenger::patience_end).is_some_and(|end| end <= now)
    }

    /// The first one, and those behind it that may travel with it.
    fn take_run(&mut self, batching: &Batching) -> Vec<Passenger> {
        let mut run = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.waiting.front() {
            let fits = run.len() < batching.max_messages && bytes + next.bytes() <= batching.max_bytes;
            let joins = run.first().is_none_or(|first| fits && next.travels_with(first));
            if !joins {
                break;
            }
            bytes += next.bytes();
            run.extend(self.pop());
        }
        run
    }
}

impl Passenger {
    fn deadline(&self) -> Instant {
        match self {
            Self::One(operation) => operation.span.deadline,
            Self::Batch(batch) => batch.deadline(),
        }
    }

    /// Since when it waits for company; one that failed already waits no more.
    fn arrived(&self) -> Instant {
        match self {
            Self::One(operation) if operation.attempts > 0 => operation.span.started,
            Self::One(operation) => operation.attempt_started,
            Self::Batch(_) => Instant::now(),
        }
    }

    /// Until when it waits for others' answers, if it need not keep its place among them.
    fn patience_end(&self) -> Option<Instant> {
        match self {
            Self::One(operation) if operation.prepared.target.is_any() => {
                let span = &operation.span;
                Some(span.started + span.deadline.saturating_duration_since(span.started) / PATIENCE)
            }
            Self::One(_) | Self::Batch(_) => None,
        }
    }

    /// When the watch must look at it, after `now`.
    fn next_check(&self, batching: &Batching, now: Instant) -> Instant {
        let linger = batching.linger.filter(|_| self.may_share());
        let moments = [linger.map(|linger| self.arrived() + linger), self.patience_end()];
        moments.into_iter().flatten().filter(|moment| *moment > now).fold(self.deadline(), Instant::min)
    }

    fn bytes(&self) -> usize {
        match self {
            Self::One(operation) => operation.prepared.marked_item_len(),
            Self::Batch(_) => 0,
        }
    }

    fn may_share(&self) -> bool {
        matches!(self, Self::One(operation) if operation.may_share())
    }

    fn travels_with(&self, first: &Passenger) -> bool {
        let (Self::One(own), Self::One(first)) = (self, first) else { return false };
        let alike = own.prepared.wait_store_ok == first.prepared.wait_store_ok;
        alike && own.may_share() && first.may_share()
    }

    fn depart(self, ticket: Ticket, wakes: &mut Wakes) {
        match self {
            Self::One(operation) => operation.depart(ticket, wakes),
            Self::Batch(batch) => batch.depart(ticket, wakes),
        }
    }

    fn give_up(self, error: &Error, wakes: &mut Wakes) {
        match self {
            Self::One(operation) => operation.give_up(error.clone(), wakes),
            Self::Batch(batch) => batch.give_up(error, wakes),
        }
    }
}

/// One passenger by itself, or several as one batch.
fn depart_together(mut passengers: Vec<Passenger>, ticket: Ticket, now: Instant, wakes: &mut Wakes) {
    if passengers.len() == 1
        && let Some(mut passenger) = passengers.pop()
    {
        if let Passenger::One(operation) = &mut passenger {
            operation.begin_next(now);
        }
        return passenger.depart(ticket, wakes);
    }
    let members = passengers.into_iter().filter_map(|passenger| match passenger {
        Passenger::One(operation) => Some(operation),
        // Those travel by themselves.
        Passenger::Batch(_) => None,
    });
    let members: Vec<_> = members.collect();
    let Some(engine) = members.first().map(|first| Arc::clone(&first.engine)) else { return };
    Box::new(BatchOperation::new(engine, members, Origin::Lane(ticket))).attempt(wakes);
}

impl Ticket {
    /// Whether this queue is one of its lane's broker.
    pub(super) fn is_for(&self, queue: &PublishQueue) -> bool {
        self.key.broker == queue.broker.name
    }

    /// The place is free: lets go what waits for it.
    pub(crate) fn release(self, wakes: &mut Wakes) {
        let Self { lanes, key } = self;
        let departures = {
            let mut state = lanes.state.lock();
            let Entry::Occupied(mut entry) = state.lanes.entry(key.clone()) else { return };
            let lane = entry.get_mut();
            lane.outstanding -= 1;
            let departures = match lane.waiting.is_empty() {
                true => Vec::new(),
                false => lane.take_due(&lanes.batching, key.window(), Instant::now()),
            };
            if lane.is_idle() {
                entry.remove();
            }
            departures
        };
        lanes.let_go(&key, departures, wakes);
    }

    /// The messages wait again, before all others.
    pub(super) fn put_back(&self, members: Vec<Operation>) {
        let now = Instant::now();
        let passengers: Vec<_> = members.into_iter().map(Passenger::One).collect();
        let checks = passengers.iter().map(|passenger| passenger.next_check(&self.lanes.batching, now));
        let Some(check) = checks.min() else { return };
        let mut state = self.lanes.state.lock();
        let lane = state.lanes.entry(self.key.clone()).or_default();
        for passenger in passengers.into_iter().rev() {
            lane.bytes += passenger.bytes();
            lane.waiting.push_front(passenger);
        }
        // They have waited for company once.
        lane.hurried = true;
        if state.check_by(check) {
            self.lanes.attention.notify_one();
        }
    }
}
