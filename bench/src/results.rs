//! What a benchmark leaves behind: a file of JSON lines, from which tables and plots can be made again.

mod case;
mod cost;
mod instructions;
mod run;
mod session;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Failure;

pub(crate) use case::Case;
pub(crate) use cost::Cost;
pub(crate) use instructions::Instructions;
pub(crate) use run::{Figure, QUIET_CORES, Run, Section};
pub(crate) use session::{Session, machine};

/// A line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "lowercase")]
enum Line {
    Session(Session),
    Run(Box<Run>),
    Cost(Cost),
    Instructions(Instructions),
    /// A program that could not run.
    Missing {
        reason: String,
    },
    /// A run that ended without an outcome.
    Failure {
        reason: String,
    },
}

/// All lines of one benchmark.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    pub(crate) session: Session,
    pub(crate) runs: Vec<Run>,
    pub(crate) costs: Vec<Cost>,
    pub(crate) instructions: Vec<Instructions>,
    /// Programs that could not run, with the reason.
    pub(crate) missing: Vec<String>,
    /// Runs that ended without an outcome.
    pub(crate) failures: Vec<String>,
}

impl Results {
    pub(crate) fn new(session: Session) -> Results {
        Results {
            session,
            runs: Vec::new(),
            costs: Vec::new(),
            instructions: Vec::new(),
            missing: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Every run ended, and none was void.
    pub(crate) fn is_valid(&self) -> bool {
        self.failures.is_empty() && self.runs.iter().all(|run| run.void.is_none())
    }

    /// What ran, in the order of the plan.
    pub(crate) fn cases(&self) -> Vec<&Case> {
        let mut cases: Vec<&Case> = Vec::new();
        for run in &self.runs {
            if cases.iter().all(|case| case.program != run.case.program) {
                cases.push(&run.case);
            }
        }
        cases
    }

    /// Runs of a program that count.
    pub(crate) fn valid<'a>(&'a self, program: &'a str) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.case.program == program && run.void.is_none())
    }

    /// The median of a figure over the runs of a program.
    pub(crate) fn median(&self, program: &str, value: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        median(self.valid(program).filter_map(value).collect())
    }

    /// The median of the ratios of two programs' figures within a round.
    pub(crate) fn ratio(&self, program: &str, to: &str, value: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        let pairs = self.valid(program).filter_map(|run| {
            let other = self.valid(to).find(|other| other.round == run.round)?;
            Some(value(run)? / value(other)?)
        });
        median(pairs.collect())
    }

    /// Adds what the same command left another time: its rounds count on.
    pub(crate) fn append(&mut self, more: Results) {
        let rounds = self.rounds();
        self.runs.extend(more.runs.into_iter().map(|run| Run { round: rounds + run.round, ..run }));
        self.failures.extend(more.failures);
    }

    /// The number of rounds.
    pub(crate) fn rounds(&self) -> u32 {
        self.runs.iter().map(|run| run.round).max().unwrap_or(0)
    }

    /// Writes a new file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut lines = vec![Line::Session(self.session.clone())];
        lines.extend(self.runs.iter().map(|run| Line::Run(Box::new(run.clone()))));
        lines.extend(self.costs.iter().map(|cost| Line::Cost(cost.clone())));
        lines.extend(self.instructions.iter().map(|counted| Line::Instructions(counted.clone())));
        lines.extend(self.missing.iter().map(|reason| Line::Missing { reason: reason.clone() }));
        lines.extend(self.failures.iter().map(|reason| Line::Failure { reason: reason.clone() }));
        let mut out = BufWriter::new(File::create(path)?);
        for line in &lines {
            serde_json::to_writer(&mut out, line)?;
            writeln!(out)?;
        }
        Ok(out.flush()?)
    }

    /// Reads a file that [`Results::write`] made.
    pub(crate) fn read(path: &Path) -> Result<Results, Failure> {
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut results: Option<Results> = None;
        for line in BufReader::new(file).lines() {
            let line =
                serde_json::from_str(&line?).map_err(|error| format!("{}: {error}", path.display()))?;
            match (line, &mut results) {
                (Line::Session(session), None) => results = Some(Results::new(session)),
                (Line::Run(run), Some(results)) => results.runs.push(*run),
                (Line::Cost(cost), Some(results)) => results.costs.push(cost),
                (Line::Instructions(counted), Some(results)) => results.instructions.push(counted),
                (Line::Missing { reason }, Some(results)) => results.missing.push(reason),
                (Line::Failure { reason }, Some(results)) => results.failures.push(reason),
                (_, _) => return Err(format!("{}: one session comes first", path.display()).into()),
            }
        }
        results.ok_or_else(|| format!("{}: no session", path.display()).into())
    }
}

/// Of an even number of values the mean of the middle two.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(values[middle - 1], upper)) }
}

#[cfg(test)]
mod tests;
