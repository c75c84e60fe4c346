//! Medians, ratios of figures from one round, the table and the JSON lines.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::program::{Figure, Program};
use crate::Failure;
use crate::measure::Outcome;
use crate::null_broker::Received;

/// What other processes may use of the machine before a run counts as disturbed.
pub(crate) const QUIET_CORES: f64 = 0.1;

/// One run of one program: a JSON line.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    program: String,
    round: u32,
    window: usize,
    /// Mean number of cores that other processes kept busy meanwhile.
    other_cores: f64,
    #[serde(flatten)]
    outcome: Outcome,
    messages_per_second: f64,
    cpu_us_per_message: f64,
    /// Send requests that the broker received, warm-up included.
    received: u64,
    /// Mean size of their frames.
    frame_bytes: f64,
    broker_cpu_us_per_message: f64,
    messages_per_broker_read: f64,
    /// Why the run does not count: it lost or doubled a message.
    void: Option<String>,
}

impl Run {
    pub(super) fn new(
        program: &Program,
        round: u32,
        other_cores: f64,
        outcome: Outcome,
        before: &Received,
        after: &Received,
    ) -> Run {
        let received = after.sends - before.sends;
        let per_send = |value: f64| value / received as f64;
        Run {
            program: program.name.clone(),
            round,
            window: program.window,
            other_cores,
            messages_per_second: outcome.messages_per_second(),
            cpu_us_per_message: outcome.cpu_microseconds(),
            received,
            frame_bytes: per_send((after.send_bytes - before.send_bytes) as f64),
            broker_cpu_us_per_message: per_send((after.cpu_seconds - before.cpu_seconds) * 1e6),
            messages_per_broker_read: received as f64 / (after.reads - before.reads).max(1) as f64,
            void: fault(program, &outcome, received),
            outcome,
        }
    }

    /// One line for whoever waits.
    pub(super) fn progress(&self, runs: u32) -> String {
        let mut line =
            format!("{}/{runs} {:<20} {:>9.0}/s", self.round, self.program, self.messages_per_second);
        let _ = write!(line, " {:>8.3} us CPU", self.cpu_us_per_message);
        if let Some(latency) = &self.outcome.latency {
            let _ = write!(line, "  p50 {:.1} p99 {:.1} us", latency.p50_us, latency.p99_us);
        }
        if self.is_disturbed() {
            let _ = write!(line, "  disturbed: others used {:.2} cores", self.other_cores);
        }
        if let Some(fault) = &self.void {
            let _ = write!(line, "  VOID: {fault}");
        }
        line
    }

    fn is_disturbed(&self) -> bool {
        self.other_cores > QUIET_CORES
    }

    fn latency(&self, percentile: fn(&crate::measure::Latency) -> f64) -> Option<f64> {
        self.outcome.latency.as_ref().map(percentile)
    }
}

/// Every message must have been asked for, sent, received and completed once.
fn fault(program: &Program, outcome: &Outcome, received: u64) -> Option<String> {
    let expected = program.count + program.warm_up;
    let sent = outcome.count + outcome.warm_up;
    if sent != expected {
        return Some(format!("{sent} of {expected} messages sent"));
    }
    if outcome.succeeded != outcome.count || outcome.failed > 0 || outcome.doubled > 0 {
        return Some(format!(
            "of {} messages {} succeeded, {} failed, {} completed twice",
            outcome.count, outcome.succeeded, outcome.failed, outcome.doubled,
        ));
    }
    (received != expected).then(|| format!("the broker received {received} of {expected} messages"))
}

/// A run with what holds for all of them.
#[derive(Serialize)]
struct Line<'a> {
    placement: &'a str,
    #[serde(flatten)]
    run: &'a Run,
}

/// All runs of a benchmark.
pub(super) struct Report {
    machine: String,
    placement: String,
    runs: Vec<Run>,
    /// Programs that could not run, with the reason.
    missing: Vec<String>,
    /// Runs that ended without an outcome.
    failures: Vec<String>,
}

impl Report {
    /// To be called before this thread confines itself to some of the machine's cores.
    pub(super) fn new(placement: String, missing: Vec<String>) -> Report {
        Report { machine: machine(), placement, runs: Vec::new(), missing, failures: Vec::new() }
    }

    pub(super) fn add(&mut self, run: Run) {
        self.runs.push(run);
    }

    /// A program ended without an outcome: the others go on, but the benchmark has failed.
    pub(super) fn add_failure(&mut self, round: u32, failure: &Failure) {
        self.failures.push(format!("round {round}: {failure}"));
    }

    /// Every run ended, and none was void.
    pub(super) fn is_valid(&self) -> bool {
        self.failures.is_empty() && self.runs.iter().all(|run| run.void.is_none())
    }

