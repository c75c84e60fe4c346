//! One topic: its queues for the senders, and who waits for its route. `look_up.rs` has the picture of its states.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::sync::Mutex;
use crate::sys::Moment;
use arc_swap::ArcSwapOption;
use rocketmq_protocol::route::TopicRoute;
use rocketmq_protocol::topics;

use super::batch_support::BatchSupport;
use super::publish::PublishQueues;
use super::waiters::Waiters;
use crate::alarm::Alarm;
use crate::deferred::Deferred;
use crate::error::Error;
use crate::producer_id::ProducerId;

/// Something that needs the topic's queues to go on, or the end of a doubt about them.
pub(crate) trait RouteWaiter: Send {
    /// Asked for once, when it begins to wait.
    fn deadline(&self) -> Moment;

    /// Who asked; see [`super::RouteTable::abort`].
    fn producer(&self) -> ProducerId;

    /// Whether it sends, so that nobody may overtake it. Whoever only asks is told last, when the topic is open if others do not
    /// send without end: what it sends then begins on its own thread, where hooks may wait.
    fn takes_turns(&self) -> bool {
        true
    }

    /// The queues are there, though perhaps none can be written; or the doubt is over, or has lasted until the deadline.
    fn routed(self: Box<Self>, deferred: &mut Deferred);

    /// There is no route; the error says why.
    fn unrouted(self: Box<Self>, error: Error, deferred: &mut Deferred);
}

pub(crate) struct Topic {
    /// A number that no other topic ever has.
    pub(crate) number: u64,
    /// The name by which brokers know the topic.
    pub(crate) wire_name: Arc<str>,
    /// The name that the program gives it.
    pub(crate) name: Arc<str>,
    queues: ArcSwapOption<PublishQueues>,
    /// Nobody waits for the route: whoever comes now overtakes nobody.
    open: AtomicBool,
    /// There are queues to choose from.
    writable: AtomicBool,
    /// Since the last refresh somebody asked for the topic.
    used: AtomicBool,
    /// Refreshes have left the topic out, so its route may be an old one.
    stale: AtomicBool,
    /// The topic is to be ready whether it is used or not.
    kept: AtomicBool,
    batches: BatchSupport,
    pub(super) look_up: Mutex<LookUp>,
    /// Tells the look-up that whoever waits for it has an earlier deadline than all others.
    pub(super) joined: Alarm,
    /// The same for those who wait for the end of the doubt.
    pub(super) doubters_joined: Alarm,
}

/// Whose route it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// The topic's.
    #[default]
    Own,
    /// That of the default topic, which stands in for a topic that nobody has made yet.
    DefaultTopic,
}

/// The route as it came, and those who wait for it.
#[derive(Default)]
pub(super) struct LookUp {
    pub(super) route: Option<TopicRoute>,
    /// The host of the name server that the addresses of the route lead to, if they do.
    pub(super) host: Option<String>,
    pub(super) origin: Origin,
    /// Bytes of the client's bound that the route takes.
    pub(super) bytes: usize,
    /// When a name server last said that this is the route.
    pub(super) confirmed: Option<Moment>,
    /// A look-up is under way, or lets those who waited for it go on.
    pub(super) running: bool,
    /// The route is in doubt: when the topic is asked for again.
    pub(super) in_doubt: Option<Moment>,
    /// When the last doubt was settled.
    pub(super) asked_again: Option<Moment>,
    /// When a refresh last saw that the topic was used since the refresh before.
    pub(super) last_used: Option<Moment>,
    /// Those who wait for the look-up.
    pub(super) waiters: Waiters,
    /// Those who wait for the end of the doubt.
    pub(super) doubters: Waiters,
}

/// What a refresh does with a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The topic is looked up again.
    Fresh,
    /// The topic stays as it is until somebody uses it.
    Nothing,
    /// Nobody needs the topic.
    Forgotten,
}

/// How long after its last use a topic is looked up in refreshes.
const IN_USE: Duration = Duration::from_secs(60);

impl Topic {
    pub(super) fn new(wire_name: Arc<str>, name: Arc<str>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);

        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            wire_name,
            name,
            queues: ArcSwapOption::empty(),
            open: AtomicBool::new(false),
            writable: AtomicBool::new(false),
            used: AtomicBool::new(true),
            stale: AtomicBool::new(false),
            kept: AtomicBool::new(false),
            batches: BatchSupport::default(),
            look_up: Mutex::default(),
            joined: Alarm::default(),
            doubters_joined: Alarm::default(),
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

