//! Java's `DefaultMQProducer` and librmq send the same messages to a cluster that records; their requests must be the
//! same but for the list in `allowed.rs`. Each test is one version of the Java client with one header encoding.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod allowed;
mod cases;
mod clients;
mod compare;

use std::collections::BTreeSet;

use cluster::Version;
use rocketmq_mock::{Fault, FaultRule, MockCluster, RecordedRequest};
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::frame::HeaderEncoding;

use crate::allowed::{Context, objection};
use crate::cases::{Case, Outgoing, placed_messages, single_message_cases};
use crate::clients::{Clients, DEFAULT_TOPIC, Scene, TOPIC, Traffic};
use crate::compare::differences;

const READ_AND_WRITE: i32 = 6;
const ONE_BROKER: &str = "broker-0";
const OTHER_BROKER: &str = "broker-1";
/// Of one broker and the other: a queue id that is kept from one to the other does not exist there.
const UNEVEN: [(&str, i32); 2] = [(ONE_BROKER, 8), (OTHER_BROKER, 1)];

fn create_uneven_topic(cluster: &MockCluster, queues: &[(&str, i32)]) {
    for (broker, count) in queues {
        cluster.create_topic(TOPIC, *count, *count, READ_AND_WRITE, Some(&[broker]));
    }
}

/// The first request for each of `topics`, from that for the message's own topic on. Java's poller, which may run at any
/// moment after the start, asks for the same topics again, and in 4.9 for the default topic before anything needs it.
fn look_ups<'t>(traffic: &'t Traffic, topics: &[&str]) -> Vec<&'t RecordedRequest> {
    let mut seen = BTreeSet::new();
    let from_topic = traffic.route_requests().into_iter().skip_while(|request| topic_of(request) != TOPIC);
    from_topic
        .filter(|request| topics.contains(&topic_of(request)) && seen.insert(topic_of(request).to_owned()))
        .collect()
}

fn topic_of(route_request: &RecordedRequest) -> &str {
    route_request.field("topic").unwrap_or_default()
}

/// One version with one encoding, and what was found wrong so far.
struct Comparison {
    clients: Clients,
    version: Version,
    failures: Vec<String>,
}

impl Comparison {
    /// Lets both clients send; nothing if one of them could not.
    fn send(&mut self, case: &str, scene: &Scene<'_>, messages: &[Outgoing]) -> Option<(Traffic, Traffic)> {
        self.clients.send(scene, messages).map_err(|problem| self.fail(case, &problem)).ok()
    }

    fn fail(&mut self, case: &str, problem: &str) {
        self.failures.push(format!("{case}: {problem}"));
    }

