//! One metric: what is known about it, and its values in a snapshot.

use std::time::Duration;

use super::counters::CodeCounts;
use super::histogram::LatencyStats;
use super::snapshot::{BrokerStats, Stats, TopicStats};

pub(super) struct Metric {
    /// The name within its owner, without a suffix for the unit.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
    /// What it tells, in plain sentences.
    pub(super) text: &'static str,
    pub(super) read: Read,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A count that only grows.
    Counter,
    /// One counter per kind of error.
    CounterByCode,
    /// Is as it is now.
    Gauge,
    /// Count, sum, percentiles and maximum of durations.
    Summary,
    /// A text.
    Info,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Messages,
    Requests,
    Bytes,
    Queues,
    Milliseconds,
    Microseconds,
    /// Yes or no.
    Flag,
    Text,
}

/// Whose metric it is, and how its value is read.
pub(super) enum Read {
    Producer(fn(&Stats) -> Value<'_>),
    Broker(fn(&BrokerStats) -> Value<'_>),
    Topic(fn(&TopicStats) -> Value<'_>),
}

/// A value as the snapshot holds it.
pub(super) enum Value<'a> {
    Count(u64),
    Flag(bool),
    Time(Option<Duration>),
    Text(Option<&'a str>),
    Codes(&'a CodeCounts),
    Latency(&'a LatencyStats),
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Counter | Self::CounterByCode => "counter",
            Self::Gauge => "gauge",
            Self::Summary => "summary",
            Self::Info => "text",
        }
    }
}

impl Unit {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Requests => "requests",
            Self::Bytes => "bytes",
            Self::Queues => "queues",
            Self::Milliseconds => "ms",
            Self::Microseconds => "µs",
            Self::Flag => "yes or no",
            Self::Text => "",
        }
    }

    /// What the keys of durations end in.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Milliseconds => "_ms",
            Self::Microseconds => "_us",
            _ => "",
        }
    }
}

impl Read {
    /// Where JSON text has the values of all owners of this kind; the producer's own are at the top.
    pub(super) const fn section(&self) -> Option<&'static str> {
        match self {
            Self::Producer(_) => None,
            Self::Broker(_) => Some("brokers"),
            Self::Topic(_) => Some("topics"),
        }
    }

    /// The label that names the owner.
    pub(super) const fn label(&self) -> Option<&'static str> {
        match self {
            Self::Producer(_) => None,
            Self::Broker(_) => Some("broker"),
            Self::Topic(_) => Some("topic"),
        }
    }
}

impl Metric {
    /// The key in JSON text: the name, and the unit of a duration.
    pub(super) fn key(&self) -> String {
        format!("{}{}", self.name, self.unit.suffix())
    }

    /// The place of the value in JSON text, for people: `brokers.NAME.attempts`.
    pub(super) fn path(&self) -> String {
        self.read.section().map_or_else(|| self.key(), |section| format!("{section}.NAME.{}", self.key()))
    }

    /// The name in Prometheus text, where durations are in seconds.
    pub(super) fn prometheus_name(&self) -> String {
        let owner = self.read.label().map_or_else(String::new, |label| format!("{label}_"));
        let name = if self.kind == Kind::Info { "info" } else { self.name };
        let unit = if self.unit.suffix().is_empty() { "" } else { "_seconds" };
        let total = if self.kind.name() == "counter" { "_total" } else { "" };
        format!("rmq_producer_{owner}{name}{unit}{total}")
    }

    /// The labels in Prometheus text, beside those of the producer.
    pub(super) fn labels(&self) -> Vec<&'static str> {
        let own = match self.kind {
            Kind::Counter | Kind::Gauge => None,
            Kind::CounterByCode => Some("code"),
            Kind::Summary => Some("quantile"),
            Kind::Info => Some(self.name),
        };
        self.read.label().into_iter().chain(own).collect()
    }

    /// The values in a snapshot, each with the name of its owner unless that is the producer.
    pub(super) fn values<'a>(&self, stats: &'a Stats) -> Vec<(Option<&'a str>, Value<'a>)> {
        match self.read {
            Read::Producer(read) => vec![(None, read(stats))],
            Read::Broker(read) => stats.brokers.iter().map(|of| (Some(&*of.name), read(of))).collect(),
            Read::Topic(read) => stats.topics.iter().map(|of| (Some(&*of.name), read(of))).collect(),
        }
    }
}
