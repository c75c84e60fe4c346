//! Lanes: where messages wait while earlier ones of theirs are not answered yet, and leave together.
//!
//! There is one lane to each broker for the messages of a topic that may go to any queue, and one to each queue that
//! messages are bound to. A lane lets only so many requests out at a time; what arrives meanwhile leaves as one wire
//! batch when an answer frees a place. So batches grow with the pressure on a broker, nothing waits where there is none
//! (but what a burst brings, for its end, a moment), and a silent broker holds up nobody else's messages. A lane to one queue lets out one request at a time: its
//! messages never overtake each other. In the others nobody waits for answers longer than a part of its time: a broker
//! may be slow and not busy, and another attempt elsewhere needs time.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::batch::{BatchOperation, Origin};
use super::operation::Operation;
use crate::completion::Wakes;
use crate::config::Batching;
use crate::error::{Error, ErrorCode};
use crate::routing::{Broker, PublishQueue, Topic};
use crate::sync::{Mutex, RwLock};
use crate::sys::Moment;

/// How many requests of a topic to any queue of a broker may be without an answer: enough to keep it busy while the next
/// batch is on its way, few enough for large batches.
const BROKER_WINDOW: usize = 4;

/// The part of its time that a message waits for others' answers: 1 of so many.
const PATIENCE: u32 = 4;

/// So long a burst may take, as lanes see it.
const GATHERING: Duration = Duration::from_millis(1);

/// Deadlines are looked at no more often than this.
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// So many lanes may be kept that nobody is in, of some 200 bytes each: programs send to ten thousand topics in turn, and
/// should not make a lane for each message.
const IDLE_LANES: usize = 32 * 1024;

/// The lanes of one producer.
pub(super) struct Lanes {
    lanes: RwLock<HashMap<LaneKey, Arc<Lane>, foldhash::fast::RandomState>>,
    watch: Arc<Watch>,
}

/// Looks at the lanes when time alone changes something in them.
struct Watch {
    batching: Batching,
    next: Mutex<NextCheck>,
    /// Tells the watch: there is an earlier time to look, or the end.
    attention: Notify,
}

#[derive(Default)]
struct NextCheck {
    moment: Option<Moment>,
    /// Lanes whose gathering ends by itself, in the order in which it does.
    gathering: VecDeque<(Moment, Arc<Lane>)>,
    ended: bool,
}

/// Which lane. A broker that went and came again is another object of the same name, and has the same lane.
#[derive(Clone)]
pub(super) struct LaneKey {
    topic: Arc<Topic>,
    broker: Arc<Broker>,
    /// The queue its messages are bound to.
    queue_id: Option<i32>,
}

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
    /// Whoever waits here may not linger.
    hurried: bool,
    /// A burst brings messages one after the other: only full batches leave before its end, or before this moment.
    gathered_by: Option<Moment>,
    /// When the watch looks here next, at the latest.
    next_check: Option<Moment>,
    /// Nobody finds it any more.
    closed: bool,
}

/// Who waits in a lane.
pub(super) enum Passenger {
    /// With the queue that was chosen for its next attempt, if one was.
    One(Operation, Option<PublishQueue>),
    /// A batch that the program made.
    Batch(Box<BatchOperation>),
}

/// A place among the requests of a lane that are on their way. Whoever has it gives it back with the outcome.
pub(crate) struct Ticket(Arc<Lane>);

impl LaneKey {
    /// Of messages that go to this queue; `is_bound`: they may go to no other.
    pub(super) fn new(topic: &Arc<Topic>, queue: &PublishQueue, is_bound: bool) -> Self {
        Self {
            topic: Arc::clone(topic),
            broker: Arc::clone(&queue.broker),
            queue_id: is_bound.then_some(queue.queue_id),
        }
    }

    fn window(&self) -> usize {
        if self.queue_id.is_some() { 1 } else { BROKER_WINDOW }
    }
}

impl PartialEq for LaneKey {
    fn eq(&self, other: &Self) -> bool {
        self.queue_id == other.queue_id
            && Arc::ptr_eq(&self.topic, &other.topic)
            && self.broker.is_named_as(&other.broker)
    }
}

impl Eq for LaneKey {}

impl Hash for LaneKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let topic = Arc::as_ptr(&self.topic).addr();
        (topic, self.broker.name_hash(), self.queue_id).hash(state);
    }
}

