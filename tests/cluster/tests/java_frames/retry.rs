//! Sends that go to a second broker after the first has failed.

use rocketmq_mock::{Fault, FaultRule, MockCluster, RecordedRequest};
use rocketmq_protocol::codes::{request, response};

use crate::allowed::Context;
use crate::clients::{Scene, TOPIC};
use crate::compare::{differences, send_field};
use crate::comparison::{Comparison, ONE_BROKER, OTHER_BROKER, create_topic};
use crate::outgoing::{Mode, Outgoing, Place};
use crate::traffic::Traffic;

/// Queues of the broker that fails.
const QUEUES: i32 = 4;
/// One and `retry.times`.
const DEFAULT_ATTEMPTS: usize = 3;
/// Enough for some to begin there, wherever the round robin begins: Java's has a beginning for each thread that sends.
const MESSAGES: usize = 40;

/// What is tried again, and why.
pub(crate) struct Retry<'a> {
    pub(crate) mode: Mode,
    /// Any, or a queue of the one broker: then that is where the second attempt goes too.
    pub(crate) place: Place,
    /// What the one broker does with sends.
    pub(crate) fault: Fault,
    /// With how many of them; `None`: all.
    pub(crate) times: Option<u32>,
    /// As brokers know it.
    pub(crate) wire_topic: &'a str,
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// So many messages at a time go as one wire batch.
    pub(crate) batches_of: Option<usize>,
}

impl Retry<'_> {
    fn name(&self) -> String {
        let kind = if self.batches_of.is_some() { " of a batch" } else { "" };
        format!(
            "{:?} retry{kind} to {:?} after {:?} with {:?}",
            self.mode, self.place, self.fault, self.settings
        )
    }

    /// Whether Java sends its first request once more, which names a queue and a broker that are not meant any more.
    fn java_repeats(&self) -> bool {
        self.mode == Mode::Async
    }

    /// Java 5.5 loses one in twenty of its requests that follow a lost connection, and fails when their time is over.
    fn tries(&self) -> u32 {
        if self.fault == Fault::Reset { 3 } else { 1 }
    }

    fn second_server(&self) -> &'static str {
        if self.place == Place::Any { OTHER_BROKER } else { ONE_BROKER }
    }

    /// Queues of the broker that is asked after the other: one, so that a queue id which is kept does not exist there.
    /// With a queue id that is kept, as many as there, or Java's retry fails.
    fn other_queues(&self) -> i32 {
        if self.java_repeats() { QUEUES } else { 1 }
    }
}

impl Comparison {
    pub(crate) fn retry(&mut self, retry: &Retry<'_>) {
        let case = retry.name();
        let failing = |cluster: &MockCluster| {
            create_topic(
                cluster,
                retry.wire_topic,
                &[(ONE_BROKER, QUEUES), (OTHER_BROKER, retry.other_queues())],
            );
            for code in [request::SEND_MESSAGE_V2, request::SEND_BATCH_MESSAGE] {
                cluster.inject(FaultRule {
                    broker: Some(ONE_BROKER.to_owned()),
                    request_code: Some(code),
                    times: retry.times,
                    ..FaultRule::new(retry.fault.clone())
                });
            }
        };
        let scene =
            Scene { settings: retry.settings, batches_of: retry.batches_of, ..Scene::new(2, &failing) };
        let message = Outgoing { mode: retry.mode, place: retry.place.clone(), ..Outgoing::new("again") };
        let messages = vec![message; MESSAGES * retry.batches_of.unwrap_or(1)];
        let sent = self.send_persistently(&case, &scene, &messages, retry.tries());
        let Some((java, ours)) = sent else { return };
        let java_retried = self.retried(retry, ("Java", &java, retry.java_repeats()));
        let our_retried = self.retried(retry, ("librmq", &ours, false));
        let (Some(java_attempts), Some(our_attempts)) = (java_retried, our_retried) else { return };
        for (index, (java_attempt, our_attempt)) in java_attempts.iter().zip(&our_attempts).enumerate() {
            let context = Context {
                version: self.version,
                java: java_attempt,
                ours: our_attempt,
                java_time: java.time,
                our_time: ours.time,
                free_queues: (index == 0).then_some(QUEUES),
                repeated: (index > 0 && retry.java_repeats()).then_some(java_attempts[0]),
            };
            self.compare_one(&case, &context);
        }
    }

    /// A blocking send to a queue of its own, which is refused: Java leaves it at that, librmq asks the same queue again.
    pub(crate) fn refused_in_place(&mut self, place: Place) {
        let case = format!("refused send to {place:?}");
        let refusing = |cluster: &MockCluster| {
            create_topic(cluster, TOPIC, &[(ONE_BROKER, QUEUES)]);
            let code = response::SERVICE_NOT_AVAILABLE;
            cluster.inject(FaultRule {
                request_code: Some(request::SEND_MESSAGE_V2),
                ..FaultRule::new(Fault::Code { code, remark: None })
            });
        };
        let scene = Scene { in_vain: true, ..Scene::new(1, &refusing) };
        let message = Outgoing { place, ..Outgoing::new("nowhere else") };
        let Some((java, ours)) = self.send(&case, &scene, &[message]) else { return };
        let (java_sends, our_sends) = (java.sends(), ours.sends());
        if (java_sends.len(), our_sends.len()) != (1, DEFAULT_ATTEMPTS) {
            let problem = format!("Java sent {} times, librmq {}", java_sends.len(), our_sends.len());
            return self.fail(&case, &problem);
        }
        self.compare(&case, (&java, &java_sends), (&ours, &our_sends[..1]), None);
        for again in &our_sends[1..] {
            let changed = differences(our_sends[0], again);
            for difference in changed.iter().filter(|d| !["opaque", "field g"].contains(&&*d.what)) {
                self.fail(&case, &format!("librmq changed from one attempt to another: {difference}"));
            }
        }
    }

    /// The two attempts of a message that was retried, after a look at those of all messages: the second goes to the
    /// other broker if it may, and but for that and its time it is the first once more. A client that `repeats` its request
    /// leaves even those as they were.
    fn retried<'t>(
        &mut self,
        retry: &Retry<'_>,
        (who, traffic, repeats): (&str, &'t Traffic, bool),
    ) -> Option<Vec<&'t RecordedRequest>> {
        let case = &*retry.name();
        let mut retried = None;
        let may_change: &[&str] = match repeats {
            true => &["server", "VIP port", "opaque"],
            false => &["server", "opaque", "field e", "field g", "field n"],
        };
        for attempts in traffic.attempts() {
            let servers: Vec<_> = attempts.iter().map(|send| &*send.server).collect();
            match (servers.as_slice(), attempts.as_slice()) {
                ([OTHER_BROKER], [_]) => continue,
                ([ONE_BROKER], [_]) if retry.times.is_some() => continue,
                ([ONE_BROKER, server], [first, second]) if *server == retry.second_server() => {
                    let changed = differences(first, second);
                    for difference in changed.iter().filter(|d| !may_change.contains(&&*d.what)) {
                        self.fail(case, &format!("{who} changed from first to second attempt: {difference}"));
                    }
                    let named = send_field(second, "n");
                    if !repeats && named != Some(server) {
                        self.fail(case, &format!("{who} named {named:?} to {server}"));
                    }
                }
                _ => self.fail(case, &format!("{who} went to {servers:?}")),
            }
            retried = Some(attempts);
        }
        if retried.is_none() {
            self.fail(case, &format!("{who} retried nothing"));
        }
        retried
    }
}