    /// Pairs requests in order; each difference that is not allowed is a failure.
    fn compare(
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
            };
            let found = differences(java_request, our_request);
            for problem in found.iter().filter_map(|difference| objection(difference, &context)) {
                self.fail(case, &problem);
            }
        }
    }

    /// Compares the look-ups of `topics`, then all sends.
    fn compare_all(
        &mut self,
        case: &str,
        java: &Traffic,
        ours: &Traffic,
        topics: &[&str],
        free_queues: Option<i32>,
    ) {
        let (java_look_ups, our_look_ups) = (look_ups(java, topics), ours.route_requests());
        for (who, look_ups) in [("Java", &java_look_ups), ("librmq", &our_look_ups)] {
            let asked: Vec<_> = look_ups.iter().map(|request| topic_of(request)).collect();
            if asked != topics {
                self.fail(case, &format!("{who} asked for the routes of {asked:?}, not of {topics:?}"));
            }
        }
        self.compare(case, (java, &java_look_ups), (ours, &our_look_ups), None);
        self.compare(case, (java, &java.sends()), (ours, &ours.sends()), free_queues);
    }

    /// One message to a topic of one queue.
    fn single_message(&mut self, case: &Case) {
        let scene = Scene {
            brokers: 1,
            prepare: &|cluster| cluster.create_topic(TOPIC, 1, 1, READ_AND_WRITE, None),
            compress_type: case.compress_type,
        };
        if let Some((java, ours)) = self.send(case.name, &scene, std::slice::from_ref(&case.message)) {
            self.compare_all(case.name, &java, &ours, &[TOPIC], None);
        }
    }

    /// A topic that does not exist is asked for, then the one it is made from.
    fn new_topic(&mut self) {
        let case = "new topic";
        let scene = Scene { brokers: 1, prepare: &|_| {}, compress_type: "zlib" };
        if let Some((java, ours)) = self.send(case, &scene, &[Outgoing::new("the first one")]) {
            self.compare_all(case, &java, &ours, &[TOPIC, DEFAULT_TOPIC], Some(4));
        }
    }

    /// Hash selectors and fixed queues, on brokers whose queues differ in number.
    fn placed(&mut self) {
        let case = "queue by hash or by name";
        let queues = [(ONE_BROKER, 5), (OTHER_BROKER, 3), ("broker-2", 9)];
        let scene = Scene {
            brokers: 3,
            prepare: &|cluster| create_uneven_topic(cluster, &queues),
            compress_type: "zlib",
        };
        if let Some((java, ours)) = self.send(case, &scene, &placed_messages(&queues)) {
            self.compare_all(case, &java, &ours, &[TOPIC], None);
        }
    }

    /// A blocking send whose first broker refuses with a code after which another is asked.
    fn retry(&mut self, code: i32) {
        let case = format!("retry after code {code}");
        let refusing = |cluster: &MockCluster| {
            create_uneven_topic(cluster, &UNEVEN);
            cluster.inject(FaultRule {
                broker: Some(ONE_BROKER.to_owned()),
                request_code: Some(request::SEND_MESSAGE_V2),
                ..FaultRule::new(Fault::Code { code, remark: Some("busy".to_owned()) })
            });
        };
        let scene = Scene { brokers: 2, prepare: &refusing, compress_type: "zlib" };
        // Wherever the round robin begins, some of so many begin at the broker that refuses.
        let messages = vec![Outgoing::new("again"); 4];
        let Some((java, ours)) = self.send(&case, &scene, &messages) else { return };
        let java_retried = self.retried(&case, "Java", &java);
        let our_retried = self.retried(&case, "librmq", &ours);
        if let (Some(java_attempts), Some(our_attempts)) = (java_retried, our_retried) {
            self.compare(&case, (&java, &java_attempts), (&ours, &our_attempts), Some(8));
        }
    }

    /// The two attempts of a message that was retried, after a look at those of all messages: the second goes to the
    /// other broker's only queue, and but for that and its time it is the first once more.
    fn retried<'t>(
        &mut self,
        case: &str,
        who: &str,
        traffic: &'t Traffic,
    ) -> Option<Vec<&'t RecordedRequest>> {
        let mut retried = None;
        for attempts in traffic.attempts() {
            let places: Vec<_> =
                attempts.iter().map(|send| (&*send.server, send.field("n").unwrap_or_default())).collect();
            match (places.as_slice(), attempts.as_slice()) {
                ([(OTHER_BROKER, OTHER_BROKER)], _) => continue,
                ([(ONE_BROKER, ONE_BROKER), (OTHER_BROKER, OTHER_BROKER)], [first, second]) => {
                    let changed = differences(first, second);
                    let expected = ["server", "opaque", "field e", "field g", "field n"];
                    for difference in changed.iter().filter(|d| !expected.contains(&&*d.what)) {
                        self.fail(case, &format!("{who} changed from first to second attempt: {difference}"));
                    }
                    if second.field("e") != Some("0") {
                        self.fail(
                            case,
                            &format!("{who} kept queue {:?} for the other broker", second.field("e")),
                        );
                    }
                }
                _ => self.fail(case, &format!("{who} went to {places:?}")),
            }
            retried = Some(attempts);
        }
        if retried.is_none() {
            self.fail(case, &format!("{who} retried nothing"));
        }
        retried
    }
}

fn compare(version: Version, encoding: HeaderEncoding) {
    let clients = Clients::start(version, encoding);
    let mut comparison = Comparison { clients, version, failures: Vec::new() };
    for case in single_message_cases().iter().filter(|case| case.since <= version) {
        comparison.single_message(case);
    }
    comparison.new_topic();
    comparison.placed();
    comparison.retry(response::SERVICE_NOT_AVAILABLE);
    if version >= Version::V5_3_3 {
        comparison.retry(response::SYSTEM_BUSY);
    }
    let failures = comparison.failures;
    let shown: Vec<_> = failures.iter().take(40).map(String::as_str).collect();
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{version}, {}, {count} differences:\n{}",
        encoding.name(),
        shown.join("\n")
    );
}

#[test]
fn version_4_9_7_json() {
    compare(Version::V4_9_7, HeaderEncoding::Json);
}

#[test]
fn version_4_9_7_rocketmq() {
    compare(Version::V4_9_7, HeaderEncoding::Rocketmq);
}

#[test]
fn version_5_5_0_json() {
    compare(Version::V5_5_0, HeaderEncoding::Json);
}

#[test]
fn version_5_5_0_rocketmq() {
    compare(Version::V5_5_0, HeaderEncoding::Rocketmq);
}
