//! Topic and group names: system topics (protocol 5.5.2), prefixes, and the rules of a legal name
//! (protocol 5.1).

use std::fmt;

/// The default model of auto-created topics; exists while brokers auto-create.
pub const AUTO_CREATE: &str = "TBW102";
/// Delay levels are parked here, queue level − 1.
pub const SCHEDULE: &str = "SCHEDULE_TOPIC_XXXX";
/// Half messages.
pub const TRANS_HALF: &str = "RMQ_SYS_TRANS_HALF_TOPIC";
/// Marks of finished half messages.
pub const TRANS_OP_HALF: &str = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
/// Half messages checked too often.
pub const TRANS_CHECK_MAX_TIME: &str = "TRANS_CHECK_MAX_TIME_TOPIC";
/// Self test.
pub const SELF_TEST: &str = "SELF_TEST_TOPIC";
/// Offset events.
pub const OFFSET_MOVED_EVENT: &str = "OFFSET_MOVED_EVENT";
/// Benchmarks.
pub const BENCHMARK: &str = "BenchmarkTest";
/// Message traces.
pub const TRACE: &str = "RMQ_SYS_TRACE_TOPIC";
/// Check points; 5.x.
pub const CHECKPOINT: &str = "CHECKPOINT_TOPIC";
/// Timer messages are parked here, queue 0; 5.x.
pub const WHEEL_TIMER: &str = "rmq_sys_wheel_timer";

/// All topics with this prefix are system topics.
pub const SYSTEM_PREFIX: &str = "rmq_sys_";
/// Retry topic of a consumer group.
pub const RETRY_PREFIX: &str = "%RETRY%";
/// Dead-letter topic of a consumer group.
pub const DLQ_PREFIX: &str = "%DLQ%";
/// Appended to the cluster name: the reply topic.
pub const REPLY_SUFFIX: &str = "_REPLY_TOPIC";

/// Group of producers that were given none; refused at start.
pub const DEFAULT_PRODUCER_GROUP: &str = "DEFAULT_PRODUCER";
/// Group of the producer inside every Java client.
pub const INNER_PRODUCER_GROUP: &str = "CLIENT_INNER_PRODUCER";

/// Longest topic name in bytes.
pub const MAX_TOPIC_LEN: usize = 127;
/// Longest group name in bytes. Java after 5.3.3 takes 120 only; brokers do not check producer groups.
pub const MAX_GROUP_LEN: usize = 255;

/// Whether producers may not send to this topic.
pub fn is_send_forbidden(topic: &str) -> bool {
    matches!(
        topic,
        SCHEDULE | TRANS_HALF | TRANS_OP_HALF | TRANS_CHECK_MAX_TIME | SELF_TEST | OFFSET_MOVED_EVENT
    )
}

/// Whether clients may not create this topic.
pub fn is_system(topic: &str) -> bool {
    is_send_forbidden(topic)
        || matches!(topic, AUTO_CREATE | BENCHMARK | TRACE | CHECKPOINT)
        || topic.starts_with(SYSTEM_PREFIX)
}

/// Checks the name of a topic: not blank, legal characters, at most [`MAX_TOPIC_LEN`] bytes.
pub fn check_topic(topic: &str) -> Result<(), NameError> {
    check("topic", topic, MAX_TOPIC_LEN)
}

/// Checks the name of a producer group: as a topic's, at most [`MAX_GROUP_LEN`] bytes, and not
/// [`DEFAULT_PRODUCER_GROUP`].
pub fn check_group(group: &str) -> Result<(), NameError> {
    check("producer group", group, MAX_GROUP_LEN)?;
    if group == DEFAULT_PRODUCER_GROUP {
        return Err(NameError { what: "producer group", name: group.to_owned(), rule: NameRule::Reserved });
    }
    Ok(())
}

fn check(what: &'static str, name: &str, max: usize) -> Result<(), NameError> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'|' | b'_' | b'-');
    // White space is not legal, so only what fails needs to be told apart.
    if (1..=max).contains(&name.len()) && name.bytes().all(is_legal) {
        return Ok(());
    }
    let rule = if name.trim().is_empty() {
        NameRule::Blank
    } else if name.len() > max {
        NameRule::TooLong { len: name.len(), max }
    } else {
        NameRule::IllegalCharacter
    };
    Err(NameError { what, name: crate::error::quote(name), rule })
}

/// The rule a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// Empty, or white space only.
    Blank,
    /// Longer than allowed, in bytes.
    TooLong {
        /// The name's length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// Another character than ASCII letters, digits, `%`, `|`, `_`, `-`.
    IllegalCharacter,
    /// A name that stands for "none given".
    Reserved,
}

/// An illegal topic or group name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    /// What the name is of: `topic` or `producer group`.
    pub what: &'static str,
    /// The name, cut when long.
    pub name: String,
    /// The rule it breaks.
    pub rule: NameRule,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NameError { what, name, rule } = self;
        match rule {
            NameRule::Blank => write!(f, "{what} {name:?} is blank"),
            NameRule::TooLong { len, max } => {
                write!(f, "{what} {name:?} has {len} bytes, at most {max} are allowed")
            }
            NameRule::IllegalCharacter => write!(
                f,
                "{what} {name:?} has an illegal character, allowed are ASCII letters, digits, %, |, _ and -"
            ),
            NameRule::Reserved => write!(f, "{what} {name:?} is reserved, choose another"),
        }
    }
}

impl std::error::Error for NameError {}
