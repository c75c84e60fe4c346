//! One topic: its queues for the senders, and who waits for its route.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sync::Mutex;
use crate::sys::Moment;
use arc_swap::ArcSwapOption;
use rocketmq_protocol::route::TopicRoute;
use rocketmq_protocol::topics;
use tokio::sync::Notify;

use super::batch_trials::BatchTrials;
use super::publish::PublishQueues;
use crate::completion::Wakes;
use crate::error::Error;

/// Something that needs the topic's queues to go on.
pub(crate) trait RouteWaiter: Send {
    fn deadline(&self) -> Moment;

    /// Who asked; see [`super::RouteTable::abort`].
    fn owner(&self) -> usize;

    /// Whether it sends something when it goes on, which nothing may overtake.
    fn takes_turns(&self) -> bool {
        true
    }

    /// The queues are there, though perhaps none can be written.
    fn routed(self: Box<Self>, wakes: &mut Wakes);

    /// There is no route; the error says why.
    fn unrouted(self: Box<Self>, error: Error, wakes: &mut Wakes);
}

pub(crate) struct Topic {
    /// As brokers know it.
    pub(crate) name: Arc<str>,
    /// As the program names it.
    pub(crate) shown: Arc<str>,
    queues: ArcSwapOption<PublishQueues>,
    /// Nobody waits for the route: whoever comes now overtakes nobody.
    open: AtomicBool,
    /// There are queues to choose from.
    writable: AtomicBool,
    batches: BatchTrials,
    pub(super) look_up: Mutex<LookUp>,
    /// Tells the look-up that somebody more waits for it.
    pub(super) joined: Notify,
}

/// The route as it came, and those who wait for it.
#[derive(Default)]
pub(super) struct LookUp {
    pub(super) route: Option<TopicRoute>,
    /// How much of the client's bound it takes.
    pub(super) bytes: usize,
    /// When a name server last said that this is the route.
    pub(super) confirmed: Option<Moment>,
    pub(super) running: bool,
    pub(super) waiters: Vec<Box<dyn RouteWaiter>>,
}

impl Topic {
    pub(super) fn new(name: Arc<str>, shown: Arc<str>) -> Self {
        Self {
            name,
            shown,
            queues: ArcSwapOption::empty(),
            open: AtomicBool::new(false),
            writable: AtomicBool::new(false),
            batches: BatchTrials::default(),
            look_up: Mutex::default(),
            joined: Notify::new(),
        }
    }

    /// The queues to choose from, or `None` before the first look-up succeeded.
    pub(crate) fn queues(&self) -> arc_swap::Guard<Option<Arc<PublishQueues>>> {
        self.queues.load()
    }

    /// Whether a send can go on without a look-up.
    pub(crate) fn is_routed(&self) -> bool {
        self.open.load(Ordering::Acquire) && self.has_queues()
    }

    pub(super) fn has_queues(&self) -> bool {
        self.writable.load(Ordering::Acquire)
    }

    /// Under the lock of the look-up: with nobody waiting, or when somebody begins to.
    pub(super) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Release);
    }

    /// Whether several messages may go to it in one request.
    pub(crate) fn takes_batches(&self) -> bool {
        self.batches.are_welcome() && !self.name.starts_with(topics::RETRY_PREFIX)
    }

    /// How wire batches of this topic fare.
    pub(crate) fn batches(&self) -> &BatchTrials {
        &self.batches
    }

    pub(super) fn set_queues(&self, queues: PublishQueues) {
        let writable = !queues.is_empty();
        self.queues.store(Some(Arc::new(queues)));
        self.writable.store(writable, Ordering::Release);
    }

    /// The earliest deadline of those who wait.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.look_up.lock().waiters.iter().map(|waiter| waiter.deadline()).min()
    }

    /// Takes out the waiters that `gone` names.
    pub(super) fn take_waiters(&self, gone: impl Fn(&dyn RouteWaiter) -> bool) -> Vec<Box<dyn RouteWaiter>> {
        let mut look_up = self.look_up.lock();
        let (taken, kept) =
            std::mem::take(&mut look_up.waiters).into_iter().partition(|waiter| gone(&**waiter));
        look_up.waiters = kept;
        taken
    }
}