impl Lanes {
    pub(super) fn new(batching: Batching) -> Self {
        let watch = Watch { batching, next: Mutex::default(), attention: Notify::new() };
        Self { lanes: RwLock::default(), watch: Arc::new(watch) }
    }

    /// Lets the passenger go at once if nobody is before it, else it waits.
    pub(super) fn arrive(&self, key: &LaneKey, mut passenger: Passenger, wakes: &mut Wakes) {
        while let Err(turned_away) = self.lane(key).arrive(passenger, wakes) {
            passenger = turned_away;
        }
    }

    fn lane(&self, key: &LaneKey) -> Arc<Lane> {
        if let Some(lane) = self.lanes.read().get(key) {
            return Arc::clone(lane);
        }
        let mut lanes = self.lanes.write();
        if lanes.len() == lanes.capacity() && lanes.len() >= IDLE_LANES {
            lanes.retain(|_, lane| !lane.close_if_idle());
        }
        let new = || Lane { key: key.clone(), watch: Arc::clone(&self.watch), state: Mutex::default() };
        Arc::clone(lanes.entry(key.clone()).or_insert_with(|| Arc::new(new())))
    }

    fn all(&self) -> Vec<Arc<Lane>> {
        self.lanes.read().values().cloned().collect()
    }

    /// Lets all go that wait for company only.
    pub(super) fn hurry(&self) {
        let mut wakes = Wakes::default();
        for lane in self.all() {
            lane.let_go_where_due(|state| state.hurried = !state.waiting.is_empty(), &mut wakes);
        }
    }

    /// Ends everything that waits: the producer is closed.
    pub(super) fn abort(&self) {
        let mut wakes = Wakes::default();
        for passenger in self.all().iter().flat_map(|lane| lane.state.lock().take_gone(|_| true)) {
            passenger.give_up(&Error::closed(), &mut wakes);
        }
    }

    /// The watch ends.
    pub(super) fn end(&self) {
        self.watch.next.lock().ended = true;
        self.watch.attention.notify_one();
    }

    /// Ends what waits beyond its deadline, and lets go what waited long enough, until the end.
    pub(super) async fn watch(self: Arc<Self>) {
        let attention = &self.watch.attention;
        loop {
            let now = Moment::now();
            let (check, gathered) = {
                let mut next = self.watch.next.lock();
                if next.ended {
                    return;
                }
                (next.moment, next.take_gathered(now))
            };
            if !gathered.is_empty() {
                let mut wakes = Wakes::default();
                gathered.iter().for_each(|lane| lane.end_gathering(&mut wakes));
            }
            if check.is_some_and(|check| check <= now) {
                self.look(now);
            }
            let Some(next) = self.watch.next.lock().moment() else {
                attention.notified().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(next.into()) => {}
                () = attention.notified() => {}
            }
        }
    }

    fn look(&self, now: Moment) {
        // First: who arrives meanwhile announces itself anew.
        self.watch.next.lock().moment = None;
        let mut wakes = Wakes::default();
        for lane in self.all() {
            let late = lane.state.lock().take_gone(|passenger| passenger.deadline() <= now);
            for passenger in late {
                let text = "earlier messages for the same broker had no answer in time";
                passenger.give_up(&Error::new(ErrorCode::Timeout, text), &mut wakes);
            }
            lane.let_go_where_due(|_| {}, &mut wakes);
            lane.plan_next_check(now);
        }
    }
}

impl NextCheck {
    /// The next moment at which there is something to do.
    fn moment(&self) -> Option<Moment> {
        let gathered = self.gathering.front().map(|(by, _)| *by);
        self.moment.into_iter().chain(gathered).min()
    }

    /// Takes out the lanes whose gathering is over.
    fn take_gathered(&mut self, now: Moment) -> Vec<Arc<Lane>> {
        let over = std::iter::from_fn(|| self.gathering.pop_front_if(|(by, _)| *by <= now));
        over.map(|(_, lane)| lane).collect()
    }
}

impl Watch {
    /// Makes sure that the gathering of this lane ends then.
    fn end_gathering_by(&self, moment: Moment, lane: &Arc<Lane>) {
        let mut next = self.next.lock();
        let is_first = next.gathering.is_empty();
        next.gathering.push_back((moment, Arc::clone(lane)));
        drop(next);
        if is_first {
            self.attention.notify_one();
        }
    }

