//! Snapshots in Prometheus's text format 0.0.4.

use std::fmt::{Display, Write};

use super::metric::{Kind, Metric, Value};
use super::snapshot::Stats;
use super::table::TABLE;
use crate::text;

impl Stats {
    /// All of it in Prometheus's text format 0.0.4, as an endpoint for scrapes answers
    /// (`text/plain; version=0.0.4`). Names begin with `rmq_producer_`, durations are in seconds, and every
    /// sample has the labels `group` and `client_id`. For several producers at one endpoint see [`prometheus`].
    pub fn to_prometheus(&self) -> String {
        prometheus(std::slice::from_ref(self))
    }
}

/// Several producers in one text, as [`Stats::to_prometheus`]: texts put one behind the other would say twice
/// what each metric is, which the format forbids.
pub fn prometheus(producers: &[Stats]) -> String {
    let mut text = String::new();
    for metric in TABLE {
        let name = metric.prometheus_name();
        let kind = if metric.kind == Kind::Info { "gauge" } else { metric.kind.name() };
        let help = metric.text.replace('\\', "\\\\").replace('\n', "\\n");
        line(&mut text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
        for stats in producers {
            samples(&mut text, metric, &name, stats);
        }
    }
    text
}

fn samples(text: &mut String, metric: &Metric, name: &str, stats: &Stats) {
    let producer = format!("{},{}", label("group", &stats.group), label("client_id", &stats.client_id));
    for (owner, value) in metric.values(stats) {
        let labels = match (metric.read.label(), owner) {
            (Some(kind), Some(owner)) => format!("{producer},{}", label(kind, owner)),
            _ => producer.clone(),
        };
        let mut sample = |suffix: &str, more: String, number: &dyn Display| {
            let comma = if more.is_empty() { "" } else { "," };
            line(text, format_args!("{name}{suffix}{{{labels}{comma}{more}}} {number}"));
        };
        match value {
            Value::Count(count) => sample("", String::new(), &count),
            Value::Flag(flag) => sample("", String::new(), &u8::from(flag)),
            Value::Time(Some(time)) => sample("", String::new(), &time.as_secs_f64()),
            Value::Text(Some(text)) => sample("", label(metric.name, text), &1),
            Value::Time(None) | Value::Text(None) => {}
            Value::Codes(counts) => {
                for (code, count) in counts.iter() {
                    sample("", label("code", code.name()), &count);
                }
            }
            Value::Latency(latency) => {
                let quantiles = [
                    ("0.5", latency.p50),
                    ("0.9", latency.p90),
                    ("0.99", latency.p99),
                    ("0.999", latency.p999),
                    ("1", latency.max),
                ];
                for (quantile, time) in quantiles {
                    // Of nothing there is no percentile.
                    let seconds = if latency.count == 0 { f64::NAN } else { time.as_secs_f64() };
                    sample("", label("quantile", quantile), &seconds);
                }
                sample("_sum", String::new(), &latency.sum.as_secs_f64());
                sample("_count", String::new(), &latency.count);
            }
        }
    }
}

/// Broker names and addresses are what a peer says. A backslash is doubled twice: by us, so that what is written out
/// differs from what looks like it, and by the format.
fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\");
    let value =
        text::shown(&value, usize::MAX).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap, HashSet};

    use super::super::snapshot::tests::sample;
    use super::*;

    type Labels = BTreeMap<String, String>;

    /// What a text of the format says; panics where it breaks a rule.
    #[derive(Default)]
    struct Parsed {
        kinds: HashMap<String, String>,
        samples: HashMap<(String, Labels), f64>,
    }

    fn is_name(name: &str, more: &str) -> bool {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
        name.chars().all(legal) && name.starts_with(|c: char| !c.is_ascii_digit())
    }

    fn parse(text: &str) -> Parsed {
        let mut parsed = Parsed::default();
        let mut helped = HashSet::new();
        let mut family = String::new();
        assert!(text.ends_with('\n'), "the last line ends too");
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("words");
                assert!(is_name(name, ":") && !words.is_empty(), "{line}");
                assert!(helped.insert(name.to_owned()), "twice: {line}");
                name.clone_into(&mut family);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a kind");
                assert_eq!(name, family, "the help comes first");
                assert!(["counter", "gauge", "summary"].contains(&kind), "{line}");
                let old = parsed.kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(old, None, "twice: {line}");
            } else {
                let (name, labels, number) = parse_sample(line);
                let kind = parsed.kinds.get(&family).expect("a kind");
                let base = match kind.as_str() {
                    "summary" => name.trim_end_matches("_sum").trim_end_matches("_count"),
                    _ => &name,
                };
                assert_eq!(base, family, "all samples of a metric stand together");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let old = parsed.samples.insert((name, labels), number);
                assert_eq!(old, None, "twice: {line}");
            }
        }
        parsed
    }

    fn parse_sample(line: &str) -> (String, Labels, f64) {
        let (name, mut rest) = line.split_once('{').expect("labels");
        assert!(is_name(name, ":"), "{line}");
        let mut labels = Labels::new();
        loop {
            let (label, quoted) = rest.split_once("=\"").expect("a label");
            assert!(is_name(label, "") && !label.starts_with("__"), "{line}");
            let (value, behind) = unquote(quoted);
            assert_eq!(labels.insert(label.to_owned(), value), None, "twice: {line}");
            match behind.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    let number = behind.strip_prefix("} ").expect("an end");
                    return (name.to_owned(), labels, number.parse().expect("a number"));
                }
            }
        }
    }

    /// The value up to the closing quote, and what is behind it.
    fn unquote(quoted: &str) -> (String, &str) {
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        loop {
            match chars.next().expect("a closing quote") {
                (end, '"') => return (value, &quoted[end + 1..]),
                (_, '\\') => value.push(match chars.next().expect("an escaped character").1 {
                    'n' => '\n',
                    escaped @ ('\\' | '"') => escaped,
                    other => panic!("\\{other} is no escape"),
                }),
                (_, other) => value.push(other),
            }
        }
    }

    impl Parsed {
        /// The sample with these labels beside those of the producer.
        fn get(&self, name: &str, more: &[(&str, &str)]) -> Option<f64> {
            let producer = [("group", "g\"1\""), ("client_id", "10.0.0.1@a\\\\b\\nc")];
            let labels = producer.iter().chain(more).map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            self.samples.get(&(format!("rmq_producer_{name}"), labels.collect())).copied()
        }
    }

    #[test]
    fn the_text_keeps_the_rules_and_says_what_the_snapshot_holds() {
        let parsed = parse(&sample().to_prometheus());
        let get = |name: &str, labels: &[(&str, &str)]| parsed.get(name, labels);
        assert_eq!(get("accepted_total", &[]), Some(100.0));
        assert_eq!(get("accepted_bytes_total", &[]), Some(2048.0));
        assert_eq!(get("rejected_total", &[("code", "QUEUE_FULL")]), Some(3.0));
        assert_eq!(get("failed_total", &[("code", "INTERNAL")]), Some(0.0));
        assert_eq!(get("in_flight", &[]), Some(36.0));
        assert_eq!(get("latency_seconds", &[("quantile", "1")]), Some(0.02));
        assert_eq!(get("latency_seconds_count", &[]), Some(51.0));
        assert_eq!(get("latency_seconds_sum", &[]), Some(0.095));
        let broker = ("broker", "broker.a");
        assert_eq!(get("broker_info", &[broker, ("address", "10.0.0.2:10911")]), Some(1.0));
        assert_eq!(get("broker_attempts_total", &[broker]), Some(11.0));
        assert_eq!(get("broker_latency_seconds", &[broker, ("quantile", "0.99")]), Some(0.000_031));
        assert_eq!(get("broker_available", &[broker]), Some(0.0));
        assert_eq!(get("broker_banned_seconds", &[broker]), Some(2.5));
        assert_eq!(get("topic_route_age_seconds", &[("topic", "orders")]), Some(12.345));
        assert_eq!(get("topic_route_age_seconds", &[("topic", "absent")]), None);
        let unused = get("broker_latency_seconds", &[("broker", "new"), ("quantile", "0.5")]);
        assert!(unused.is_some_and(f64::is_nan), "of nothing there is no percentile");
    }

    #[test]
    fn control_characters_are_written_out_and_names_stay_distinct() {
        assert_eq!(label("broker", "a\0\r\n"), r#"broker="a\\u{0}\\r\\n""#);
        assert_ne!(label("broker", "a\0"), label("broker", r"a\u{0}"));
    }

    #[test]
    fn every_metric_is_there_with_its_labels() {
        let parsed = parse(&sample().to_prometheus());
        assert_eq!(parsed.kinds.len(), TABLE.len());
        for metric in TABLE {
            let name = metric.prometheus_name();
            let mut expected = vec!["group", "client_id"];
            expected.extend(metric.labels());
            expected.sort_unstable();
            let mut samples = parsed.samples.keys().filter(|(of, _)| *of == name).peekable();
            assert!(samples.peek().is_some(), "{name}");
            assert!(samples.all(|(_, labels)| labels.keys().eq(expected.iter())), "{name}");
        }
    }

    #[test]
    fn several_producers_stand_in_one_valid_text() {
        let mut other = sample();
        other.group = "other".to_owned();
        let one = parse(&sample().to_prometheus());
        let both = parse(&prometheus(&[sample(), other]));
        assert_eq!(both.kinds, one.kinds);
        assert_eq!(both.samples.len(), 2 * one.samples.len());
    }
}
