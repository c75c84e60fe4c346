//! What sends and outcomes make due, done once no lock is held, and at once for many of them.
//!
//! A read brings the answers of hundreds of sends. Each frees a place in a lane and a piece of memory, puts an event into a
//! queue or ends the sleep of a thread, and counts against the bounds no longer. Done one by one, and from within the locks
//! under which answers are found, these would take a system call each and nest without end. So whoever works through many
//! sends has a [`Deferred`] and hands it down; what is due enters it, and [`Deferred::settle`] does it, in this order:
//!
//! 1. lanes let go who waits for the freed places,
//! 2. the burst, if there is one, goes to the network,
//! 3. the bounds hear how many sends have their outcome,
//! 4. queues are woken, once each, and threads, by one system call for all,
//! 5. memory goes back for those that come.
//!
//! The rooms above enter what they have as one of the traits below, so that this room knows none of them.

mod burst;

pub use burst::Burst;

use std::sync::Arc;

use crate::flow::{Bounds, Settled};
use crate::memory::Memory;
use crate::sys::{Parker, Unparks};

/// Where a place has become free for who waits.
pub(crate) trait HasPlaces: Send + Sync {
    /// Counts the place as free, and lets go what waits for it.
    fn free_place(self: Arc<Self>, deferred: &mut Deferred);
}

/// Where what a burst brings is held back for a moment.
pub(crate) trait Gathered: Send + Sync {
    /// The burst is over: what it brought goes.
    fn end_burst(self: Arc<Self>, deferred: &mut Deferred);
}

/// Who is owed a wake-up for what lies there.
pub(crate) trait Wake: Send + Sync {
    fn wake(&self);
}

/// What is due. Settled when dropped.
#[derive(Default)]
pub(crate) struct Deferred {
    freed: Vec<Arc<dyn HasPlaces>>,
    /// `None`: sends go as they come.
    burst: Option<Burst>,
    settled: Settled,
    wakes: Vec<Arc<dyn Wake>>,
    unparks: Unparks,
    memory: Vec<Memory>,
}

impl Deferred {
    /// With these, sends are gathered, and go when all is settled.
    pub(crate) fn in_burst(burst: Burst) -> Self {
        let mut deferred = Self::default();
        deferred.burst = Some(burst);
        deferred
    }

    /// Settles all but the burst.
    pub(crate) fn into_burst(mut self) -> Burst {
        self.burst.take().unwrap_or_default()
    }

    /// Whether sends are gathered.
    pub(crate) fn is_in_burst(&self) -> bool {
        self.burst.is_some()
    }

    /// A message of the burst waits in this lane.
    pub(crate) fn gathered_in(&mut self, lane: Arc<dyn Gathered>) {
        if let Some(burst) = &mut self.burst {
            burst.add_lane(lane);
        }
    }

    /// A request of the burst waits at this channel.
    pub(crate) fn gathered_at(&mut self, channel: &Arc<impl Gathered + 'static>) {
        if let Some(burst) = &mut self.burst {
            burst.add_channel(channel);
        }
    }

    /// A place is to be given back there.
    pub(crate) fn free(&mut self, place: Arc<dyn HasPlaces>) {
        self.freed.push(place);
    }

    /// Something lies there, and a wake-up is owed for it.
    pub(crate) fn wake(&mut self, sleeper: Arc<dyn Wake>) {
        self.wakes.push(sleeper);
    }

    /// The thread that sleeps there has its outcome.
    pub(crate) fn unpark(&mut self, parker: &Parker) {
        self.unparks.add(parker);
    }

    /// A send has its outcome.
    pub(crate) fn settled(&mut self, bounds: &Arc<Bounds>) {
        self.settled.add(bounds);
    }

    /// Memory of sends is free.
    pub(crate) fn recycle(&mut self, memory: Memory) {
        self.memory.push(memory);
    }

    /// Frees the places. Whoever gets one may end at once, and free another.
    pub(crate) fn free_places(&mut self) {
        while let Some(place) = self.freed.pop() {
            place.free_place(self);
        }
    }

    /// Lets the burst go: first what waits in lanes, which may come to wait at channels. What goes may end at once, and free
    /// places; what is tried again may be gathered elsewhere.
    fn end_burst(&mut self) {
        while let Some(lane) = self.burst.as_mut().and_then(Burst::take_lane) {
            lane.end_burst(self);
            self.free_places();
        }
        while let Some(channel) = self.burst.as_mut().and_then(Burst::take_channel) {
            channel.end_burst(self);
        }
    }

    /// Whether nothing is due: so after most sends, whose outcomes come later.
    #[inline]
    fn is_settled(&self) -> bool {
        let Self { freed, burst, settled, wakes, unparks, memory } = self;
        let no_lists = freed.is_empty() && wakes.is_empty() && memory.is_empty();
        no_lists && burst.is_none() && settled.is_empty() && unparks.is_empty()
    }

    /// Does what is due, and keeps the lists' memory for the next round.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if !self.is_settled() {
            self.settle_all();
        }
    }

    /// The same between two sends of a burst, which goes on: who has an outcome need not wait for those that come after it.
    #[inline]
    pub(crate) fn settle_outcomes(&mut self) {
        if !self.settled.is_empty() {
            self.free_places();
            self.tell_outcomes();
        }
    }

    fn settle_all(&mut self) {
        self.free_places();
        self.end_burst();
        self.tell_outcomes();
    }

    fn tell_outcomes(&mut self) {
        // Before the wake-ups: whoever has all outcomes and asks finds nothing outstanding.
        let in_flight = self.settled.tell();
        // Not for nothing: it costs more than to look, and blocking sends wake no queue.
        if !self.wakes.is_empty() {
            self.wakes.drain(..).for_each(|sleeper| sleeper.wake());
        }
        self.unparks.unpark_all();
        Memory::give_back(&mut self.memory, in_flight);
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.settle();
    }
}
