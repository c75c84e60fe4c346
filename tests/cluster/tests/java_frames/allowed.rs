//! The differences from the Java client that are meant to be, each with its reason. Everything else is a mistake.

use std::collections::BTreeSet;
use std::net::IpAddr;

use cluster::Version;
use rocketmq_mock::RecordedRequest;
use rocketmq_protocol::codes::request;
use rocketmq_protocol::language::Language;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::version::ADVERTISED;

use crate::compare::{ABSENT, Difference, send_field};

/// Both clients send within this time.
const ONE_MINUTE_MS: i64 = 60_000;

/// A difference that may be, while `holds` is true of it.
struct Allowed {
    what: &'static [&'static str],
    reason: &'static str,
    holds: fn(&Difference, &Context<'_>) -> bool,
}

/// What a rule may look at beside the two values.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) version: Version,
    pub(crate) java: &'a RecordedRequest,
    pub(crate) ours: &'a RecordedRequest,
    /// The clock before and after the sends of each, in ms since the epoch.
    pub(crate) java_time: (i64, i64),
    pub(crate) our_time: (i64, i64),
    /// How many queues of that broker the message may go to, if there is a choice.
    pub(crate) free_queues: Option<i32>,
    /// Java's first attempt, if this is one that repeats it.
    pub(crate) repeated: Option<&'a RecordedRequest>,
}

const ALLOWED: &[Allowed] = &[
    Allowed {
        what: &["language"],
        reason: "a client that is not written in Java says so (key client.language)",
        holds: |d, _| {
            d.java == Language::Java.code().to_string() && d.ours == Language::Other.code().to_string()
        },
    },
    Allowed {
        what: &["version"],
        reason: "each names the version whose protocol it speaks",
        holds: |d, c| d.java == c.version.ordinal().to_string() && d.ours == ADVERTISED.to_string(),
    },
    Allowed {
        what: &["opaque"],
        reason: "any number that no other request on the connection has at that time",
        holds: |_, _| true,
    },
    Allowed {
        what: &["field g", "field bornTimestamp"],
        reason: "the clock of each when it sent",
        holds: |d, c| is_within(&d.java, c.java_time) && is_within(&d.ours, c.our_time),
    },
    Allowed {
        what: &["field e", "field queueId"],
        reason: "round robin begins at a queue of each client's choice",
        holds: |d, c| {
            c.free_queues.is_some_and(|n| is_within_queues(&d.java, n) && is_within_queues(&d.ours, n))
        },
    },
    Allowed {
        what: &["property UNIQ_KEY"],
        reason: "the id of each message is its own; an address of the machine, v4 or v6, begins it",
        holds: |d, _| match (clock_of(&d.java), clock_of(&d.ours)) {
            (Some(java), Some(ours)) => (java - ours).abs() < ONE_MINUTE_MS,
            _ => false,
        },
    },
    Allowed {
        what: &["property UNIQ_KEY"],
        reason: "brokers up to 5.3 give the id of a batch, if it has one, to each of its messages",
        holds: |d, c| is_of_batch_itself(d, c) && clock_of(&d.java).is_some() && d.ours == ABSENT,
    },
    Allowed {
        what: &["property INSTANCE_ID"],
        reason: "brokers from 5.5 on give messages nothing of their batch, so that each carries the namespace itself",
        holds: |d, c| d.member.is_some() && d.java == ABSENT && c.ours_has(name::INSTANCE_ID, &d.ours),
    },
    Allowed {
        what: &["order of each property"],
        reason: "Java writes them as they lie in its hash map, and every reader makes a map of them again",
        holds: |d, c| {
            let mut java = names(&d.java);
            let mut ours = names(&d.ours);
            ours.remove(SHARDING_KEY);
            if is_of_batch_itself(d, c) {
                java.remove(name::UNIQ_KEY);
            }
            if d.member.is_some() && !java.contains(name::INSTANCE_ID) {
                ours.remove(name::INSTANCE_ID);
            }
            java == ours
        },
    },
    Allowed {
        what: &["field acceptStandardJsonOnly"],
        reason: "routes in standard JSON are asked for in so many words, whatever the version says",
        holds: |d, _| d.java == ABSENT && d.ours == "true",
    },
    Allowed {
        what: &["order of each field"],
        reason: "one field more in requests for routes; and but for the short names of sends Java writes fields as \
                 they lie in its hash map, and every reader makes a map of them again",
        holds: |d, _| {
            let has_short_names_only = names(&d.java).iter().all(|name| name.len() == 1);
            let ours = names(&d.ours).into_iter().filter(|name| *name != JSON_ONLY);
            names(&d.java) == ours.collect() && !has_short_names_only
        },
    },
    Allowed {
        what: &["property __SHARDINGKEY"],
        reason: "Java's selector leaves the key out, so that only programs that add it themselves have ordered messages \
                 marked for proxies and consumers; librmq always adds a text key",
        holds: |d, _| d.java == ABSENT,
    },
    Allowed {
        what: &["end of the properties"],
        reason: "4.9.1 to 5.1.4 leave the last separator out; brokers that append a checksum to batches need it",
        holds: |d, c| c.version < Version::V5_3_3 && d.java == "false" && d.ours == "true",
    },
    Allowed {
        what: &["compressed body"],
        reason: "another compressor finds other bytes for the same body; what they hold is compared as the body",
        holds: |d, c| d.ours != ABSENT || went_larger(c),
    },
    Allowed {
        what: &["start of the compressed body"],
        reason: "Java sends the compressed body even if it is the larger one",
        holds: |d, c| d.ours == ABSENT && went_larger(c),
    },
    Allowed {
        what: &["field f", "field sysFlag"],
        reason: "Java sends the compressed body even if it is the larger one",
        holds: |d, c| d.ours == "0" && went_larger(c),
    },
    Allowed {
        what: &["field n", "field e"],
        reason: "an asynchronous retry of Java's takes its first request to another broker: with the queue, the broker \
                 name and the time of the first",
        holds: |d, c| {
            let name = d.what.trim_start_matches("field ");
            c.repeated.is_some_and(|first| send_field(first, name) == Some(&d.java))
        },
    },
    Allowed {
        what: &["VIP port"],
        reason: "an asynchronous retry of Java's forgets the VIP channel",
        holds: |d, c| d.java == "false" && c.repeated.is_some_and(|first| first.vip),
    },
    Allowed {
        what: &["body clientID", "field clientID"],
        reason: "where no instance.name is set each makes one up of its process, a clock and, in librmq, a number",
        holds: |d, _| match (made_up(&d.java), made_up(&d.ours)) {
            (Some((2, java_unit)), Some((3, our_unit))) => java_unit == our_unit,
            _ => false,
        },
    },
    Allowed {
        what: &["body producerDataSet"],
        reason: "Java has a producer of its own in each client",
        holds: |d, _| without_inner_group(&d.java).is_some_and(|java| java == d.ours),
    },
    Allowed {
        what: &["body heartbeatFingerprint", "body withoutSub"],
        reason: "known from 5.1.3 on; older brokers skip them",
        holds: |d, c| c.version < Version::V5_3_3 && d.java == ABSENT && ["0", "false"].contains(&&*d.ours),
    },
];

