//! How routes are kept true, and how topics and brokers that nobody needs any more are forgotten.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use super::asking::Found;
use super::route_table::RouteTable;
use super::topic::{Need, Origin, Topic};
use crate::error::ErrorCode;
use crate::log::LogTarget;
use crate::sys::Moment;

/// Topics that a refresh asks for at once.
const REFRESHED_AT_ONCE: usize = 16;

impl RouteTable {
    /// Asks for the route of every topic in use anew, a few at a time. What cannot be had leaves what is known alone.
    pub(crate) async fn refresh(self: Arc<Self>) {
        let mut asked = JoinSet::new();
        for topic in self.topics_in_use() {
            if asked.len() == REFRESHED_AT_ONCE
                && let Some(Ok(false)) = asked.join_next().await
            {
                return;
            }
            asked.spawn(Arc::clone(&self).refresh_one(topic));
        }
        while asked.join_next().await.is_some() {}
    }

    /// Forgets the topics that nobody needs.
    fn topics_in_use(&self) -> Vec<Arc<Topic>> {
        let now = Moment::now();
        let all: Vec<_> = self.topics.read().values().cloned().collect();
        let mut in_use = Vec::new();
        let mut unneeded = Vec::new();
        for topic in all {
            match topic.need(now, self.options.expiry) {
                Need::Fresh => in_use.push(topic),
                Need::Nothing => {}
                Need::Forgotten => unneeded.push(topic),
            }
        }
        self.forget(unneeded);
        in_use
    }

    fn forget(&self, unneeded: Vec<Arc<Topic>>) {
        // References of a topic that nobody uses: the table's, and the one here. Sends on their way have one as well, and the
        // order of their queue goes with it.
        const UNUSED: usize = 2;
        if unneeded.is_empty() {
            return;
        }
        let mut topics = self.topics.write();
        for topic in unneeded {
            if Arc::strong_count(&topic) == UNUSED {
                topics.remove(&topic.wire_name);
                self.bytes.fetch_sub(topic.look_up.lock().bytes, Ordering::Relaxed);
            }
        }
        let count = topics.len();
        if topics.capacity() > 4 * count {
            topics.shrink_to(2 * count);
        }
    }

    /// Asks for the route of one topic. `false`: no name server answers, so there is no use in asking on.
    async fn refresh_one(self: Arc<Self>, topic: Arc<Topic>) -> bool {
        match self.ask(&topic, Origin::Own).await {
            Ok(Found::Route(route)) => {
                if let Err(error) = self.adopt(&topic, route, Origin::Own) {
                    self.log.warn(LogTarget::Routing, || format!("route refresh: {}", error.message()));
                }
            }
            Ok(Found::Nowhere { .. }) => {}
            Err(_) if self.ended.load(Ordering::Relaxed) => return false,
            Err(error) => {
                self.log.warn(LogTarget::Routing, || format!("route refresh: {}", error.message()));
                return error.broker_code().is_some() || error.code() == ErrorCode::Protocol;
            }
        }
        true
    }

    /// Drops the brokers that no known route names.
    pub(crate) fn drop_offline_brokers(&self) {
        let mut named = HashSet::new();
        for topic in self.topics.read().values() {
            if let Some(route) = &topic.look_up.lock().route {
                let names = route.broker_datas.iter().map(|data| &data.broker_name);
                for name in names {
                    if !named.contains(name) {
                        named.insert(name.clone());
                    }
                }
            }
        }
        self.brokers.retain(&named);
    }
}

#[cfg(test)]
mod tests {
    use super::super::bounds::{MAX_CLIENT_ROUTES, route_bytes};
    use super::super::for_tests::{route, table};
    use super::*;

    #[test]
    fn a_late_answer_about_the_default_topic_does_not_replace_the_topics_own_route() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let table = table(runtime.handle());
        let topic = table.topic("T");
        let queues = || topic.queues().as_ref().map_or(0, |queues| queues.len());
        table.adopt(&topic, route(4), Origin::DefaultTopic).expect("little");
        table.adopt_again(&topic, route(3), Origin::DefaultTopic).expect("little");
        assert_eq!(queues(), 3);
        table.adopt(&topic, route(8), Origin::Own).expect("little");
        table.adopt_again(&topic, route(4), Origin::DefaultTopic).expect("nothing to do");
        assert_eq!((queues(), topic.look_up.lock().origin), (8, Origin::Own));
        table.adopt_again(&topic, route(9), Origin::Own).expect("little");
        assert_eq!(queues(), 9);
    }

    #[test]
    fn the_routes_of_all_topics_have_a_bound_and_forgotten_ones_make_room() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let table = table(runtime.handle());
        let [first, second] = ["first", "second"].map(|name| table.topic(name));
        table.bytes.store(MAX_CLIENT_ROUTES - route_bytes(1, 10), Ordering::Relaxed);
        table.adopt(&first, route(8), Origin::Own).expect("room");
        table.adopt(&first, route(10), Origin::Own).expect("in its own place");
        let error = table.adopt(&second, route(1), Origin::Own).expect_err("no room");
        assert_eq!(error.code(), ErrorCode::Protocol);
        assert!(error.message().contains("second") && error.message().contains("1073741824"), "{error}");
        assert!(
            table.adopt(&first, route(11), Origin::Own).is_err()
                && first.queues().as_ref().is_some_and(|q| q.len() == 10)
        );

        assert_eq!(table.topics_in_use().len(), 0, "as there is no time at all after the last use");
        assert_eq!(table.topics.read().len(), 2, "though somebody has them");
        drop(first);
        table.topics_in_use();
        assert_eq!(table.topics.read().len(), 1);
        table.adopt(&second, route(10), Origin::Own).expect("room");
        drop(second);
        table.topics_in_use();
        assert_eq!(table.bytes.load(Ordering::Relaxed), MAX_CLIENT_ROUTES - route_bytes(1, 10));
    }
}
