//! Consumes topics in every way that Apache's own client has (`java/Consumers.java`): what users of messages see.

use std::fs;
use std::time::Duration;

use serde::Deserialize;

use crate::ports::PortBlock;
use crate::process::{java, run, write_quiet_logging};
use crate::{LaunchError, ReadMessage, Version, artifacts};

/// Consumers find their queues, messages come back and traces are written within a few seconds of an idle machine.
const LIMIT: Duration = Duration::from_secs(60);

/// What to consume. All topics hold the same number of messages.
#[derive(Debug, Clone)]
pub struct Orders<'a> {
    /// Topics for whose traces it waits.
    pub traced: Vec<&'a str>,
    /// Topics whose traces count only if they come no later than those it waits for.
    pub untraced: Vec<&'a str>,
    /// Messages in each of them.
    pub count: usize,
    /// Tag expression, and how many messages of each topic it selects.
    pub tags: (&'a str, usize),
    /// SQL92 expression, and how many messages of each topic it selects.
    pub sql: (&'a str, usize),
}

/// A way to get at messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Push consumer with a concurrent listener; the one that writes traces.
    Push,
    /// Push consumer with an orderly listener.
    Orderly,
    /// Push consumer that takes each message only when it comes for the second time.
    Retry,
    /// Push consumer with a tag expression.
    TagFilter,
    /// Push consumer with an SQL92 expression.
    SqlFilter,
    /// Lite pull consumer with a subscription.
    LitePull,
    /// Pull consumer.
    Pull,
    /// Query by each of the keys.
    Key,
    /// View by the unique id.
    UniqueId,
    /// View by the offset message id.
    OffsetId,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 10] = [
        Way::Push,
        Way::Orderly,
        Way::Retry,
        Way::TagFilter,
        Way::SqlFilter,
        Way::LitePull,
        Way::Pull,
        Way::Key,
        Way::UniqueId,
        Way::OffsetId,
    ];
}

/// What the consumers were given and left behind, each in the order of its coming.
#[derive(Debug, Clone, Default)]
pub struct Consumed {
    /// Messages, of all ways mixed.
    pub messages: Vec<Given>,
    /// Records of the tracing push consumer.
    pub traces: Vec<TraceRecord>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Message(Box<Given>),
    Trace(TraceRecord),
}

/// A message and how it was come by.
#[derive(Debug, Clone, Deserialize)]
pub struct Given {
    /// How.
    pub way: Way,
    /// The key or id that was asked for.
    pub asked: Option<String>,
    /// Topic of a reply to it; none if Apache's client cannot make one.
    pub reply_topic: Option<String>,
    /// The message.
    pub message: ReadMessage,
}

/// A record of a message trace, found by the id of its message.
#[derive(Debug, Clone, Deserialize)]
pub struct TraceRecord {
    /// Unique id that was asked for.
    pub unique_id: String,
    /// Its fields as written (protocol 9.2).
    pub fields: Vec<String>,
}

/// Consumes; fewer messages than ordered if no more come within a minute.
///
/// # Errors
/// A topic does not show its messages; an id or key finds nothing; Apache's client fails in another way.
pub fn consume(version: Version, name_server: &str, orders: &Orders<'_>) -> Result<Consumed, LaunchError> {
    let artifacts = artifacts::resolve(version)?;
    let place = PortBlock::reserve()?;
    write_quiet_logging(&place.folder)?;
    let output = place.folder.join("consumed.jsonl");
    let mut command = java(&artifacts, &place.folder);
    command.args(["-Xmx512m", "Consumers", name_server]).arg(&output).arg(LIMIT.as_secs().to_string());
    command.arg(orders.count.to_string());
    for (expression, count) in [orders.tags, orders.sql] {
        command.arg(expression).arg(count.to_string());
    }
    command.args([&orders.traced, &orders.untraced].map(|topics| topics.join(",")));
    // Java decodes its arguments as the locale says.
    command.env("LC_ALL", "C.UTF-8");
    run(&mut command, "default-jdk-headless", "consuming with Java")?;
    let text = fs::read_to_string(&output).map_err(LaunchError::path("read", &output))?;
    let mut consumed = Consumed::default();
    for line in text.lines() {
        match serde_json::from_str(line).map_err(LaunchError::wire("parse what was consumed"))? {
            Line::Message(given) => consumed.messages.push(*given),
            Line::Trace(record) => consumed.traces.push(record),
        }
    }
    Ok(consumed)
}
