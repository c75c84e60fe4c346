//! Ours beside other clients.

use std::fmt::Write as _;

use super::figures::{cell, short};
use crate::results::{Figure, Results};

/// What ours should be better by, in one of rate and processor time.
const CLEARLY: f64 = 5.0;

/// A table of ratios; empty without peers.
pub(super) fn text(results: &Results) -> String {
    let mut text = String::new();
    let mut close = Vec::new();
    for case in results.cases() {
        for ours in &case.ours {
            let ratio = |value: Figure| results.ratio(ours, &case.program, value);
            let rate = ratio(|run| Some(run.messages_per_second));
            let cpu = ratio(|run| Some(run.cpu_us_per_message)).map(|ratio| 1.0 / ratio);
            let p50 = ratio(|run| run.latency(|latency| latency.p50_us)).map(|ratio| 1.0 / ratio);
            let _ = writeln!(
                text,
                "| {} | {ours} | {} | {} | {} |",
                case.program,
                cell(rate, short),
                cell(cpu, short),
                cell(p50, short),
            );
            if rate.zip(cpu).is_some_and(|(rate, cpu)| rate.max(cpu) < CLEARLY) {
                close.push(format!("{ours} beside {}", case.program));
            }
        }
    }
    if text.is_empty() {
        return text;
    }
    if !close.is_empty() {
        let _ = write!(
            text,
            "\nLess than {CLEARLY} times better in both messages/s and CPU: {}.\n",
            close.join("; ")
        );
    }
    format!(
        "\nHow many times better ours is, more than 1 in each column:\n\n\
         | peer | ours | messages/s | CPU per message | p50 |\n| --- | --- | ---: | ---: | ---: |\n{text}"
    )
}
