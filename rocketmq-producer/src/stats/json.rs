//! A snapshot as JSON text, and single values by their place in it.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::counters::CodeCounts;
use super::histogram::LatencyStats;
use super::metric::{Metric, Value};
use super::snapshot::Stats;
use super::table::TABLE;

impl Stats {
    /// All of it as one JSON object.
    ///
    /// The top of the object has `group`, `client_id`, the producer's metrics, and the objects `brokers` and `topics`, which
    /// hold an object of metrics by name. Counters by code are objects of `total` and every code; latencies are
    /// objects of `count`, `mean`, `p50`, `p90`, `p99`, `p999` and `max` in microseconds. Numbers are whole but
    /// for means. Every key is always there; a value that is missing is `null`. Later versions may add keys.
    pub fn to_json(&self) -> String {
        let mut top = Map::new();
        top.insert("group".to_owned(), self.group.as_str().into());
        top.insert("client_id".to_owned(), self.client_id.as_str().into());
        for section in TABLE.iter().filter_map(|metric| metric.read.section()) {
            top.insert(section.to_owned(), json!({}));
        }
        let mut top = Json::Object(top);
        for metric in TABLE {
            for (owner, value) in metric.values(self) {
                let place = match (metric.read.section(), owner) {
                    (Some(section), Some(owner)) => &mut top[section][owner],
                    _ => &mut top,
                };
                place[metric.key()] = value.json();
            }
        }
        top.to_string()
    }

    /// One value by its place in the JSON text, with points between the keys: `accepted`, `failed.TIMEOUT`,
    /// `latency_us.p99`, `brokers.broker-a.banned_ms`. Yes and no are 1 and 0. Nothing if there is no such
    /// number.
    pub fn get(&self, path: &str) -> Option<f64> {
        let metrics =
            TABLE.iter().flat_map(|metric| metric.values(self).into_iter().map(move |it| (metric, it)));
        // The names of brokers and topics may hold points too, so that the first fit need not be the one.
        metrics.filter_map(|(metric, (owner, value))| Some((rest(metric, owner, path)?, value))).find_map(
            |(rest, value)| {
                let json = value.json();
                match rest.strip_prefix('.') {
                    Some(key) => number(json.get(key)?),
                    None if rest.is_empty() => number(&json),
                    None => None,
                }
            },
        )
    }
}

/// The part of the path behind the metric's own.
fn rest<'p>(metric: &Metric, owner: Option<&str>, mut path: &'p str) -> Option<&'p str> {
    if let (Some(section), Some(owner)) = (metric.read.section(), owner) {
        path = path.strip_prefix(section)?.strip_prefix('.')?.strip_prefix(owner)?.strip_prefix('.')?;
    }
    path.strip_prefix(metric.key().as_str())
}

fn number(json: &Json) -> Option<f64> {
    json.as_bool().map(|flag| f64::from(u8::from(flag))).or_else(|| json.as_f64())
}

impl Value<'_> {
    fn json(&self) -> Json {
        match self {
            Self::Count(count) => (*count).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Time(time) => time.map(whole_millis).into(),
            Self::Text(text) => (*text).into(),
            Self::Codes(counts) => codes(counts),
            Self::Latency(latency) => summary(latency),
        }
    }
}

fn codes(counts: &CodeCounts) -> Json {
    let by_code = counts.iter().map(|(code, count)| (code.name().to_owned(), count.into()));
    let total = [("total".to_owned(), counts.total().into())];
    Json::Object(total.into_iter().chain(by_code).collect())
}

fn summary(latency: &LatencyStats) -> Json {
    json!({
        "count": latency.count,
        "mean": latency.mean().as_nanos() as f64 / 1000.0,
        "p50": whole_micros(latency.p50),
        "p90": whole_micros(latency.p90),
        "p99": whole_micros(latency.p99),
        "p999": whole_micros(latency.p999),
        "max": whole_micros(latency.max),
    })
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn whole_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::recorder::Recorder;
    use super::super::snapshot::Surroundings;
    use super::super::snapshot::tests::sample;
    use super::*;
    use crate::error::ErrorCode;

    /// Every number in the tree, with its path.
    fn leaves(json: &Json, path: &str, found: &mut Vec<(String, Option<f64>)>) {
        match json {
            Json::Object(map) => {
                for (key, value) in map {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    leaves(value, &path, found);
                }
            }
            other => found.push((path.to_owned(), number(other))),
        }
    }

    #[test]
    fn the_text_has_the_documented_shape() {
        let json: Json = serde_json::from_str(&sample().to_json()).unwrap();
        assert_eq!(json["group"], "g\"1\"");
        assert_eq!(json["client_id"], "10.0.0.1@a\\b\nc");
        assert_eq!(json["accepted"], 100);
        assert_eq!(json["rejected"]["QUEUE_FULL"], 3);
        assert_eq!(json["rejected"]["total"], 7);
        assert_eq!(json["failed"]["INTERNAL"], 0);
        assert_eq!(json["failed"].as_object().unwrap().len(), ErrorCode::ALL.len() + 1);
        assert_eq!(json["latency_us"]["max"], 20_000);
        assert_eq!(json["latency_us"]["mean"], 1862.745, "95,000 µs of 51 messages");
        assert_eq!(
            json["brokers"]["broker.a"],
            json!({
                "address": "10.0.0.2:10911",
                "attempts": 11,
                "succeeded": 11,
                "failed": 0,
                "latency_us":
                    {"count": 11, "mean": 31.0, "p50": 31, "p90": 31, "p99": 31, "p999": 31, "max": 31},
                "available": false,
                "reachable": true,
                "banned_ms": 2500,
            })
        );
        assert_eq!(json["brokers"]["gone"]["address"], Json::Null);
        assert_eq!(json["topics"]["orders"], json!({"writable_queues": 8, "route_age_ms": 12_345}));
        assert_eq!(json["topics"]["absent"], json!({"writable_queues": 0, "route_age_ms": null}));
    }

    #[test]
    fn a_new_producer_has_every_section() {
        let surroundings = Surroundings {
            group: "g".to_owned(),
            client_id: "c".to_owned(),
            in_flight_messages: 0,
            in_flight_bytes: 0,
            brokers: Vec::new(),
            topics: Vec::new(),
        };
        let stats = Stats::of(&Recorder::new(), surroundings);
        let json: Json = serde_json::from_str(&stats.to_json()).unwrap();
        assert_eq!((&json["brokers"], &json["topics"]), (&json!({}), &json!({})));
        assert_eq!(json["latency_us"]["p99"], 0);
        assert_eq!(json["accepted"], 0);
    }

    #[test]
    fn every_number_of_the_text_is_got_by_its_path_and_nothing_else_is() {
        let stats = sample();
        let json: Json = serde_json::from_str(&stats.to_json()).unwrap();
        let mut found = Vec::new();
        leaves(&json, "", &mut found);
        assert!(found.len() > 100);
        for (path, number) in found {
            assert_eq!(stats.get(&path), number, "{path}");
        }
        assert_eq!(stats.get("brokers.broker.a.available"), Some(0.0));
        assert_eq!(stats.get("brokers.broker.attempts"), Some(0.0), "the start of another broker's name");
        for path in
            ["", ".", "accept", "accepted.", "accepted.x", "failed", "failed.", "failed.timeout", "group"]
        {
            assert_eq!(stats.get(path), None, "{path}");
        }
        for path in
            ["latency", "latency_us.p98", "brokers", "brokers.", "brokers.x.attempts", "topics.orders"]
        {
            assert_eq!(stats.get(path), None, "{path}");
        }
    }
}
