//! The queues of a topic that a producer may write, in the Java client's order.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rocketmq_protocol::java_hash;
use rocketmq_protocol::perm;
use rocketmq_protocol::route::TopicRoute;

use super::broker::{Broker, BrokerTable};
use super::faults::FaultStrategy;
use crate::message::QueueRef;
use crate::sys::{self, Moment};

#[derive(Clone)]
pub(crate) struct PublishQueue {
    pub(crate) broker: Arc<Broker>,
    pub(crate) queue_id: i32,
    /// How many queues of the same broker follow this one directly: whoever does not want that broker passes them by at once.
    following: u32,
}

/// The queues of a route, in order. A changed route makes new ones.
pub(crate) struct PublishQueues {
    queues: Vec<PublishQueue>,
    next: AtomicUsize,
}

impl PublishQueues {
    /// Those of a route, by the rules of protocol 3.2. `start` is where the round robin begins.
    pub(crate) fn of(route: &TopicRoute, brokers: &BrokerTable, start: usize) -> Self {
        let runs = runs(route).into_iter().map(|(name, count)| (brokers.broker(name), count));
        let queues = runs.flat_map(|(broker, count)| {
            (0..count).map(move |queue_id| PublishQueue {
                broker: Arc::clone(&broker),
                queue_id,
                following: (count - queue_id - 1).unsigned_abs(),
            })
        });
        Self { queues: queues.collect(), next: AtomicUsize::new(start) }
    }

    /// How many queues a route has that may be written.
    pub(super) fn count(route: &TopicRoute) -> usize {
        runs(route).into_iter().map(|(_, count)| usize::try_from(count).unwrap_or(0)).sum()
    }

    pub(crate) fn len(&self) -> usize {
        self.queues.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// The next queue in turn, if possible not of the broker that was tried last (protocol 6.1) and then of one that can
    /// be connected to; with a fault strategy of one that is available now, else reachable (protocol 6.2).
    pub(crate) fn select(
        &self,
        last: Option<&str>,
        faults: Option<(&FaultStrategy, Moment)>,
    ) -> Option<&PublishQueue> {
        let another = |queue: &PublishQueue| last.is_none_or(|last| queue.broker.name.as_ref() != last);
        let Some((faults, now)) = faults else {
            // First the tries, then the look at connections: most sends need neither.
            let in_reach =
                |queue: &PublishQueue| another(queue) && (last.is_none() || !queue.broker.is_out_of_reach());
            return self.next_that(in_reach).or_else(|| self.next_that(another)).or_else(|| self.in_turn());
        };
        self.next_that(|queue| faults.is_available(&queue.broker.name, now) && another(queue))
            .or_else(|| self.next_that(|queue| faults.is_reachable(&queue.broker.name) && another(queue)))
            .or_else(|| self.in_turn())
    }

    /// Whether a retry finds a broker that can be reached, other than this one.
    pub(crate) fn has_another_in_reach(&self, than: &str) -> bool {
        self.runs().any(|(_, first)| first.broker.name.as_ref() != than && !first.broker.is_out_of_reach())
    }

    /// The first of the queues of each broker that follow each other, with its place.
    fn runs(&self) -> impl Iterator<Item = (usize, &PublishQueue)> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let (place, first) = (next, self.queues.get(next)?);
            next += 1 + first.following as usize;
            Some((place, first))
        })
    }

    /// The next queue in turn of a broker that is wanted, within one round.
    fn next_that(&self, wanted: impl Fn(&PublishQueue) -> bool) -> Option<&PublishQueue> {
        let mut left = self.queues.len();
        while left > 0 {
            let queue = self.in_turn()?;
            if wanted(queue) {
                return Some(queue);
            }
            let passed_by = (queue.following as usize).min(left - 1);
            if passed_by > 0 {
                self.next.fetch_add(passed_by, Ordering::Relaxed);
            }
            left -= 1 + passed_by;
        }
        None
    }

    /// The queue of this broker with this number.
    pub(crate) fn find(&self, broker: &str, queue_id: i32) -> Option<&PublishQueue> {
        let mut runs = self.runs().filter(|(_, first)| first.broker.name.as_ref() == broker);
        runs.find_map(|(place, first)| {
            let further = u32::try_from(queue_id.checked_sub(first.queue_id)?).ok()?;
            (further <= first.following).then(|| self.queues.get(place + further as usize))?
        })
    }

    /// A queue by chance.
    pub(crate) fn by_chance(&self) -> Option<&PublishQueue> {
        self.queues.get((sys::chance() as usize).checked_rem(self.queues.len())?)
    }

    /// All queues, for a program to choose from.
    pub(crate) fn refs(&self) -> Vec<QueueRef<'_>> {
        let queues = self.queues.iter();
        queues.map(|queue| QueueRef { broker_name: &queue.broker.name, queue_id: queue.queue_id }).collect()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&PublishQueue> {
        self.queues.get(index)
    }

    /// The queue that Java's `SelectMessageQueueByHash` takes for this hash (protocol 5.11).
    pub(crate) fn by_hash(&self, hash: i32) -> Option<&PublishQueue> {
        self.queues.get(java_hash::select_by_hash(hash, self.queues.len())?)
    }

    fn in_turn(&self) -> Option<&PublishQueue> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.queues.get(turn.checked_rem(self.queues.len())?)
    }
}

