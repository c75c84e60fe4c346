//! The page of the manual that the table of metrics prints.

use std::fmt::Write;

use super::metric::{Kind, Metric};
use super::table::TABLE;

/// The page "Statistics" in Markdown, complete with its title.
pub fn manual() -> String {
    let mut page = String::from(
        "# Statistics\n\
         \n\
         A producer always counts what it does. Its statistics are a snapshot: all values at one moment. Counters\n\
         begin at 0 when the producer is made and only grow. `rmq_producer_stats` takes a snapshot in C,\n\
         `producer.stats()` in Rust. There are three ways to read one:\n\
         \n\
         - **JSON text** (`rmq_stats_json`; Python's `producer.stats()` is a dictionary of it): one object. At its\n  \
           top are `group`, `client_id`, the metrics of the producer, and the objects `brokers` and `topics`, which\n  \
           hold one object of metrics per name. Every key is always there; a value that is missing is `null`. Later\n  \
           versions may add keys.\n\
         - **A single number** (`rmq_stats_get`) by its place in that text, with points between the keys: `accepted`,\n  \
           `failed.TIMEOUT`, `latency_us.p99`, `brokers.broker-a.banned_ms`. Yes and no are 1 and 0.\n\
         - **Prometheus text** (`rmq_stats_prometheus`, Python's `producer.prometheus()`), format 0.0.4. Every sample\n  \
           has the labels `group` and `client_id`; durations are in seconds. A value that is missing has no sample.\n\
         \n\
         A counter by code is an object of `total` and of every kind of error by its name. A latency is an object of\n\
         `count`, `mean`, `p50`, `p90`, `p99`, `p999` and `max`, in microseconds; percentiles are at most 3.2 % off,\n\
         the rest is exact. All latencies since the start count, from 1 µs to 1 h. In Prometheus text a latency is a\n\
         summary, whose quantile 1 is the longest; `rate` of its `_sum` by `rate` of its `_count` is the mean over a\n\
         time. While nothing was measured, JSON has 0 and Prometheus text `NaN`.\n\
         \n\
         This page is printed from the table of metrics in the source.\n\
         \n\
         | Place in JSON | Kind | Unit | Prometheus | Labels |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for metric in TABLE {
        let (path, prometheus) = (metric.path(), metric.prometheus_name());
        let (kind, unit) = (kind(metric), metric.unit.name());
        let labels: Vec<_> = metric.labels().iter().map(|label| format!("`{label}`")).collect();
        let (anchor, labels) = (anchor(&path), labels.join(", "));
        line(
            &mut page,
            format_args!("| [`{path}`](#{anchor}) | {kind} | {unit} | `{prometheus}` | {labels} |"),
        );
    }
    for metric in TABLE {
        line(&mut page, format_args!("\n## {}\n\n{}", metric.path(), metric.text));
    }
    page
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "{text}");
}

fn kind(metric: &Metric) -> String {
    let by_code = if metric.kind == Kind::CounterByCode { " by code" } else { "" };
    format!("{}{by_code}", metric.kind.name())
}

/// What a heading is linked by: small letters, no points.
fn anchor(heading: &str) -> String {
    heading.replace('.', "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_row_of_five_cells_and_a_section() {
        let page = manual();
        for metric in TABLE {
            let start = format!("| [`{}`](#", metric.path());
            let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
            assert_eq!(rows.len(), 1, "{}", metric.path());
            assert_eq!(rows[0].matches('|').count(), 6, "{}", rows[0]);
            assert!(rows[0].contains(&format!("`{}`", metric.prometheus_name())));
            assert!(page.contains(&format!("\n## {}\n\n{}\n", metric.path(), metric.text)));
        }
    }
}