    /// Makes sure that the lanes are looked at by then.
    fn look_by(&self, moment: Moment) {
        let mut next = self.next.lock();
        if next.moment.is_none_or(|check| moment < check) {
            next.moment = Some(moment);
            drop(next);
            self.attention.notify_one();
        }
    }
}

impl Lane {
    /// Lets the passenger go at once if nobody is before it, else it waits. Turned away if the lane is closed.
    fn arrive(self: &Arc<Self>, passenger: Passenger, wakes: &mut Wakes) -> Result<(), Passenger> {
        let Batching { linger, .. } = self.watch.batching;
        let mut state = self.state.lock();
        if state.closed {
            return Err(passenger);
        }
        let goes_with_burst = wakes.gathers() && linger.is_none() && passenger.may_share();
        // The first of a burst does not wait for the others if nothing is on its way.
        let window = if goes_with_burst { 1 } else { self.key.window() };
        if linger.is_none() && state.waiting.is_empty() && state.outstanding < window {
            state.outstanding += 1;
            drop(state);
            passenger.depart(Ticket(Arc::clone(self)), wakes);
            return Ok(());
        }
        let arrived = passenger.arrived();
        let check = passenger.next_check(&self.watch.batching, arrived);
        state.push(passenger);
        let begins = goes_with_burst && state.gathered_by.is_none();
        let gathered_by = begins.then(|| *state.gathered_by.insert(arrived + GATHERING));
        // Else only an answer makes room.
        let departures = match linger.is_some() || goes_with_burst {
            true => self.take_due(&mut state, arrived),
            false => Vec::new(),
        };
        let announce = state.check_by(check);
        drop(state);
        if let Some(by) = gathered_by {
            wakes.gathered_in(self);
            self.watch.end_gathering_by(by, self);
        }
        self.let_go(departures, wakes);
        if announce {
            self.watch.look_by(check);
        }
        Ok(())
    }

    fn take_due(&self, state: &mut LaneState, now: Moment) -> Vec<Vec<Passenger>> {
        state.take_due(&self.watch.batching, self.key.window(), now)
    }

    fn let_go(self: &Arc<Self>, departures: Vec<Vec<Passenger>>, wakes: &mut Wakes) {
        if departures.is_empty() {
            return;
        }
        let now = Moment::now();
        for passengers in departures {
            depart_together(passengers, Ticket(Arc::clone(self)), now, wakes);
        }
    }

    /// The burst is over: what it brought goes.
    pub(crate) fn end_gathering(self: &Arc<Self>, wakes: &mut Wakes) {
        self.let_go_where_due(|state| state.gathered_by = None, wakes);
    }

    /// Changes the lane, and lets go what is due then.
    fn let_go_where_due(self: &Arc<Self>, change: impl Fn(&mut LaneState), wakes: &mut Wakes) {
        let departures = {
            let mut state = self.state.lock();
            change(&mut state);
            self.take_due(&mut state, Moment::now())
        };
        self.let_go(departures, wakes);
    }

    /// The watch was here: when it must look again.
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
    fn close_if_idle(&self) -> bool {
        let mut state = self.state.lock();
        state.closed = state.outstanding == 0 && state.waiting.is_empty();
        state.closed
    }
}

impl LaneState {
    fn push(&mut self, passenger: Passenger) {
        self.bytes += passenger.bytes();
        self.waiting.push_back(passenger);
    }

    fn pop(&mut self) -> Option<Passenger> {
        let passenger = self.waiting.pop_front()?;
        self.bytes -= passenger.bytes();
        Some(passenger)
    }

    /// Makes sure that the watch looks here by then; `true`: it must be told.
    fn check_by(&mut self, moment: Moment) -> bool {
        let earlier = self.next_check.is_none_or(|check| moment < check);
        if earlier {
            self.next_check = Some(moment);
        }
        earlier
    }

    /// Takes out those that `gone` names.
    fn take_gone(&mut self, gone: impl Fn(&Passenger) -> bool) -> Vec<Passenger> {
        if !self.waiting.iter().any(&gone) {
            return Vec::new();
        }
        let (taken, kept): (Vec<_>, _) = std::mem::take(&mut self.waiting).into_iter().partition(gone);
        self.waiting = kept.into();
        self.bytes -= taken.iter().map(Passenger::bytes).sum::<usize>();
        taken
    }

