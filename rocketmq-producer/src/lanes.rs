//! Lanes: where messages wait while earlier ones of theirs are not answered yet, and leave together.
//!
//! There is one lane to each broker for the messages of a topic that may go to any queue, and one to each queue that
//! messages are bound to. A lane lets only so many requests out at a time; what arrives meanwhile leaves as one wire
//! batch when an answer frees a place. So batches grow with the pressure on a broker, nothing waits where there is none
//! (but what a burst brings, for its end, a moment), and a silent broker holds up nobody else's messages. A lane to one
//! queue lets out one request at a time: its messages never overtake each other. In the others nobody waits for answers
//! longer than a part of its time: a broker may be slow and not busy, and another attempt elsewhere needs time.
//!
//! ```text
//! arrive ─┬─ nobody before it, a place is free ──────────────────────────▶ depart, with a permit
//!         └─ waits ─┬─ a permit came back, the linger or the burst is over ─▶ depart, with those it takes along
//!                   ├─ it waits for answers no longer ───────────────────────▶ depart beyond the window
//!                   └─ its deadline, the close ──────────────────────────────▶ give up
//! ```
//!
//! A [`Permit`] is a place among the requests of a lane that are on their way. Who departs has it until its outcome; one
//! that is lost goes back by itself. Lanes know nothing of sends: what waits is a [`Waiting`].

mod lane;
mod state;
#[cfg(test)]
mod tests;
mod waiting;
mod watch;

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use lane::Lane;
pub(crate) use lane::Permit;
pub(crate) use waiting::Waiting;
use watch::Watch;

use crate::config::Batching;
use crate::deferred::Deferred;
use crate::error::Error;
use crate::routing::{Broker, Topic};
use crate::sync::RwLock;

/// How many requests of a topic to any queue of a broker may be without an answer: enough to keep it busy while the next
/// batch is on its way, few enough for large batches.
const BROKER_WINDOW: usize = 4;

/// The most lanes that may be kept though nobody is in them, of some 200 bytes each: programs send to ten thousand topics
/// in turn, and should not make a lane for each message.
const IDLE_LANES: usize = 32 * 1024;

/// A lane that nobody came to between two sweeps is forgotten.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// The lanes of one producer.
pub(crate) struct Lanes<W> {
    lanes: RwLock<HashMap<LaneKey, Arc<Lane<W>>, foldhash::fast::RandomState>>,
    watch: Arc<Watch<W>>,
}

/// Which lane. A broker that went and came again is another object of the same name, and has the same lane.
#[derive(Clone)]
pub(crate) struct LaneKey {
    /// Its number: a lane that nobody is in keeps no topic.
    topic: u64,
    broker: Arc<Broker>,
    /// The queue its messages are bound to.
    queue_id: Option<i32>,
}

impl LaneKey {
    /// Of messages that go to this queue; `is_bound`: they may go to no other.
    pub(crate) fn new(topic: &Topic, broker: &Arc<Broker>, queue_id: i32, is_bound: bool) -> Self {
        Self { topic: topic.number, broker: Arc::clone(broker), queue_id: is_bound.then_some(queue_id) }
    }

    fn window(&self) -> usize {
        if self.queue_id.is_some() { 1 } else { BROKER_WINDOW }
    }
}

impl PartialEq for LaneKey {
    fn eq(&self, other: &Self) -> bool {
        self.queue_id == other.queue_id && self.topic == other.topic && self.broker.is_named_as(&other.broker)
    }
}

impl Eq for LaneKey {}

impl Hash for LaneKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.topic, self.broker.name_hash(), self.queue_id).hash(state);
    }
}

impl<W: Waiting> Lanes<W> {
    pub(crate) fn new(batching: Batching) -> Self {
        Self { lanes: RwLock::default(), watch: Arc::new(Watch::new(batching)) }
    }

    /// Departs at once if nobody is before it, else it waits.
    pub(crate) fn arrive(&self, key: &LaneKey, mut arriving: W, deferred: &mut Deferred) {
        while let Err(turned_away) = self.lane(key).arrive(arriving, deferred) {
            arriving = turned_away;
        }
    }

    fn lane(&self, key: &LaneKey) -> Arc<Lane<W>> {
        if let Some(lane) = self.lanes.read().get(key) {
            return Arc::clone(lane);
        }
        let mut lanes = self.lanes.write();
        if lanes.len() == lanes.capacity() && lanes.len() >= IDLE_LANES {
            lanes.retain(|_, lane| !lane.close_if_idle());
        }
        let new = || Arc::new(Lane::new(key.clone(), Arc::clone(&self.watch)));
        let lane = Arc::clone(lanes.entry(key.clone()).or_insert_with(new));
        drop(lanes);
        self.watch.sweep_after(SWEEP_INTERVAL);
        lane
    }

    fn all(&self) -> Vec<Arc<Lane<W>>> {
        self.lanes.read().values().cloned().collect()
    }

    /// Forgets the lanes that nobody came to since the last sweep; `true`: there are others.
    fn sweep(&self) -> bool {
        let mut lanes = self.lanes.write();
        lanes.retain(|_, lane| lane.take_use() || !lane.close_if_idle());
        let fitting = 2 * lanes.len();
        lanes.shrink_to(fitting);
        !lanes.is_empty()
    }

    /// Sends off all that wait for company only.
    pub(crate) fn send_now(&self) {
        let mut deferred = Deferred::default();
        for lane in self.all() {
            lane.send_now(&mut deferred);
        }
    }

    /// Ends everything that waits: the producer is closed.
    pub(crate) fn abort(&self) {
        let mut deferred = Deferred::default();
        for waiting in self.all().iter().flat_map(|lane| lane.take_all()) {
            waiting.give_up(&Error::closed(), &mut deferred);
        }
    }

    /// The watch ends.
    pub(crate) fn end(&self) {
        self.watch.end();
    }
}