/// Broker names in order, each with how many queues follow each other there.
fn runs(route: &TopicRoute) -> Vec<(&str, i32)> {
    // `broker-a:4;broker-b:2`: these queues in this order, whatever the rest of the route says.
    if route.order_topic_conf.as_deref().is_some_and(|order| !order.is_empty()) {
        return route.order().collect();
    }
    let masters = route.broker_datas.iter().filter(|data| data.master().is_some());
    let with_master: HashSet<_> = masters.map(|data| data.broker_name.as_str()).collect();
    let mut runs: Vec<_> = route
        .queue_datas
        .iter()
        .filter(|data| data.perm & perm::WRITE != 0 && with_master.contains(data.broker_name.as_str()))
        .map(|data| (data.broker_name.as_str(), data.write_queue_nums))
        .collect();
    runs.sort_by_key(|(name, _)| *name);
    runs
}

#[cfg(test)]
#[path = "simulation_tests.rs"]
mod simulation;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rocketmq_protocol::route::{BrokerData, QueueData};

    use super::super::BrokerPaths;
    use super::*;
    use crate::remoting::Remoting;

    /// Queues in order, as `broker/id`.
    fn queues(route: &TopicRoute) -> Vec<String> {
        publish_queues(route).queues.iter().filter_map(|queue| shown(Some(queue))).collect()
    }

    fn publish_queues(route: &TopicRoute) -> PublishQueues {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let brokers = BrokerTable::new(Remoting::for_tests(runtime.handle().clone()), BrokerPaths::default());
        PublishQueues::of(route, &brokers, 0)
    }

    fn route(queue_datas: &[(&str, i32, i32, i32)], brokers: &[(&str, i64)]) -> TopicRoute {
        TopicRoute {
            queue_datas: queue_datas
                .iter()
                .map(|(name, read, write, perm)| QueueData {
                    broker_name: (*name).into(),
                    read_queue_nums: *read,
                    write_queue_nums: *write,
                    perm: *perm,
                    topic_sys_flag: 0,
                })
                .collect(),
            broker_datas: brokers
                .iter()
                .map(|(name, id)| BrokerData {
                    broker_name: (*name).into(),
                    broker_addrs: BTreeMap::from([(*id, "127.0.0.1:1".to_owned())]),
                    ..BrokerData::default()
                })
                .collect(),
            ..TopicRoute::default()
        }
    }

    #[test]
    fn queues_stand_in_broker_name_order_whatever_the_route_says() {
        let route = route(&[("b", 9, 1, 6), ("a", 1, 2, 6)], &[("b", 0), ("a", 0)]);
        assert_eq!(queues(&route), ["a/0", "a/1", "b/0"]);
    }

    #[test]
    fn what_cannot_be_written_is_left_out() {
        let datas = [("read-only", 1, 1, 4), ("slave", 1, 1, 6), ("nowhere", 1, 1, 6), ("good", 1, 1, 2)];
        let route = route(&datas, &[("read-only", 0), ("slave", 1), ("good", 0)]);
        assert_eq!(queues(&route), ["good/0"]);
    }

    #[test]
    fn an_order_configuration_rules_alone() {
        let mut route = route(&[("a", 4, 4, 6)], &[("a", 0)]);
        route.order_topic_conf = Some("z:2;a:1;broken;x:many".into());
        assert_eq!(queues(&route), ["z/0", "z/1", "a/0"]);
        route.order_topic_conf = Some(String::new());
        assert_eq!(queues(&route).len(), 4);
    }

    /// A queue as `broker/id`.
    fn shown(queue: Option<&PublishQueue>) -> Option<String> {
        queue.map(|queue| format!("{}/{}", queue.broker.name, queue.queue_id))
    }

    #[test]
    fn queues_are_found_and_passed_by_however_many_there_are() {
        let mut many = route(&[("a", 0, 50_000, 6), ("b", 0, 3, 6), ("c", 0, 50_000, 6)], &[]);
        many.broker_datas = route(&[], &[("a", 0), ("b", 0), ("c", 0)]).broker_datas;
        many.order_topic_conf = Some("a:50000;b:3;c:50000;b:5".into());
        let publish = publish_queues(&many);
        for (broker, queue_id, there) in [
            ("a", 0, true),
            ("a", 49_999, true),
            ("a", 50_000, false),
            ("b", 2, true),
            ("b", 4, true),
            ("b", 5, false),
            ("b", -1, false),
            ("c", i32::MIN, false),
            ("d", 0, false),
        ] {
            let found = shown(publish.find(broker, queue_id));
            assert_eq!(found, there.then(|| format!("{broker}/{queue_id}")));
        }
        // As many steps as Java makes, though it looks at few of them.
        let looked_at = std::cell::Cell::new(0);
        let chosen = publish.next_that(|queue| {
            looked_at.set(looked_at.get() + 1);
            &*queue.broker.name == "c"
        });
        assert_eq!((shown(chosen).as_deref(), looked_at.get()), (Some("c/0"), 3));
        assert_eq!(publish.next.load(Ordering::Relaxed), 50_004);
        assert!(publish.next_that(|_| false).is_none());
        assert_eq!(publish.next.load(Ordering::Relaxed), 50_004 + publish.len());
    }

    #[test]
    fn a_retry_avoids_the_last_broker_if_it_can() {
        let queue = |name, queue_id| PublishQueue {
            broker: Arc::new(Broker::without_master(name)),
            queue_id,
            following: 0,
        };
        let all = vec![queue("a", 0), queue("a", 1), queue("b", 0)];
        let two = PublishQueues { queues: all, next: AtomicUsize::new(usize::MAX - 3) };
        for _ in 0..12 {
            assert_eq!(two.select(Some("a"), None).map(|queue| &*queue.broker.name), Some("b"));
        }
        let one = PublishQueues { queues: vec![queue("a", 0)], next: AtomicUsize::new(0) };
        assert_eq!(one.select(Some("a"), None).map(|queue| &*queue.broker.name), Some("a"));
        let none = PublishQueues { queues: Vec::new(), next: AtomicUsize::new(0) };
        assert!(none.select(None, None).is_none() && none.is_empty());
    }
}
