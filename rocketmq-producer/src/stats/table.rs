//! Every metric there is, in the order of the manual.

use super::metric::{Kind, Metric, Read, Unit, Value};

pub(super) const TABLE: &[Metric] = &[
    Metric {
        name: "accepted",
        kind: Kind::Counter,
        unit: Unit::Messages,
        text: "Messages accepted for sending. Each ends as one of `succeeded`, `failed` and `oneway_written`; \
               those that are missing there have no outcome yet.",
        read: Read::Producer(|stats| Value::Count(stats.accepted)),
    },
    Metric {
        name: "accepted_bytes",
        kind: Kind::Counter,
        unit: Unit::Bytes,
        text: "Body bytes of the accepted messages, before compression.",
        read: Read::Producer(|stats| Value::Count(stats.accepted_bytes)),
    },
    Metric {
        name: "rejected",
        kind: Kind::CounterByCode,
        unit: Unit::Messages,
        text: "Messages refused at the call, by the kind of error. They count nowhere else.",
        read: Read::Producer(|stats| Value::Codes(&stats.rejected)),
    },
    Metric {
        name: "succeeded",
        kind: Kind::Counter,
        unit: Unit::Messages,
        text: "Messages that got their receipt, with whatever status.",
        read: Read::Producer(|stats| Value::Count(stats.succeeded)),
    },
    Metric {
        name: "failed",
        kind: Kind::CounterByCode,
        unit: Unit::Messages,
        text: "Accepted messages that ended in an error, by the kind of error. One-way messages that were not \
               written are among them.",
        read: Read::Producer(|stats| Value::Codes(&stats.failed)),
    },
    Metric {
        name: "oneway_written",
        kind: Kind::Counter,
        unit: Unit::Messages,
        text: "One-way messages that were written to a connection. Whether a broker stored them nobody can tell.",
        read: Read::Producer(|stats| Value::Count(stats.oneway_written)),
    },
    Metric {
        name: "attempts",
        kind: Kind::Counter,
        unit: Unit::Requests,
        text: "Requests handed to connections of brokers, all brokers together. Several messages may travel in \
               one.",
        read: Read::Producer(|stats| Value::Count(stats.attempts)),
    },
    Metric {
        name: "retries",
        kind: Kind::Counter,
        unit: Unit::Messages,
        text: "How often a message got another attempt.",
        read: Read::Producer(|stats| Value::Count(stats.retries)),
    },
    Metric {
        name: "wire_batches",
        kind: Kind::Counter,
        unit: Unit::Requests,
        text: "Requests that carried several messages.",
        read: Read::Producer(|stats| Value::Count(stats.wire_batches)),
    },
    Metric {
        name: "wire_batch_messages",
        kind: Kind::Counter,
        unit: Unit::Messages,
        text: "Messages in wire batches. Divided by `wire_batches` it is the mean size of a batch.",
        read: Read::Producer(|stats| Value::Count(stats.wire_batch_messages)),
    },
    Metric {
        name: "in_flight",
        kind: Kind::Gauge,
        unit: Unit::Messages,
        text: "Messages that count against `in.flight.max.messages` now: accepted, and their outcome not yet \
               taken.",
        read: Read::Producer(|stats| Value::Count(stats.in_flight)),
    },
    Metric {
        name: "in_flight_bytes",
        kind: Kind::Gauge,
        unit: Unit::Bytes,
        text: "Body bytes that count against `in.flight.max.bytes` now.",
        read: Read::Producer(|stats| Value::Count(stats.in_flight_bytes)),
    },
    Metric {
        name: "latency",
        kind: Kind::Summary,
        unit: Unit::Microseconds,
        text: "From the call to the receipt, all attempts included, of the messages that succeeded.",
        read: Read::Producer(|stats| Value::Latency(&stats.latency)),
    },
    Metric {
        name: "address",
        kind: Kind::Info,
        unit: Unit::Text,
        text: "The address of the broker's master. It is missing while no route names one.",
        read: Read::Broker(|broker| Value::Text(broker.address.as_deref())),
    },
    Metric {
        name: "attempts",
        kind: Kind::Counter,
        unit: Unit::Requests,
        text: "Requests handed to the broker's connection. Those that neither succeeded nor failed are one-way \
               or have no answer yet.",
        read: Read::Broker(|broker| Value::Count(broker.attempts)),
    },
    Metric {
        name: "succeeded",
        kind: Kind::Counter,
        unit: Unit::Requests,
        text: "Requests whose messages the broker stored.",
        read: Read::Broker(|broker| Value::Count(broker.succeeded)),
    },
    Metric {
        name: "failed",
        kind: Kind::Counter,
        unit: Unit::Requests,
        text: "Requests that the broker refused or did not answer in time, or that did not reach it.",
        read: Read::Broker(|broker| Value::Count(broker.failed)),
    },
    Metric {
        name: "latency",
        kind: Kind::Summary,
        unit: Unit::Microseconds,
        text: "From the attempt to its answer, of the requests that succeeded.",
        read: Read::Broker(|broker| Value::Latency(&broker.latency)),
    },
    Metric {
        name: "available",
        kind: Kind::Gauge,
        unit: Unit::Flag,
        text: "Whether latency fault tolerance (`send.latency.enable`) lets the broker be chosen. Always yes \
               without it.",
        read: Read::Broker(|broker| Value::Flag(broker.available)),
    },
    Metric {
        name: "reachable",
        kind: Kind::Gauge,
        unit: Unit::Flag,
        text: "Whether the broker is not known to be unreachable. Always yes without latency fault tolerance.",
        read: Read::Broker(|broker| Value::Flag(broker.reachable)),
    },
    Metric {
        name: "banned",
        kind: Kind::Gauge,
        unit: Unit::Milliseconds,
        text: "For how long the broker is still left out; 0 if it is available.",
        read: Read::Broker(|broker| Value::Time(Some(broker.banned_for))),
    },
    Metric {
        name: "writable_queues",
        kind: Kind::Gauge,
        unit: Unit::Queues,
        text: "Queues of the topic that may be written.",
        read: Read::Topic(|topic| Value::Count(topic.writable_queues)),
    },
    Metric {
        name: "route_age",
        kind: Kind::Gauge,
        unit: Unit::Milliseconds,
        text: "Since a name server last told the route of the topic. It is missing while none did.",
        read: Read::Topic(|topic| Value::Time(topic.route_age)),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::snapshot::tests::sample;
    use super::*;

    #[test]
    fn no_two_metrics_have_one_place_or_one_name() {
        let distinct = |name: fn(&Metric) -> String| TABLE.iter().map(name).collect::<HashSet<_>>().len();
        assert_eq!(distinct(Metric::path), TABLE.len());
        assert_eq!(distinct(Metric::prometheus_name), TABLE.len());
    }

    #[test]
    fn values_are_of_the_kind_and_unit_that_is_said() {
        for metric in TABLE {
            for (_, value) in metric.values(&sample()) {
                let fits = match value {
                    Value::Count(_) => {
                        matches!(metric.kind, Kind::Counter | Kind::Gauge)
                            && matches!(
                                metric.unit,
                                Unit::Messages | Unit::Requests | Unit::Bytes | Unit::Queues
                            )
                    }
                    Value::Flag(_) => (metric.kind, metric.unit) == (Kind::Gauge, Unit::Flag),
                    Value::Time(_) => (metric.kind, metric.unit) == (Kind::Gauge, Unit::Milliseconds),
                    Value::Text(_) => (metric.kind, metric.unit) == (Kind::Info, Unit::Text),
                    Value::Codes(_) => (metric.kind, metric.unit) == (Kind::CounterByCode, Unit::Messages),
                    Value::Latency(_) => (metric.kind, metric.unit) == (Kind::Summary, Unit::Microseconds),
                };
                assert!(fits, "{}", metric.path());
            }
        }
    }

    #[test]
    fn each_metric_reads_a_value_of_its_own() {
        let mut stats = sample();
        stats.brokers.truncate(2);
        let numbers =
            TABLE.iter().flat_map(|metric| metric.values(&stats)).filter_map(|(_, value)| match value {
                Value::Count(count) if count > 12 => Some(count),
                _ => None,
            });
        let numbers: Vec<_> = numbers.collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len(), "{numbers:?}");
    }
}
