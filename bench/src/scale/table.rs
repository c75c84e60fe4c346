//! The curves as Markdown.

use std::fmt::Write as _;

use super::point::{Measured, Point};
use crate::results::median;

/// A message may cost so much more than where there was least of everything.
const GROWTH: f64 = 1.2;

/// Medians of one point.
struct Figures {
    rate: f64,
    cpu: f64,
}

/// A row for each point, and whether the cost stayed flat along its axis.
pub(super) fn text(points: &[Point], measured: &[Measured], runs: u32) -> String {
    let mut text = String::new();
    for curve in points.chunk_by(|one, other| one.axis == other.axis && one.batching == other.batching) {
        text.push_str(&axis(curve, measured));
    }
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "256-byte bodies; what is not named: 1 topic, 8 queues, 1 broker, 1,024 in flight, 1 thread. Medians of {runs} \
         runs. Flat: no point costs more than {GROWTH} times the cheapest before it; what grows cheaper is flat."
    );
    text
}

fn axis(curve: &[Point], measured: &[Measured]) -> String {
    let Some(first) = curve.first() else { return String::new() };
    let mut text = format!(
        "| {}, `batch.auto={}` | CPU µs/message | to the first | to the cheapest before | messages/s |\n\
         | ---: | ---: | ---: | ---: | ---: |\n",
        first.axis, first.batching,
    );
    let mut start = None;
    let mut cheapest = f64::INFINITY;
    let mut worst: Option<(usize, f64)> = None;
    for point in curve {
        let Some(figures) = figures(point, measured) else {
            let _ = writeln!(text, "| {} | not measured | | | |", point.value);
            continue;
        };
        let to_first = figures.cpu / *start.get_or_insert(figures.cpu);
        let growth = figures.cpu / cheapest.min(figures.cpu);
        cheapest = cheapest.min(figures.cpu);
        if worst.is_none_or(|(_, most)| growth > most) {
            worst = Some((point.value, growth));
        }
        let _ = writeln!(
            text,
            "| {} | {:.3} | {to_first:.2} | {growth:.2} | {:.0} |",
            point.value, figures.cpu, figures.rate,
        );
    }
    let verdict = match worst {
        None => "not measured".to_owned(),
        Some((_, growth)) if growth <= GROWTH => "flat".to_owned(),
        Some((value, growth)) => format!("**not flat**: {growth:.2} times as much at {value}"),
    };
    let _ = writeln!(text, "\n{}, `batch.auto={}`: {verdict}\n", first.axis, first.batching);
    text
}

fn figures(point: &Point, measured: &[Measured]) -> Option<Figures> {
    let is_same = |run: &&Measured| {
        let other = &run.point;
        (other.axis, other.value, &other.batching) == (point.axis, point.value, &point.batching)
    };
    let of = |value: fn(&Measured) -> f64| median(measured.iter().filter(is_same).map(value).collect());
    Some(Figures { rate: of(|run| run.messages_per_second)?, cpu: of(|run| run.cpu_us_per_message)? })
}

#[cfg(test)]
mod tests {
    use super::super::axis::Axis;
    use super::*;

    fn table(costs: [f64; 3]) -> String {
        let points = Axis::Brokers.points("off", 1.0);
        let measured: Vec<_> = points
            .iter()
            .zip(costs)
            .map(|(point, cpu)| Measured {
                point: point.clone(),
                messages_per_second: 1e6 / cpu,
                cpu_us_per_message: cpu,
            })
            .collect();
        text(&points, &measured, 1)
    }

    #[test]
    fn growth_counts_from_the_cheapest_before() {
        assert!(table([1.0, 1.1, 1.2]).contains("`batch.auto=off`: flat"));
        assert!(table([9.0, 1.0, 1.1]).contains("`batch.auto=off`: flat"));
        let table = table([9.0, 1.0, 1.5]);
        assert!(table.contains("**not flat**: 1.50 times as much at 100"), "{table}");
        assert!(table.contains("| 100 | 1.500 | 0.17 | 1.50 | 666667 |"), "{table}");
    }

    #[test]
    fn a_point_without_a_run_is_named() {
        let text = text(&Axis::Brokers.points("off", 1.0), &[], 1);
        assert!(
            text.contains("| 10 | not measured |") && text.contains("`batch.auto=off`: not measured"),
            "{text}"
        );
    }
}
