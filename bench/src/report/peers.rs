//! Ours beside other clients.

use std::fmt::Write as _;

use super::figures::{cell, short};
use crate::results::{Figure, Results};

/// A table of ratios; empty without peers.
pub(super) fn text(results: &Results) -> String {
    let mut text = String::new();
    for case in results.cases() {
        let Some(ours) = &case.ours else { continue };
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
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "\nHow many times better ours is, more than 1 in each column:\n\n\
         | peer | ours | messages/s | CPU per message | p50 |\n| --- | --- | ---: | ---: | ---: |\n{text}"
    )
}
