//! All topics a client instance is asked for, and how their routes are found.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::sync::RwLock;
use crate::sys::{self, Moment};
use rocketmq_protocol::namespace;
use rocketmq_protocol::route::TopicRoute;
use tokio::runtime::Handle;

use super::bounds::{MAX_CLIENT_ROUTES, route_bytes};
use super::broker::BrokerTable;
use super::name_servers::{Found, NameServers};
use super::publish::PublishQueues;
use super::topic::{LookUp, Origin, RouteWaiter, Topic};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::log::Log;
use crate::producer_id::ProducerId;
use crate::remoting::Turn;
use crate::stats::TopicState;
use crate::task;

/// So many who wait for a route are told before others have the I/O thread.
const TOLD_AT_ONCE: usize = 64;

pub(crate) struct RouteOptions {
    /// The topic whose route stands in for that of an unknown topic (`create.topic.key`).
    pub(crate) default_topic: String,
    pub(crate) default_topic_queue_nums: i32,
    /// The namespace of version 1 that names of topics carry.
    pub(crate) namespace: Option<String>,
    pub(crate) timeout: Duration,
    /// So long after its last use a topic is forgotten; `None`: never.
    pub(crate) expiry: Option<Duration>,
}

pub(crate) struct RouteTable {
    pub(super) runtime: Handle,
    pub(super) options: RouteOptions,
    pub(super) name_servers: Arc<NameServers>,
    pub(super) brokers: Arc<BrokerTable>,
    pub(super) topics: RwLock<HashMap<Arc<str>, Arc<Topic>, foldhash::fast::RandomState>>,
    /// Roughly, of all routes.
    pub(super) bytes: AtomicUsize,
    /// The client instance is gone: what fails now is nobody's concern.
    pub(super) ended: AtomicBool,
    pub(super) log: Log,
    pub(super) myself: Weak<Self>,
}