    /// Writes one line per run into a new file of `folder`.
    pub(super) fn write_lines(&self, folder: &Path, seconds: u64) -> Result<PathBuf, Failure> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{seconds}.jsonl"));
        let mut out = BufWriter::new(File::create(&path)?);
        for run in &self.runs {
            serde_json::to_writer(&mut out, &Line { placement: &self.placement, run })?;
            writeln!(out)?;
        }
        out.flush()?;
        Ok(path)
    }

    /// The medians as a Markdown table, with the machine and what is missing.
    pub(super) fn table(&self, programs: &[Program]) -> String {
        let mut text = format!("{}; {}\n\n", self.machine, self.placement);
        text.push_str(
            "| program | messages/s | CPU µs/message | p50 µs | p99 µs | to the limit | frame bytes | broker CPU µs |\n\
             | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |\n",
        );
        for program in programs {
            text.push_str(&self.row(program));
        }
        for run in self.runs.iter().filter(|run| run.void.is_some()) {
            let fault = run.void.as_deref().unwrap_or_default();
            let _ = write!(text, "\nVOID: {}, round {}: {fault}\n", run.program, run.round);
        }
        for failure in &self.failures {
            let _ = write!(text, "\nFAILED: {failure}\n");
        }
        for reason in &self.missing {
            let _ = write!(text, "\nnot measured: {reason}\n");
        }
        let rounds = self.runs.iter().map(|run| run.round).max().unwrap_or(0);
        let _ = write!(
            text,
            "\nMedians of {rounds} runs; each ratio is the median of the ratios within a round.\n"
        );
        let disturbed = self.runs.iter().filter(|run| run.is_disturbed()).count();
        if disturbed > 0 {
            let _ = write!(
                text,
                "\nDISTURBED: in {disturbed} of {} runs other processes kept more than {QUIET_CORES} of a core \
                 busy. Neither figures nor ratios are the machine's: a limit suffers more than a client.\n",
                self.runs.len(),
            );
        }
        text
    }

    fn row(&self, program: &Program) -> String {
        let runs: Vec<&Run> = self.valid(&program.name).collect();
        let cell = |value: fn(&Run) -> Option<f64>, digits: usize| {
            median(runs.iter().filter_map(|run| value(run)).collect())
                .map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            program.name,
            cell(|run| Some(run.messages_per_second), 0),
            cell(|run| Some(run.cpu_us_per_message), 2),
            cell(|run| run.latency(|latency| latency.p50_us), 1),
            cell(|run| run.latency(|latency| latency.p99_us), 1),
            self.ratios(program),
            cell(|run| Some(run.frame_bytes), 0),
            cell(|run| Some(run.broker_cpu_us_per_message), 2),
        )
    }

    fn ratios(&self, program: &Program) -> String {
        let ratio = |value: fn(&Run) -> Option<f64>| {
            let limit = program.limit.as_deref()?;
            let pairs = self.valid(&program.name).filter_map(|run| {
                let of_limit = self.valid(limit).find(|other| other.round == run.round)?;
                Some(value(run)? / value(of_limit)?)
            });
            median(pairs.collect())
        };
        match program.figure {
            Figure::Rate => ratio(|run| Some(run.messages_per_second)).map(|rate| format!("{rate:.3}")),
            Figure::Latency => {
                let p50 = ratio(|run| run.latency(|latency| latency.p50_us));
                let p99 = ratio(|run| run.latency(|latency| latency.p99_us));
                p50.zip(p99).map(|(p50, p99)| format!("p50 {p50:.2}, p99 {p99:.2}"))
            }
        }
        .unwrap_or_else(|| "–".to_owned())
    }

    fn valid(&self, program: &str) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.program == program && run.void.is_none())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(values[middle - 1], upper)) }
}

pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("cores: {cores} ({}); 256-byte bodies", model.map_or("unknown model", |(_, name)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, limit: Option<&str>) -> Program {
        Program {
            name: name.to_owned(),
            figure: Figure::Rate,
            limit: limit.map(str::to_owned),
            executable: PathBuf::new(),
            words: Vec::new(),
            count: 100,
            warm_up: 10,
            window: 1,
            batching: "off",
        }
    }

    fn run(program: &Program, round: u32, seconds: f64, succeeded: u64, received: u64) -> Run {
        let outcome = Outcome {
            count: 100,
            warm_up: 10,
            succeeded,
            failed: 0,
            doubled: 0,
            seconds,
            user_seconds: 0.5,
            system_seconds: 0.5,
            latency: None,
        };
        let at =
            |sends| Received { sends, oneway_sends: 0, send_bytes: sends * 500, reads: 1, cpu_seconds: 0.0 };
        Run::new(program, round, 0.0, outcome, &at(7), &at(7 + received))
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let (limit, ours) = (program("limit", None), program("ours", Some("limit")));
        let mut report = Report::new(String::new(), Vec::new());
        for (round, of_limit, of_ours) in [(1, 1.0, 2.0), (2, 10.0, 20.0), (3, 100.0, 200.0)] {
            report.add(run(&limit, round, of_limit, 100, 110));
            report.add(run(&ours, round, of_ours, 100, 110));
        }
        assert_eq!(report.ratios(&ours), "0.500");
        assert_eq!(report.ratios(&limit), "–");
        assert!(report.is_valid());
        assert!(report.table(&[limit, ours]).contains("| ours | 5 | 10000.00 | – | – | 0.500 | 500 |"));
    }

    #[test]
    fn a_lost_or_doubled_message_voids_the_run() {
        let ours = program("ours", None);
        for (succeeded, received) in [(99, 110), (100, 109), (100, 111), (101, 110)] {
            let mut report = Report::new(String::new(), Vec::new());
            report.add(run(&ours, 1, 1.0, succeeded, received));
            assert!(!report.is_valid(), "{succeeded} succeeded, {received} received");
            let table = report.table(std::slice::from_ref(&ours));
            assert!(table.contains("VOID: ours, round 1") && table.contains("| ours | – |"), "{table}");
        }
    }

    #[test]
    fn medians() {
        assert_eq!(median(Vec::new()), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