/// The group of Java's own producer in each client.
pub(crate) const INNER_GROUP: &str = "CLIENT_INNER_PRODUCER";

const SHARDING_KEY: &str = "__SHARDINGKEY";
const JSON_ONLY: &str = "acceptStandardJsonOnly";

/// Why this difference may not be; nothing if it may.
pub(crate) fn objection(difference: &Difference, context: &Context<'_>) -> Option<String> {
    let rules = || ALLOWED.iter().filter(|rule| rule.what.contains(&&*difference.what));
    if rules().any(|rule| (rule.holds)(difference, context)) {
        return None;
    }
    let reasons: Vec<_> = rules().map(|rule| rule.reason).collect();
    Some(match reasons.as_slice() {
        [] => difference.to_string(),
        reasons => format!("{difference}; allowed is only: {}", reasons.join("; or: ")),
    })
}

impl Context<'_> {
    /// Whether the properties of our send say so.
    fn ours_has(&self, property: &str, value: &str) -> bool {
        send_field(self.ours, "i").and_then(|text| properties::get(text, property)) == Some(value)
    }
}

fn is_of_batch_itself(difference: &Difference, context: &Context<'_>) -> bool {
    difference.member.is_none() && context.java.code == request::SEND_BATCH_MESSAGE
}

fn is_within(timestamp: &str, (from, to): (i64, i64)) -> bool {
    timestamp.parse().is_ok_and(|time: i64| (from..=to).contains(&time))
}

fn is_within_queues(queue_id: &str, count: i32) -> bool {
    queue_id.parse().is_ok_and(|id: i32| (0..count).contains(&id))
}

/// How many numbers the instance name of a client id has, and what follows it, if it begins with an address.
fn made_up(client_id: &str) -> Option<(usize, &str)> {
    let (address, rest) = client_id.trim_matches('"').split_once('@')?;
    let (instance, rest) = rest.split_once('@').unwrap_or((rest, ""));
    let numbers: Vec<u64> = instance.split('#').map(str::parse).collect::<Result<_, _>>().ok()?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok().then_some((numbers.len(), rest))
}

/// The groups of a heartbeat without Java's own; nothing if that is not among them.
fn without_inner_group(groups: &str) -> Option<String> {
    let mut groups: Vec<serde_json::Value> = serde_json::from_str(groups).ok()?;
    let inner = groups.iter().position(|group| group["groupName"] == INNER_GROUP)?;
    groups.remove(inner);
    serde_json::to_string(&groups).ok()
}

fn names(order: &str) -> BTreeSet<&str> {
    order.split(' ').collect()
}

/// The milliseconds since the month began that stand in a unique id (protocol 5.10), if it is one.
fn clock_of(unique_id: &str) -> Option<i64> {
    let is_digit = |c: u8| c.is_ascii_digit() || (b'A'..=b'F').contains(&c);
    let is_id = [32, 56].contains(&unique_id.len()) && unique_id.bytes().all(is_digit);
    let clock = unique_id.get(unique_id.len().checked_sub(12)?..unique_id.len() - 4)?;
    is_id.then(|| i64::from_str_radix(clock, 16).ok()).flatten()
}

fn went_larger(context: &Context<'_>) -> bool {
    context.java.body.len() >= context.ours.body.len()
}