impl RouteTable {
    pub(crate) fn new(
        runtime: Handle,
        options: RouteOptions,
        name_servers: Arc<NameServers>,
        brokers: Arc<BrokerTable>,
        log: Log,
    ) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            runtime,
            options,
            name_servers,
            brokers,
            topics: RwLock::default(),
            bytes: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            log,
            myself: myself.clone(),
        })
    }

    /// The topic that the program calls so, known or not.
    pub(crate) fn topic(&self, shown: &str) -> Arc<Topic> {
        let name = match &self.options.namespace {
            Some(namespace) => namespace::wrap(namespace, shown),
            None => shown.into(),
        };
        let name = name.as_ref();
        if let Some(topic) = self.topics.read().get(name).cloned() {
            if topic.begin_use() {
                self.doubt(&topic);
            }
            return topic;
        }
        let mut topics = self.topics.write();
        if let Some(topic) = topics.get(name) {
            return Arc::clone(topic);
        }
        let name: Arc<str> = name.into();
        let shown = match &self.options.namespace {
            Some(namespace) => namespace::unwrap(namespace, &name).into(),
            None => Arc::clone(&name),
        };
        let topic = Arc::new(Topic::new(name, shown));
        topics.insert(Arc::clone(&topic.wire_name), Arc::clone(&topic));
        topic
    }

    /// What is known of each topic, as statistics show it.
    pub(crate) fn states(&self) -> Vec<TopicState> {
        let topics: Vec<_> = self.topics.read().values().cloned().collect();
        let state = |topic: Arc<Topic>| TopicState {
            name: Arc::clone(&topic.name),
            writable_queues: topic.queues().as_ref().map_or(0, |queues| queues.len()),
            route_age: topic.look_up.lock().confirmed.map(|confirmed| confirmed.elapsed()),
        };
        topics.into_iter().map(state).collect()
    }

    /// The name of some topic that was asked for.
    pub(crate) fn any_topic(&self) -> Option<Arc<str>> {
        self.topics.read().keys().next().cloned()
    }

    /// Looks the topic up and lets the waiter go on, with queues or an error. One look-up serves all who wait.
    pub(crate) fn wait(&self, topic: &Arc<Topic>, waiter: Box<dyn RouteWaiter>) {
        self.begin_look_up(topic, Some(waiter));
    }

    /// Looks the topic up before anybody needs it.
    pub(crate) fn warm_up(&self, topic: &str) {
        let topic = self.topic(topic);
        topic.keep();
        if !topic.is_routed() {
            self.begin_look_up(&topic, None);
        }
    }

    fn begin_look_up(&self, topic: &Arc<Topic>, waiter: Option<Box<dyn RouteWaiter>>) {
        let start = {
            let mut look_up = topic.look_up.lock();
            look_up.waiters.extend(waiter);
            topic.set_open(false);
            !std::mem::replace(&mut look_up.running, true)
        };
        topic.joined.ring();
        if start && let Some(table) = self.myself.upgrade() {
            let looked_up = Arc::clone(topic);
            task::spawn(&self.runtime, table.look_up(Arc::clone(topic)), move |outcome| {
                if let Err(stopped) = outcome {
                    let text = format!("the look-up of topic {} ended: {stopped}", looked_up.name);
                    fail(&looked_up, &Error::new(ErrorCode::Internal, text).with_source(stopped));
                }
            });
        }
    }

    /// Fails what the producer still has waiting for routes.
    pub(crate) fn abort(&self, producer: ProducerId) {
        let topics: Vec<_> = self.topics.read().values().cloned().collect();
        let mut deferred = Deferred::default();
        for topic in topics {
            for waiter in topic.take_waiters(|waiter| waiter.producer() == producer) {
                waiter.unrouted(Error::closed(), &mut deferred);
            }
        }
    }

    /// Connections are about to end, and refreshes under way with them.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.name_servers.end();
    }

    async fn look_up(self: Arc<Self>, topic: Arc<Topic>) {
        let found = async {
            // As long as somebody waits: a look-up of their addresses has its own pace.
            self.name_servers.wait_known().await;
            self.find(&topic).await
        };
        tokio::pin!(found);
        let result = loop {
            let check = topic.next_deadline().unwrap_or_else(|| Moment::now() + self.options.timeout);
            tokio::select! {
                result = &mut found => break result,
                // Or one has joined, whose deadline may be an earlier one.
                () = topic.joined.wait(Some(check)) => self.expire(&topic).await,
            }
        };
        self.expire(&topic).await;
        // A refresh may have brought queues meanwhile, or they were there: then a failure takes nothing away.
        let failure = result
            .and_then(|(route, origin)| self.adopt(&topic, route, origin))
            .err()
            .filter(|_| !topic.has_queues());
        if let Some(error) = failure {
            return tell(end(&topic), |waiter, deferred| waiter.unrouted(error.clone(), deferred)).await;
        }
        // Those who come while others go on wait as well, so that nobody is overtaken.
        let mut asking = Vec::new();
        while let Some(waiters) = take_waiters_or_open(&topic) {
            let (going, only_asking): (Vec<_>, Vec<_>) =
                waiters.into_iter().partition(|waiter| waiter.takes_turns());
            asking.extend(only_asking);
            tell(going, |waiter, deferred| waiter.routed(deferred)).await;
        }
        tell(asking, |waiter, deferred| waiter.routed(deferred)).await;
    }

    /// The topic's own route or, for a topic that does not exist yet, one made from the default topic's
    /// (protocol 3.3).
    async fn find(&self, topic: &Topic) -> Result<(TopicRoute, Origin), Error> {
        let mut silent = match self.ask(topic, Origin::Own).await? {
            Found::Route(route) => return Ok((route, Origin::Own)),
            Found::Nowhere { silent } => silent,
        };
        match self.ask(topic, Origin::DefaultTopic).await? {
            Found::Route(route) => Ok((route, Origin::DefaultTopic)),
            Found::Nowhere { silent: more } => {
                silent.extend(more);
                Err(self.no_route(topic, silent))
            }
        }
    }

    /// Whoever did not answer may know the topic: then another try is worth it.
    fn no_route(&self, topic: &Topic, mut silent: Vec<Arc<str>>) -> Error {
        let text = format!(
            "topic {} does not exist, and no broker creates topics by itself (no route for {} either)",
            topic.name, self.options.default_topic
        );
        silent.sort();
        silent.dedup();
        if silent.is_empty() {
            return Error::new(ErrorCode::NoRoute, text);
        }
        let text = format!("{text}; {} did not answer, and may know it", silent.join(", "));
        Error::new(ErrorCode::NoRoute, text).worth_a_retry()
    }

    /// Asks the name servers.
    pub(super) async fn ask(&self, topic: &Topic, origin: Origin) -> Result<Found, Error> {
        let timeout = self.options.timeout;
        if origin == Origin::Own {
            return self.name_servers.route(&topic.wire_name, &topic.name, timeout).await;
        }
        let default_topic = &self.options.default_topic;
        let mut found = self.name_servers.route(default_topic, default_topic, timeout).await?;
        if let Found::Route(route) = &mut found {
            for data in &mut route.queue_datas {
                let nums = data.read_queue_nums.min(self.options.default_topic_queue_nums);
                data.read_queue_nums = nums;
                data.write_queue_nums = nums;
            }
        }
        Ok(found)
    }

    /// Takes over a route if it differs from what is known, or if nothing usable is known. An error if it is too much
    /// beside those of other topics; what is known stays then.
    pub(super) fn adopt(&self, topic: &Topic, route: TopicRoute, origin: Origin) -> Result<(), Error> {
        self.take_over(topic, &mut topic.look_up.lock(), route, origin)
    }

    /// The same for what was asked because the route in use was in doubt: if another one's route has come into use
    /// meanwhile, that stays.
    pub(super) fn adopt_again(&self, topic: &Topic, route: TopicRoute, origin: Origin) -> Result<(), Error> {
        let mut look_up = topic.look_up.lock();
        match look_up.origin == origin {
            true => self.take_over(topic, &mut look_up, route, origin),
            false => Ok(()),
        }
    }

    fn take_over(
        &self,
        topic: &Topic,
        look_up: &mut LookUp,
        route: TopicRoute,
        origin: Origin,
    ) -> Result<(), Error> {
        let host = self.brokers.name_server_host();
        if look_up.route.as_ref() != Some(&route) || look_up.host != host || !topic.has_queues() {
            let bytes = route_bytes(route.broker_datas.len(), PublishQueues::count(&route));
            let others = self.bytes.load(Ordering::Relaxed) - look_up.bytes;
            if others + bytes > MAX_CLIENT_ROUTES {
                let text = format!(
                    "the routes of all topics take {} bytes with that of topic {}, more than {MAX_CLIENT_ROUTES}",
                    others + bytes,
                    topic.name
                );
                return Err(Error::new(ErrorCode::Protocol, text));
            }
            self.brokers.update(&route)?;
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            self.bytes.fetch_sub(look_up.bytes, Ordering::Relaxed);
            topic.set_queues(PublishQueues::of(&route, &self.brokers, sys::chance() as usize));
            look_up.route = Some(route);
            look_up.bytes = bytes;
            look_up.host = host;
        }
        look_up.origin = origin;
        look_up.confirmed = Some(Moment::now());
        // A look-up that runs opens the topic when all who waited for it have gone on.
        if !look_up.running {
            topic.set_open(true);
        }
        Ok(())
    }

    /// Fails the waiters whose deadline passed while the name servers were silent.
    async fn expire(&self, topic: &Topic) {
        let now = Moment::now();
        let gone = topic.take_waiters(|waiter| waiter.deadline() <= now);
        if gone.is_empty() {
            return;
        }
        let error = self.name_servers.silence(&topic.name);
        tell(gone, |waiter, deferred| waiter.unrouted(error.clone(), deferred)).await;
    }
}

