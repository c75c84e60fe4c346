//! All topics a client instance is asked for, and how a route that was found becomes that of a topic. `look_up.rs` finds it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::sync::RwLock;
use crate::sys::{self, Moment};
use rocketmq_protocol::namespace;
use tokio::runtime::Handle;

use super::asking::GivenRoute;
use super::bounds::{MAX_CLIENT_ROUTES, route_bytes};
use super::broker::BrokerTable;
use super::name_servers::NameServers;
use super::publish::PublishQueues;
use super::topic::{LookUp, Origin, Topic};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::log::Log;
use crate::producer_id::ProducerId;
use crate::stats::TopicState;

pub(crate) struct RouteOptions {
    /// The topic whose route stands in for that of an unknown topic (`create.topic.key`).
    pub(crate) default_topic: String,
    pub(crate) default_topic_queue_nums: i32,
    /// The namespace of version 1 that names of topics carry.
    pub(crate) namespace: Option<String>,
    pub(crate) timeout: Duration,
    /// How long after its last use a topic is forgotten; `None`: never.
    pub(crate) expiry: Option<Duration>,
}

pub(crate) struct RouteTable {
    pub(super) runtime: Handle,
    pub(super) options: RouteOptions,
    pub(super) name_servers: Arc<NameServers>,
    pub(super) brokers: Arc<BrokerTable>,
    pub(super) topics: RwLock<HashMap<Arc<str>, Arc<Topic>, foldhash::fast::RandomState>>,
    /// Bytes that all routes take, roughly.
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

    /// Fails what the producer still has waiting for routes, or for the end of doubts about them.
    pub(crate) fn abort(&self, producer: ProducerId) {
        let topics: Vec<_> = self.topics.read().values().cloned().collect();
        let mut deferred = Deferred::default();
        for topic in topics {
            let gone = {
                let mut look_up = topic.look_up.lock();
                let gone = look_up.waiters.take_those_of(producer);
                gone.into_iter().chain(look_up.doubters.take_those_of(producer)).collect::<Vec<_>>()
            };
            for waiter in gone {
                waiter.unrouted(Error::closed(), &mut deferred);
            }
        }
    }

    /// Connections are about to end, and refreshes under way with them.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.name_servers.end();
    }

    /// Takes over a route if it differs from what is known, or if nothing usable is known. An error if it is too much
    /// beside those of other topics; what is known stays then.
    pub(super) fn adopt(&self, topic: &Topic, given: GivenRoute, origin: Origin) -> Result<(), Error> {
        self.take_over(topic, &mut topic.look_up.lock(), given, origin)
    }

    /// Takes over what was asked for because the route in use was in doubt. If the route of another origin has come into use
    /// meanwhile, that one stays.
    pub(super) fn adopt_again(&self, topic: &Topic, given: GivenRoute, origin: Origin) -> Result<(), Error> {
        let mut look_up = topic.look_up.lock();
        match look_up.origin == origin {
            true => self.take_over(topic, &mut look_up, given, origin),
            false => Ok(()),
        }
    }

    fn take_over(
        &self,
        topic: &Topic,
        look_up: &mut LookUp,
        given: GivenRoute,
        origin: Origin,
    ) -> Result<(), Error> {
        let GivenRoute { route, name_server } = given;
        let host = self.brokers.name_server_host(&name_server);
        if look_up.route.as_ref() != Some(&route) || look_up.host.as_deref() != host || !topic.has_queues() {
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
            self.brokers.update(&route, host)?;
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            self.bytes.fetch_sub(look_up.bytes, Ordering::Relaxed);
            topic.set_queues(PublishQueues::of(&route, &self.brokers, sys::chance() as usize));
            look_up.route = Some(route);
            look_up.bytes = bytes;
            look_up.host = host.map(str::to_owned);
        }
        look_up.origin = origin;
        look_up.confirmed = Some(Moment::now());
        // A look-up that runs opens the topic when all who waited for it have gone on.
        if !look_up.running {
            topic.set_open(true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::BrokerPaths;
    use super::super::for_tests::{route, table_with};
    use super::*;
    use crate::config::parse_address_map;

    #[test]
    fn brokers_are_reached_where_the_name_server_is_that_gave_the_route() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let map = parse_address_map("*=@name.server").expect("a map");
        let table = table_with(runtime.handle(), BrokerPaths { map, ..BrokerPaths::default() });
        let topic = table.topic("T");
        for name_server in ["a:9876", "b:9876", "a:9876"] {
            let given = GivenRoute { name_server: name_server.into(), ..route(4) };
            table.adopt(&topic, given, Origin::Own).expect("little");
            let master = table.brokers.broker("b").master().expect("a master");
            let (host, _) = name_server.rsplit_once(':').expect("a port");
            assert_eq!(&*master.address.address, format!("h:1 → {host}:1"));
        }
    }
}
