//! What grows.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::point::Point;

/// One number of the work; the others keep their usual value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Axis {
    Topics,
    Queues,
    /// With the usual window for all of them: each has fewer messages in flight.
    Brokers,
    /// With the usual window for each.
    #[serde(rename = "full-brokers")]
    FullBrokers,
    Window,
    Threads,
}

impl Axis {
    pub(super) const ALL: [Axis; 6] =
        [Axis::Topics, Axis::Queues, Axis::Brokers, Axis::FullBrokers, Axis::Window, Axis::Threads];

    /// The word of the command line.
    const fn name(self) -> &'static str {
        match self {
            Axis::Topics => "topics",
            Axis::Queues => "queues",
            Axis::Brokers => "brokers",
            Axis::FullBrokers => "full-brokers",
            Axis::Window => "window",
            Axis::Threads => "threads",
        }
    }

    const fn values(self) -> &'static [usize] {
        match self {
            Axis::Topics => &[1, 10, 100, 1_000, 10_000],
            Axis::Queues => &[1, 8, 100, 1_000],
            Axis::Brokers | Axis::FullBrokers => &[1, 10, 100],
            Axis::Window => &[1, 16, 64, 1_024, 10_000, 100_000],
            Axis::Threads => &[1, 2, 4, 8, 16],
        }
    }

    /// From the least to the most of it.
    pub(super) fn points(self, batching: &str, scale: f64) -> Vec<Point> {
        let point = |&value: &usize| {
            let mut point = Point::usual(self, value, batching);
            match self {
                Axis::Topics => point.topics = value,
                Axis::Queues => point.queues = value as u32,
                Axis::Brokers => point.brokers = value,
                Axis::FullBrokers => {
                    point.brokers = value;
                    point.window *= value;
                }
                Axis::Window => point.window = value,
                Axis::Threads => point.threads = value,
            }
            point.count = messages(point.window, scale);
            point
        };
        self.values().iter().map(point).collect()
    }
}

/// So many that a run takes about a second.
fn messages(window: usize, scale: f64) -> u64 {
    let count = match window {
        1 => 30_000,
        2..=64 => 300_000,
        _ => 1_000_000,
    };
    ((f64::from(count) * scale) as u64).max(1)
}

impl fmt::Display for Axis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Axis::Topics => "topics",
            Axis::Queues => "queues of a topic on each broker",
            Axis::Brokers => "brokers",
            Axis::FullBrokers => "brokers with 1,024 messages in flight each",
            Axis::Window => "messages in flight",
            Axis::Threads => "sending threads",
        })
    }
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Axis, String> {
        let known = Axis::ALL.into_iter().find(|axis| axis.name() == text);
        known.ok_or_else(|| format!("one of {}", Axis::ALL.map(Axis::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_number_changes_along_an_axis() {
        for axis in Axis::ALL.into_iter().filter(|axis| *axis != Axis::FullBrokers) {
            let points = axis.points("off", 1.0);
            let numbers = |point: &Point| {
                [point.topics, point.queues as usize, point.brokers, point.window, point.threads]
            };
            let (first, last) = (numbers(&points[0]), numbers(&points[points.len() - 1]));
            let changed: Vec<_> = first.iter().zip(&last).filter(|(first, last)| first != last).collect();
            assert_eq!(changed, [(&points[0].value, &points[points.len() - 1].value)], "{axis}");
            assert!(points.is_sorted_by_key(|point| point.value), "{axis}");
            assert_eq!(axis.name().parse(), Ok(axis));
        }
        let full = Axis::FullBrokers.points("off", 1.0);
        assert!(
            full.iter().all(|point| point.window == 1_024 * point.brokers && point.brokers == point.value)
        );
        assert!("sideways".parse::<Axis>().unwrap_err().contains("topics, queues"));
    }
}