    /// Takes out what leaves now, request by request.
    fn take_due(&mut self, batching: &Batching, window: usize, now: Moment) -> Vec<Vec<Passenger>> {
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

    fn is_due(&self, batching: &Batching, now: Moment) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        let is_full = self.bytes >= batching.max_bytes || self.waiting.len() >= batching.max_messages;
        if self.hurried || is_full || !first.may_share() {
            return true;
        }
        match batching.linger {
            Some(linger) => first.arrived() + linger <= now,
            None => self.gathered_by.is_none_or(|by| by <= now),
        }
    }

    /// Whether the first one waits for no answers any more.
    fn is_impatient(&self, now: Moment) -> bool {
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
    fn deadline(&self) -> Moment {
        match self {
            Self::One(operation, _) => operation.span.deadline,
            Self::Batch(batch) => batch.deadline(),
        }
    }

    /// Since when it waits for company; one that failed already waits no more.
    fn arrived(&self) -> Moment {
        match self {
            Self::One(operation, _) if operation.attempts > 0 => operation.span.started,
            Self::One(operation, _) => operation.attempt_started,
            Self::Batch(_) => Moment::now(),
        }
    }

    /// Until when it waits for others' answers, if it need not keep its place among them.
    fn patience_end(&self) -> Option<Moment> {
        match self {
            Self::One(operation, _) if operation.prepared.target.is_any() => {
                let span = &operation.span;
                Some(span.started + span.deadline.since(span.started) / PATIENCE)
            }
            Self::One(..) | Self::Batch(_) => None,
        }
    }

    /// When the watch must look at it, after `now`.
    fn next_check(&self, batching: &Batching, now: Moment) -> Moment {
        let linger = batching.linger.filter(|_| self.may_share());
        let moments = [linger.map(|linger| self.arrived() + linger), self.patience_end()];
        moments.into_iter().flatten().filter(|moment| *moment > now).fold(self.deadline(), Moment::min)
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

    fn travels_with(&self, first: &Passenger) -> bool {
        let (Self::One(own, _), Self::One(first, _)) = (self, first) else { return false };
        let alike = own.prepared.wait_store_ok == first.prepared.wait_store_ok;
        alike && own.may_share() && first.may_share()
    }

    fn depart(self, ticket: Ticket, wakes: &mut Wakes) {
        match self {
            Self::One(operation, chosen) => operation.depart(chosen, ticket, wakes),
            Self::Batch(batch) => batch.depart(ticket, wakes),
        }
    }

    fn give_up(self, error: &Error, wakes: &mut Wakes) {
        match self {
            Self::One(operation, _) => operation.give_up(error.clone(), wakes),
            Self::Batch(batch) => batch.give_up(error, wakes),
        }
    }
}

/// One passenger by itself, or several as one batch.
fn depart_together(mut passengers: Vec<Passenger>, ticket: Ticket, now: Moment, wakes: &mut Wakes) {
    if passengers.len() == 1
        && let Some(mut passenger) = passengers.pop()
    {
        if let Passenger::One(operation, _) = &mut passenger {
            operation.begin_next(now);
        }
        return passenger.depart(ticket, wakes);
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
    let Some(engine) = members.first().map(|first| Arc::clone(&first.engine)) else { return };
    Box::new(BatchOperation::new(engine, members, Origin::Lane(ticket))).attempt(chosen, wakes);
}

impl Ticket {
    /// Whether this queue is one of its lane's broker.
    pub(super) fn is_for(&self, queue: &PublishQueue) -> bool {
        self.0.key.broker.is_named_as(&queue.broker)
    }

    /// The place is free: lets go what waits for it.
    pub(crate) fn release(self, wakes: &mut Wakes) {
        let Self(lane) = self;
        let departures = {
            let mut state = lane.state.lock();
            state.outstanding -= 1;
            match state.waiting.is_empty() {
                true => return,
                false => lane.take_due(&mut state, Moment::now()),
            }
        };
        lane.let_go(departures, wakes);
    }

    /// The messages wait again, before all others, with this queue if it was chosen for them.
    pub(super) fn put_back(&self, members: Vec<Operation>, chosen: Option<&PublishQueue>) {
        let Self(lane) = self;
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
        state.hurried = true;
        let announce = state.check_by(check);
        drop(state);
        if announce {
            lane.watch.look_by(check);
        }
    }
}
