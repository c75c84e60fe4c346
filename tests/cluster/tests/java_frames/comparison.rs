//! One version of the Java client beside librmq, and what was found wrong so far.

use std::collections::BTreeSet;

use cluster::Version;
use rocketmq_mock::{MockCluster, RecordedRequest};
use rocketmq_protocol::frame::HeaderEncoding;

use crate::allowed::{Context, objection};
use crate::cases::Case;
use crate::clients::{Clients, Scene, TOPIC};
use crate::compare::differences;
use crate::outgoing::Outgoing;
use crate::traffic::Traffic;

const READ_AND_WRITE: i32 = 6;
pub(crate) const ONE_BROKER: &str = "broker-0";
pub(crate) const OTHER_BROKER: &str = "broker-1";

/// A topic with so many queues at each of these brokers.
pub(crate) fn create_topic(cluster: &MockCluster, topic: &str, queues: &[(&str, i32)]) {
    for (broker, count) in queues {
        cluster.create_topic(topic, *count, *count, READ_AND_WRITE, Some(&[broker]));
    }
}

/// The first request for each of `topics`, from that for the first of them on. Java's poller, which may run at any
/// moment after the start, asks for the same topics again, and in 4.9 for the default topic before anything needs it.
pub(crate) fn look_ups<'t>(traffic: &'t Traffic, topics: &[&str]) -> Vec<&'t RecordedRequest> {
    let mut seen = BTreeSet::new();
    let from_first =
        traffic.route_requests().into_iter().skip_while(|request| Some(&topic_of(request)) != topics.first());
    from_first
        .filter(|request| topics.contains(&topic_of(request)) && seen.insert(topic_of(request).to_owned()))
        .collect()
}

fn topic_of(route_request: &RecordedRequest) -> &str {
    route_request.field("topic").unwrap_or_default()
}

/// One version with one encoding and one kind of field names, and what was found wrong so far.
pub(crate) struct Comparison {
    clients: Clients,
    pub(crate) version: Version,
    title: String,
    failures: Vec<String>,
}

impl Comparison {
    pub(crate) fn new(version: Version, encoding: HeaderEncoding, short_names: bool) -> Comparison {
        let clients = Clients::start(version, encoding, short_names);
        let names = if short_names { "short" } else { "long" };
        let title = format!("{version}, {}, {names} names", encoding.name());
        Comparison { clients, version, title, failures: Vec::new() }
    }

    /// The end: panics if anything was wrong.
    pub(crate) fn judge(self) {
        let shown: Vec<_> = self.failures.iter().take(40).map(String::as_str).collect();
        let count = self.failures.len();
        assert!(count == 0, "{}, {count} differences:\n{}", self.title, shown.join("\n"));
    }

    /// Lets both clients send; nothing if one of them could not.
    pub(crate) fn send(
        &mut self,
        case: &str,
        scene: &Scene<'_>,
        messages: &[Outgoing],
    ) -> Option<(Traffic, Traffic)> {
        self.clients.send(scene, messages).map_err(|problem| self.fail(case, &problem)).ok()
    }

    /// Tries again what a client could not do; the last time counts.
    pub(crate) fn send_persistently(
        &mut self,
        case: &str,
        scene: &Scene<'_>,
        messages: &[Outgoing],
        tries: u32,
    ) -> Option<(Traffic, Traffic)> {
        let early = (1..tries).find_map(|_| self.clients.send(scene, messages).ok());
        early.or_else(|| self.send(case, scene, messages))
    }

    pub(crate) fn fail(&mut self, case: &str, problem: &str) {
        self.failures.push(format!("{case}: {problem}"));
    }

