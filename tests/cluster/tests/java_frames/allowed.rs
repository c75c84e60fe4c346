//! The differences from the Java client that are meant to be, each with its reason. Everything else is a mistake.

use std::collections::BTreeSet;

use cluster::Version;
use rocketmq_mock::RecordedRequest;
use rocketmq_protocol::language::Language;
use rocketmq_protocol::version::ADVERTISED;

use crate::compare::{ABSENT, Difference};

/// Both clients send within this time.
const ONE_MINUTE_MS: i64 = 60_000;

/// A difference that may be, while `holds` is true of it.
struct Allowed {
    what: &'static str,
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
}

const ALLOWED: &[Allowed] = &[
    Allowed {
        what: "language",
        reason: "a client that is not written in Java says so (key client.language)",
        holds: |d, _| {
            d.java == Language::Java.code().to_string() && d.ours == Language::Other.code().to_string()
        },
    },
    Allowed {
        what: "version",
        reason: "each names the version whose protocol it speaks",
        holds: |d, c| d.java == c.version.ordinal().to_string() && d.ours == ADVERTISED.to_string(),
    },
    Allowed {
        what: "opaque",
        reason: "any number that no other request on the connection has at that time",
        holds: |_, _| true,
    },
    Allowed {
        what: "field g",
        reason: "the clock of each when it sent",
        holds: |d, c| is_within(&d.java, c.java_time) && is_within(&d.ours, c.our_time),
    },
    Allowed {
        what: "field e",
        reason: "round robin begins at a queue of each client's choice",
        holds: |d, c| {
            c.free_queues.is_some_and(|n| is_within_queues(&d.java, n) && is_within_queues(&d.ours, n))
        },
    },
    Allowed {
        what: "property UNIQ_KEY",
        reason: "the id of each message is its own; an address of the machine, v4 or v6, begins it",
        holds: |d, _| match (clock_of(&d.java), clock_of(&d.ours)) {
            (Some(java), Some(ours)) => (java - ours).abs() < ONE_MINUTE_MS,
            _ => false,
        },
    },
    Allowed {
        what: "order of each property",
        reason: "Java writes them as they lie in its hash map, and every reader makes a map of them again",
        holds: |d, _| names(&d.java) == names(&d.ours).into_iter().filter(|n| *n != SHARDING_KEY).collect(),
    },
    Allowed {
        what: "field acceptStandardJsonOnly",
        reason: "routes in standard JSON are asked for in so many words, whatever the version says",
        holds: |d, _| d.java == ABSENT && d.ours == "true",
    },
    Allowed {
        what: "order of each field",
        reason: "one field more in requests for routes",
        holds: |d, _| format!("{} acceptStandardJsonOnly", d.java) == d.ours,
    },
    Allowed {
        what: "property __SHARDINGKEY",
        reason: "Java's selector leaves the key out, so that only programs that add it themselves have ordered messages \
                 marked for proxies and consumers; librmq always adds a text key",
        holds: |d, _| d.java == ABSENT,
    },
    Allowed {
        what: "end of the properties",
        reason: "4.9.1 to 5.1.4 leave the last separator out; brokers that append a checksum to batches need it",
        holds: |d, c| c.version < Version::V5_3_3 && d.java == "false" && d.ours == "true",
    },
    Allowed {
        what: "compressed body",
        reason: "another compressor finds other bytes for the same body; what they hold is compared as the body",
        holds: |d, c| d.ours != ABSENT || went_larger(c),
    },
    Allowed {
        what: "start of the compressed body",
        reason: "Java sends the compressed body even if it is the larger one",
        holds: |d, c| d.ours == ABSENT && went_larger(c),
    },
    Allowed {
        what: "field f",
        reason: "Java sends the compressed body even if it is the larger one",
        holds: |d, c| d.ours == "0" && went_larger(c),
    },
];

const SHARDING_KEY: &str = "__SHARDINGKEY";

/// Why this difference may not be; nothing if it may.
pub(crate) fn objection(difference: &Difference, context: &Context<'_>) -> Option<String> {
    let rule = ALLOWED.iter().find(|rule| rule.what == difference.what);
    match rule {
        Some(rule) if (rule.holds)(difference, context) => None,
        Some(rule) => Some(format!("{difference}; allowed is only: {}", rule.reason)),
        None => Some(difference.to_string()),
    }
}

fn is_within(timestamp: &str, (from, to): (i64, i64)) -> bool {
    timestamp.parse().is_ok_and(|time: i64| (from..=to).contains(&time))
}

fn is_within_queues(queue_id: &str, count: i32) -> bool {
    queue_id.parse().is_ok_and(|id: i32| (0..count).contains(&id))
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