/// The look-up has ended without a route: so have those who wait for it. Who comes now asks anew.
fn fail(topic: &Topic, error: &Error) {
    let mut deferred = Deferred::default();
    for waiter in end(topic) {
        waiter.unrouted(error.clone(), &mut deferred);
    }
}

/// The look-up has ended. Gives those who waited for it.
fn end(topic: &Topic) -> Vec<Box<dyn RouteWaiter>> {
    let mut look_up = topic.look_up.lock();
    look_up.running = false;
    std::mem::take(&mut look_up.waiters)
}

/// Tells them, some at a time: there may be thousands, and others need the I/O thread too.
async fn tell(waiters: Vec<Box<dyn RouteWaiter>>, one: impl Fn(Box<dyn RouteWaiter>, &mut Deferred)) {
    let mut turn = Turn::default();
    let mut waiters = waiters.into_iter().peekable();
    while waiters.peek().is_some() {
        let mut deferred = Deferred::default();
        waiters.by_ref().take(TOLD_AT_ONCE).for_each(|waiter| one(waiter, &mut deferred));
        drop(deferred);
        turn.give_way(Moment::now()).await;
    }
}

/// Those who wait for the look-up that succeeded; when nobody does it has ended, and the topic is open.
fn take_waiters_or_open(topic: &Topic) -> Option<Vec<Box<dyn RouteWaiter>>> {
    let mut look_up = topic.look_up.lock();
    if look_up.waiters.is_empty() {
        look_up.running = false;
        topic.set_open(true);
        return None;
    }
    Some(std::mem::take(&mut look_up.waiters))
}