    /// Pairs requests in order; each difference that is not allowed is a failure.
    pub(crate) fn compare(
        &mut self,
        case: &str,
        (java, java_requests): (&Traffic, &[&RecordedRequest]),
        (ours, our_requests): (&Traffic, &[&RecordedRequest]),
        free_queues: Option<i32>,
    ) {
        let (java_count, our_count) = (java_requests.len(), our_requests.len());
        if java_count != our_count {
            self.fail(case, &format!("Java sent {java_count} requests, librmq {our_count}"));
            return;
        }
        for (java_request, our_request) in java_requests.iter().zip(our_requests) {
            let context = Context {
                version: self.version,
                java: java_request,
                ours: our_request,
                java_time: java.time,
                our_time: ours.time,
                free_queues,
                repeated: None,
            };
            self.compare_one(case, &context);
        }
    }

    /// One request of each.
    pub(crate) fn compare_one(&mut self, case: &str, context: &Context<'_>) {
        let found = differences(context.java, context.ours);
        for problem in found.iter().filter_map(|difference| objection(difference, context)) {
            self.fail(case, &problem);
        }
    }

    /// Compares the look-ups of `topics`, then all sends.
    pub(crate) fn compare_all(
        &mut self,
        case: &str,
        java: &Traffic,
        ours: &Traffic,
        topics: &[&str],
        free_queues: Option<i32>,
    ) {
        let (java_look_ups, our_look_ups) = (look_ups(java, topics), ours.route_requests());
        for (who, traffic, look_ups) in [("Java", java, &java_look_ups), ("librmq", ours, &our_look_ups)] {
            let asked: Vec<_> = look_ups.iter().map(|request| topic_of(request)).collect();
            if asked != topics {
                let all = traffic.requests.len();
                let problem =
                    format!("of {all} requests of {who} the look-ups are {asked:?}, not {topics:?}");
                self.fail(case, &problem);
            }
        }
        self.compare(case, (java, &java_look_ups), (ours, &our_look_ups), None);
        self.compare(case, (java, &java.sends()), (ours, &ours.sends()), free_queues);
    }

    /// Messages to a topic of one queue, at the broker of the zone if there are zones.
    pub(crate) fn one_queue(&mut self, case: &Case) {
        let prepare = |cluster: &MockCluster| {
            create_topic(cluster, case.wire_topic, &[(ONE_BROKER, 1)]);
            cluster.set_zone(ONE_BROKER, Some("z1")).expect("a broker of the cluster");
        };
        let scene = Scene {
            topic: case.topic,
            settings: &case.settings,
            batches_of: case.batches_of,
            ..Scene::new(1, &prepare)
        };
        if let Some((java, ours)) = self.send(case.name, &scene, &case.messages) {
            self.compare_all(case.name, &java, &ours, &[case.wire_topic], None);
        }
    }

    /// Messages to a topic with queues at several brokers, all to queues that both clients must find.
    pub(crate) fn placed(&mut self, case: &str, queues: &[(&str, i32)], messages: &[Outgoing]) {
        let prepare = |cluster: &MockCluster| create_topic(cluster, TOPIC, queues);
        if let Some((java, ours)) = self.send(case, &Scene::new(queues.len(), &prepare), messages) {
            self.compare_all(case, &java, &ours, &[TOPIC], None);
        }
    }

    /// Messages to a topic of one broker whose queue is the client's choice.
    pub(crate) fn chosen(&mut self, case: &str, queues: i32, messages: &[Outgoing]) {
        let prepare = |cluster: &MockCluster| create_topic(cluster, TOPIC, &[(ONE_BROKER, queues)]);
        if let Some((java, ours)) = self.send(case, &Scene::new(1, &prepare), messages) {
            self.compare_all(case, &java, &ours, &[TOPIC], Some(queues));
        }
    }

    /// A topic that does not exist is asked for, then the one it is made from.
    pub(crate) fn new_topic(&mut self, settings: &[(&str, &str)], topics: [&str; 2]) {
        let case = format!("new topic {}", topics[0]);
        let scene = Scene { settings, ..Scene::new(1, &|_| {}) };
        if let Some((java, ours)) = self.send(&case, &scene, &[Outgoing::new("the first one")]) {
            self.compare_all(&case, &java, &ours, &topics, Some(4));
        }
    }
}