    /// Whether there are queues to choose from, be it that others wait for their turn.
    pub(crate) fn has_queues(&self) -> bool {
        self.writable.load(Ordering::Acquire)
    }

    /// Opens the topic when nobody waits, or closes it when somebody begins to. To be called under the lock of the look-up.
    pub(super) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Release);
    }

    /// Somebody wants to send to the topic. `true`: its route may be an old one, as nobody has for a while.
    #[inline]
    pub(super) fn begin_use(&self) -> bool {
        // Most of the time it is a look only, which many threads may take at once.
        !self.used.load(Ordering::Relaxed)
            && !self.used.swap(true, Ordering::Relaxed)
            && self.stale.swap(false, Ordering::Relaxed)
    }

    /// The topic is to be ready whether it is used or not.
    pub(super) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// What a refresh at this time does with the topic; `expiry`: how long after its last use it is forgotten.
    ///
    /// ```text
    /// used ──▶ Fresh ──60 s──▶ Nothing ──expiry──▶ Forgotten
    ///   ▲                         │
    ///   └───────── used ──────────┘ (and looked up at once)
    /// ```
    pub(super) fn need(&self, now: Moment, expiry: Option<Duration>) -> Need {
        let was_used = self.used.swap(false, Ordering::Relaxed);
        let mut look_up = self.look_up.lock();
        let is_waited_for = look_up.running || look_up.in_doubt.is_some() || !look_up.waiters.is_empty();
        if was_used || is_waited_for {
            look_up.last_used = Some(now);
        }
        let unused = look_up.last_used.map_or(Duration::ZERO, |used| now.since(used));
        let need = match self.kept.load(Ordering::Relaxed) {
            true => Need::Fresh,
            // Who comes then looks it up anyway.
            false if look_up.route.is_none() && !is_waited_for => Need::Forgotten,
            false if expiry.is_some_and(|expiry| unused >= expiry) => Need::Forgotten,
            false if unused < IN_USE => Need::Fresh,
            false => Need::Nothing,
        };
        self.stale.store(need == Need::Nothing, Ordering::Relaxed);
        need
    }

    /// Whether several messages may go to the topic in one request.
    pub(crate) fn takes_batches(&self) -> bool {
        self.batches.are_welcome() && !self.wire_name.starts_with(topics::RETRY_PREFIX)
    }

    /// How wire batches of this topic fare.
    pub(crate) fn batches(&self) -> &BatchSupport {
        &self.batches
    }

    pub(super) fn set_queues(&self, queues: PublishQueues) {
        let writable = !queues.is_empty();
        self.queues.store(Some(Arc::new(queues)));
        self.writable.store(writable, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRY: Option<Duration> = Some(Duration::from_secs(600));

    fn topic(routed: bool) -> Topic {
        let topic = Topic::new("T".into(), "T".into());
        topic.look_up.lock().route = routed.then(TopicRoute::default);
        topic
    }

    #[test]
    fn a_topic_is_refreshed_while_it_is_used_and_forgotten_some_time_after() {
        let (topic, start) = (topic(true), Moment::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!topic.begin_use());
        for (seconds, need) in
            [(30, Need::Fresh), (60, Need::Fresh), (90, Need::Nothing), (629, Need::Nothing)]
        {
            assert_eq!(topic.need(at(seconds), EXPIRY), need, "{seconds} s");
        }
        assert_eq!(topic.need(at(630), EXPIRY), Need::Forgotten);
        assert_eq!(topic.need(at(100_000), None), Need::Nothing);
        assert!(topic.begin_use() && !topic.begin_use(), "who comes first is told that the route is old");
        assert_eq!(topic.need(at(100_001), EXPIRY), Need::Fresh);
        assert!(!topic.begin_use());
    }

    #[test]
    fn a_topic_without_a_route_is_forgotten_unless_somebody_waits_or_it_is_to_be_ready() {
        let (topic, now) = (topic(false), Moment::now());
        topic.look_up.lock().running = true;
        assert_eq!(topic.need(now, EXPIRY), Need::Fresh);
        topic.look_up.lock().running = false;
        assert_eq!(topic.need(now, EXPIRY), Need::Forgotten);
        topic.keep();
        assert_eq!(topic.need(now + Duration::from_secs(100_000), EXPIRY), Need::Fresh);
    }
}
