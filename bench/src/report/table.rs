//! The table of medians.

use std::fmt::Write as _;

use super::figures::{cell, grouped, short};
use crate::results::{Case, Cost, Figure, QUIET_CORES, Results};
use crate::workload::Mode;

/// From here on the bytes of a body tell more than the number of messages.
const LARGE_BODY: usize = 4_096;

/// Name, median of what, and how it is written.
type Column = (&'static str, Figure, fn(f64) -> String);

const COLUMNS: &[Column] = &[
    ("messages/s", |run| Some(run.messages_per_second), grouped),
    ("CPU µs", |run| Some(run.cpu_us_per_message), short),
    ("p50 µs", |run| run.latency(|latency| latency.p50_us), short),
    ("p99 µs", |run| run.latency(|latency| latency.p99_us), short),
    ("p99.9 µs", |run| run.latency(|latency| latency.p999_us), short),
    ("max µs", |run| run.latency(|latency| latency.max_us), short),
    ("broker CPU µs", |run| run.broker_cpu_us_per_message, short),
    ("peak MiB", |run| Some(run.outcome.peak_rss_kib? as f64 / 1024.0), short),
    ("threads", |run| Some(run.outcome.threads? as f64), grouped),
];

/// The session and its table.
pub(super) fn text(results: &Results) -> String {
    let mut text = format!("{}\n\n", results.session);
    text.push_str("| program | to the limit | CPU to the limit |");
    for (name, _, _) in COLUMNS {
        let _ = write!(text, " {name} |");
    }
    text.push_str(" allocations | system calls | |\n| --- | --- | ---: |");
    text.push_str(&" ---: |".repeat(COLUMNS.len()));
    text.push_str(" ---: | ---: | --- |\n");
    for case in results.cases() {
        text.push_str(&row(results, case));
    }
    text
}

fn row(results: &Results, case: &Case) -> String {
    let program = &case.program;
    let cpu = cell(ratio_to_the_limit(results, case, |run| Some(run.cpu_us_per_message)), short);
    let mut row = format!("| {program} | {} | {cpu} |", to_the_limit(results, case));
    for (_, value, text) in COLUMNS {
        let _ = write!(row, " {} |", cell(results.median(program, value), *text));
    }
    let cost = results.costs.iter().find(|cost| cost.program == *program);
    let counted = |count: fn(&Cost) -> &Result<f64, String>| {
        cell(cost.and_then(|cost| count(cost).as_ref().ok()).copied(), short)
    };
    let (allocations, system_calls) = (counted(|cost| &cost.allocations), counted(|cost| &cost.system_calls));
    let _ = writeln!(row, " {allocations} | {system_calls} | {} |", notes(results, case));
    row
}

fn to_the_limit(results: &Results, case: &Case) -> String {
    let ratio = |value| ratio_to_the_limit(results, case, value);
    let text = if case.mode == Mode::Lone {
        let p50 = ratio(|run| run.latency(|latency| latency.p50_us));
        let p99 = ratio(|run| run.latency(|latency| latency.p99_us));
        p50.zip(p99).map(|(p50, p99)| format!("p50 {p50:.2}, p99 {p99:.2}"))
    } else {
        ratio(|run| Some(run.messages_per_second)).map(|rate| format!("{rate:.3}"))
    };
    text.unwrap_or_else(|| "–".to_owned())
}

fn ratio_to_the_limit(results: &Results, case: &Case, value: Figure) -> Option<f64> {
    results.ratio(&case.program, case.limit.as_deref()?, value)
}

fn notes(results: &Results, case: &Case) -> String {
    let mut notes = Vec::new();
    if let Some(version) = &case.version {
        notes.push(version.clone());
    }
    if let Some(target) = results.valid(&case.program).find_map(|run| run.outcome.target.as_ref()) {
        notes.push(format!("to {target}"));
    }
    if let Some(slowest) = results.median(&case.program, |run| run.outcome.slowest_thread) {
        notes.push(format!("slowest thread {slowest:.2} of the mean"));
    }
    if case.body >= LARGE_BODY
        && let Some(rate) = results.median(&case.program, |run| Some(run.megabytes_per_second()))
    {
        notes.push(format!("{} MB/s", grouped(rate)));
    }
    if let Some(bytes) = results.median(&case.program, |run| run.frame_bytes) {
        notes.push(format!("{bytes:.0} B on the wire"));
    }
    notes.join("; ")
}

/// What the figures do not say, and how far they can be trusted.
pub(super) fn remarks(results: &Results) -> String {
    let mut text = String::new();
    for run in results.runs.iter().filter(|run| run.void.is_some()) {
        let fault = run.void.as_deref().unwrap_or_default();
        let _ = write!(text, "\nVOID: {}, round {}: {fault}\n", run.case.program, run.round);
    }
    for failure in &results.failures {
        let _ = write!(text, "\nFAILED: {failure}\n");
    }
    for reason in &results.missing {
        let _ = write!(text, "\nnot measured: {reason}\n");
    }
    for cost in &results.costs {
        for (what, count) in [("allocations", &cost.allocations), ("system calls", &cost.system_calls)] {
            if let Err(reason) = count {
                let _ = write!(text, "\nnot measured: {what} of {}: {reason}\n", cost.program);
            }
        }
    }
    for counted in &results.instructions {
        if let Err(reason) = &counted.per_message {
            let _ = write!(text, "\nnot measured: instructions of {}: {reason}\n", counted.program);
        }
    }
    let rounds = results.rounds();
    let _ =
        write!(text, "\nMedians of {rounds} runs; each ratio is the median of the ratios within a round.\n");
    let disturbed = results.runs.iter().filter(|run| run.is_disturbed()).count();
    if disturbed > 0 {
        let _ = write!(
            text,
            "\nDISTURBED: in {disturbed} of {} runs other processes kept more than {QUIET_CORES} of a core \
             busy. Neither rates nor their ratios are the machine's: a limit suffers more than a client. Ratios of CPU \
             suffer less, instructions not at all.\n",
            results.runs.len(),
        );
    }
    text
}
