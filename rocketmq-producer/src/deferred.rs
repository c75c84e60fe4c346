//! What is owed after sends and outcomes, and done at once for many of them.

use std::sync::Arc;
use std::time::Duration;

use crate::completion::CompletionQueue;
use crate::flow::{Bounds, Settled};
use crate::lanes::{Lane, Permit};
use crate::memory::Memory;
use crate::remoting::Channel;
use crate::sys::{Parker, Unparks};

/// What sends and outcomes have made due: places in lanes that others wait for; sends that were gathered; outcomes to be
/// counted; queues that got reports, each to be woken once; threads that sleep until their outcome; memory that is free
/// again. Settled when dropped, so that no lock is held and no call is nested then.
#[derive(Default)]
pub(crate) struct Deferred {
    permits: Vec<Permit>,
    /// `None`: sends go as they come.
    gathering: Option<Gathering>,
    settled: Settled,
    queues: Vec<CompletionQueue>,
    unparks: Unparks,
    memory: Vec<Memory>,
}

/// Of more lanes than this a burst's end tells none: they end their gatherings by themselves.
const MOST_LANES: usize = 4096;

/// Where sends of a burst were gathered. They go by themselves after a moment; to be told of the end they go sooner.
#[derive(Default)]
pub(crate) struct Gathering {
    lanes: Vec<Arc<Lane>>,
    channels: Vec<Arc<Channel>>,
}

impl Gathering {
    /// They go by themselves after so long.
    pub(crate) const TIME: Duration = Duration::from_millis(1);

    /// What has less time than this is not gathered.
    pub(crate) const IN_TIME: Duration = Duration::from_millis(20);
}

impl Deferred {
    /// With these, sends are gathered, and go when all is settled.
    pub(crate) fn gathering(gathering: Gathering) -> Self {
        let mut deferred = Self::default();
        deferred.gathering = Some(gathering);
        deferred
    }

    /// Settles all but the gathering.
    pub(crate) fn into_gathering(mut self) -> Gathering {
        self.gathering.take().unwrap_or_default()
    }

    /// Whether sends are gathered.
    pub(crate) fn gathers(&self) -> bool {
        self.gathering.is_some()
    }

    /// A message is gathered in this lane.
    pub(crate) fn gathered_in(&mut self, lane: &Arc<Lane>) {
        if let Some(Gathering { lanes, .. }) = &mut self.gathering
            && !lanes.last().is_some_and(|last| Arc::ptr_eq(last, lane))
            && lanes.len() < MOST_LANES
        {
            lanes.push(Arc::clone(lane));
        }
    }

    /// A request is gathered at this connection.
    pub(crate) fn gathered_at(&mut self, channel: &Arc<Channel>) {
        if let Some(gathering) = &mut self.gathering
            && !gathering.channels.iter().any(|known| Arc::ptr_eq(known, channel))
        {
            gathering.channels.push(Arc::clone(channel));
        }
    }

    /// A place in a lane is free, if there was one.
    pub(crate) fn release(&mut self, permit: Option<Permit>) {
        self.permits.extend(permit);
    }

    /// A queue has got reports, and is owed a wake-up.
    pub(crate) fn wake(&mut self, queue: CompletionQueue) {
        self.queues.push(queue);
    }

    /// The thread of this parker has its outcome.
    pub(crate) fn unpark(&mut self, parker: &Parker) {
        self.unparks.add(parker);
    }

    /// A send has its outcome; its memory is free.
    pub(crate) fn finished(&mut self, bounds: &Arc<Bounds>, memory: Memory) {
        self.settled.add(bounds);
        self.memory.push(memory);
    }

    /// Lets those go that waited in lanes.
    pub(crate) fn depart(&mut self) {
        while let Some(permit) = self.permits.pop() {
            permit.release(self);
        }
    }

    /// Lets those go that were gathered. What goes may end at once, and free places; what is tried again may be gathered
    /// elsewhere.
    fn end_gathering(&mut self) {
        while let Some(lane) = self.gathering.as_mut().and_then(|gathering| gathering.lanes.pop()) {
            lane.end_gathering(self);
            self.depart();
        }
        for channel in self.gathering.iter_mut().flat_map(|gathering| gathering.channels.drain(..)) {
            channel.send_now();
        }
    }

    /// Settles all now and keeps the memory for the next round.
    pub(crate) fn settle(&mut self) {
        self.depart();
        self.end_gathering();
        // Before threads are unparked: whoever has all outcomes and asks finds nothing outstanding.
        let in_flight = self.settled.tell();
        for queue in self.queues.drain(..) {
            queue.wake();
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
