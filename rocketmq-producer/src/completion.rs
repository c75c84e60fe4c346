//! How outcomes reach the caller: a queue with three doors (poll, descriptor, delivery thread), the waiting
//! caller, or a Rust future. Each accepted send goes through exactly one of them, once.

mod batch_waiter;
mod delivery;
mod queue;
mod waiter;

pub(crate) use batch_waiter::BatchWaiter;
pub use delivery::{DeliveryThread, Event};
pub use queue::CompletionQueue;
pub(crate) use waiter::Waiter;

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::error::Error;
use crate::producer::{Bounds, InFlightShare, Lane, Memory, Settled, Ticket};
use crate::receipt::Receipt;
use crate::remoting::Channel;
use crate::sys::Calls;

/// Two words of the caller's, handed back untouched with the report (C keeps a function and its opaque there).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub usize, pub usize);

/// The outcome of one accepted send. It counts against the in-flight bounds until it is dropped.
#[derive(Debug)]
pub struct Report {
    /// The words given with the send.
    pub tag: Tag,
    /// The receipt, or why there is none.
    pub result: Result<Receipt, Error>,
    pub(crate) _share: InFlightShare,
}

/// Where the outcome of one send goes.
pub(crate) enum Completion {
    /// A completion queue, with the caller's words.
    Queue(CompletionQueue, Tag),
    Caller(Caller),
}

/// A caller without a queue.
pub(crate) enum Caller {
    /// The thread that called `send` waits for it.
    Waiter(Arc<Waiter>),
    /// The thread that called `send_batch` waits for it and others; the number is its place among them.
    Batch(Arc<BatchWaiter>, u32),
    /// A Rust future.
    Future(oneshot::Sender<Result<Receipt, Error>>),
    /// A one-way send: nobody waits.
    Nobody,
}

impl Completion {
    /// Hands over the outcome. Queues and threads are woken when `wakes` is settled, once each.
    pub(crate) fn complete(self, result: Result<Receipt, Error>, share: InFlightShare, wakes: &mut Wakes) {
        let caller = match self {
            Self::Queue(queue, tag) => {
                if queue.push(Report { tag, result, _share: share }) {
                    wakes.queues.push(queue);
                }
                return;
            }
            Self::Caller(caller) => caller,
        };
        drop(share);
        match caller {
            Caller::Waiter(waiter) => {
                if let Some(seat) = waiter.complete(result) {
                    wakes.calls.add(seat);
                }
            }
            Caller::Batch(waiter, index) => waiter.complete(index as usize, result),
            Caller::Future(sender) => {
                // The receiver is gone when the future was dropped; nobody wants the outcome then.
                let _ = sender.send(result);
            }
            Caller::Nobody => {}
        }
    }
}

/// What sends and outcomes have made due: a connection that has something to write; queues that got reports, each to be
/// woken once; threads that sleep until their outcome; places in lanes that others wait for; outcomes to be counted; memory
/// that is free again. Settled when dropped, so that no lock is held and no call is nested then.
#[derive(Default)]
pub(crate) struct Wakes {
    gathering: Option<Gathering>,
    queues: Vec<CompletionQueue>,
    tickets: Vec<Ticket>,
    memory: Vec<Memory>,
    calls: Calls,
    settled: Settled,
}

/// Where sends were gathered, to go together.
#[derive(Default)]
struct Gathering {
    lanes: Vec<Arc<Lane>>,
    /// The last of the connections. One is enough: what is gathered at several goes as that of the next one comes.
    channel: Option<Arc<Channel>>,
}

impl Wakes {
    /// With these, sends are gathered: they go when all is settled.
    pub(crate) fn gathering() -> Self {
        let mut wakes = Self::default();
        wakes.gathering = Some(Gathering::default());
        wakes
    }

    /// Whether sends are gathered.
    pub(crate) fn gathers(&self) -> bool {
        self.gathering.is_some()
    }

    /// Messages are gathered in this lane from now on.
    pub(crate) fn gathered_in(&mut self, lane: &Arc<Lane>) {
        if let Some(gathering) = &mut self.gathering {
            gathering.lanes.push(Arc::clone(lane));
        }
    }

    /// Requests are gathered at this connection from now on.
    pub(crate) fn gathered_at(&mut self, channel: &Arc<Channel>) {
        if let Some(gathering) = &mut self.gathering
            && let Some(other) = gathering.channel.replace(Arc::clone(channel))
            && !Arc::ptr_eq(&other, channel)
        {
            other.hurry();
        }
    }

    /// What was gathered goes.
    fn end_gathering(&mut self) {
        let Some(gathering) = &mut self.gathering else { return };
        for lane in std::mem::take(&mut gathering.lanes) {
            lane.end_gathering(self);
        }
        if let Some(channel) = self.gathering.as_mut().and_then(|gathering| gathering.channel.take()) {
            channel.hurry();
        }
    }

    /// A place in a lane is free, if there was one.
    pub(crate) fn release(&mut self, ticket: Option<Ticket>) {
        self.tickets.extend(ticket);
    }

    /// A send has its outcome; its memory is free.
    pub(crate) fn settle(&mut self, bounds: &Arc<Bounds>, memory: Memory) {
        self.settled.add(bounds);
        self.memory.push(memory);
    }

    /// Lets those go that waited in lanes.
    pub(crate) fn depart(&mut self) {
        while let Some(ticket) = self.tickets.pop() {
            ticket.release(self);
        }
    }

    /// Settles all now and keeps the memory for the next round.
    pub(crate) fn flush(&mut self) {
        self.depart();
        self.end_gathering();
        // Before the calls: whoever has all outcomes and asks finds nothing outstanding.
        let in_flight = self.settled.tell();
        for queue in self.queues.drain(..) {
            queue.wake();
        }
        self.calls.make();
        Memory::give_back(&mut self.memory, in_flight);
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.flush();
    }
}
