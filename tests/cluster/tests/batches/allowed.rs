//! What a consumer may see differently of a member of a batch than of the same message sent alone. Everything else is
//! a mistake.

use std::fmt;

use cluster::Version;
use cluster::consumers::Way;

use crate::pairs::Difference;
use crate::send::Form;
use crate::topic::Source;

/// One difference, which must show in every way of getting at messages that `holds` names, and in no other.
pub(crate) struct Allowed {
    pub(crate) field: &'static str,
    pub(crate) single: Option<&'static str>,
    pub(crate) member: Option<&'static str>,
    pub(crate) reason: &'static str,
    pub(crate) holds: fn(Source) -> bool,
}

impl Allowed {
    pub(crate) fn allows(&self, source: Source, difference: Difference<'_>) -> bool {
        (self.holds)(source) && (self.field, self.single, self.member) == difference
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: single {:?}, member {:?}: {}", self.field, self.single, self.member, self.reason)
    }
}

const WAIT_OF_4_9: &str = "4.9 takes WAIT out of a single message before it stores it, but stores members as they are; \
                           no consumer reads it, and one that comes again has lost it";

const ADDED_BY_US: &str = "a 4.9 broker adds this to no message, so only members have it";

const ADDED_BY_BROKER: &str = "5.5 adds this to single messages only and stores members as they are";

const WAIT_TRUE: Allowed = Allowed {
    field: "property WAIT",
    single: None,
    member: Some("true"),
    reason: WAIT_OF_4_9,
    holds: is_message_as_stored,
};

const WAIT_FALSE: Allowed = Allowed { member: Some("false"), ..WAIT_TRUE };

const PLAIN_ON_4_9: &[Allowed] = &[WAIT_TRUE, WAIT_FALSE];

const MARKED_ON_4_9: &[Allowed] = &[
    WAIT_TRUE,
    WAIT_FALSE,
    Allowed {
        field: "property MSG_REGION",
        single: None,
        member: Some("DefaultRegion"),
        reason: ADDED_BY_US,
        holds: is_message,
    },
    Allowed {
        field: "property TRACE_ON",
        single: None,
        member: Some("true"),
        reason: ADDED_BY_US,
        holds: is_message,
    },
    Allowed {
        field: "region",
        single: Some("null"),
        member: Some("DefaultRegion"),
        reason: "the consumer's trace repeats MSG_REGION",
        holds: is_trace,
    },
];

const PLAIN_ON_5_5: &[Allowed] = &[
    Allowed {
        field: "property MSG_REGION",
        single: Some("DefaultRegion"),
        member: None,
        reason: ADDED_BY_BROKER,
        holds: is_message,
    },
    Allowed {
        field: "property TRACE_ON",
        single: Some("true"),
        member: None,
        reason: ADDED_BY_BROKER,
        holds: is_message,
    },
    Allowed {
        field: "property CLUSTER",
        single: Some("DefaultCluster"),
        member: None,
        reason: ADDED_BY_BROKER,
        holds: is_message,
    },
    Allowed {
        field: "reply topic",
        single: Some("DefaultCluster_REPLY_TOPIC"),
        member: None,
        reason: "Java makes a reply only to a message with CLUSTER; requests are never sent in batches",
        holds: is_message,
    },
];

pub(crate) fn allowed(version: Version, form: Form) -> &'static [Allowed] {
    match (version, form) {
        // Librmq adds to members only what that version of the broker adds to singles.
        (Version::V4_9_7, Form::Batches | Form::Pressure) => PLAIN_ON_4_9,
        (Version::V4_9_7, Form::MarkedBatches) => MARKED_ON_4_9,
        (Version::V5_5_0, Form::Batches) => PLAIN_ON_5_5,
        (Version::V5_3_3, _)
        | (Version::V5_5_0, Form::MarkedBatches | Form::Pressure)
        | (_, Form::Singles) => &[],
    }
}

/// Whether a tracing consumer leaves records of such messages. Java's of 5.3 and later leaves none of a message without
/// MSG_REGION, and 5.5 adds that to single messages only.
pub(crate) fn is_traced(version: Version, form: Form) -> bool {
    (version, form) != (Version::V5_5_0, Form::Batches)
}

fn is_message(source: Source) -> bool {
    source != Source::Trace
}

fn is_message_as_stored(source: Source) -> bool {
    is_message(source) && source != Source::Message(Way::Retry)
}

fn is_trace(source: Source) -> bool {
    source == Source::Trace
}
