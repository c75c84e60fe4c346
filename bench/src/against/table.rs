//! The comparison as Markdown.

use std::fmt;

use super::pairs::{Better, Pairs};
use super::revision::Revision;
use super::sides::Sides;
use crate::Failure;
use crate::harness::placement::Placement;
use crate::results::{QUIET_CORES, machine};

/// One figure of both sides.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: String,
    /// Digits after the point.
    pub(super) digits: usize,
    pub(super) better: Better,
    /// A smaller part of a figure is nobody's merit.
    pub(super) noticeable: f64,
    pub(super) pairs: Pairs,
}

/// All of them, and what happened on the way.
pub(super) struct Table {
    /// What holds for all rows.
    head: String,
    rows: Vec<Row>,
    notes: Vec<String>,
    failures: usize,
    timed: usize,
    disturbed: usize,
}

impl Table {
    /// To be called before this thread confines itself to some of the machine's cores.
    pub(super) fn new(sides: &Sides<Revision>, placement: &Placement) -> Table {
        let side = |side: &Revision| format!("{}: {}\n\n", side.letter, side.name);
        let head =
            format!("{}{}{}; 256-byte bodies; {placement}\n", side(&sides.old), side(&sides.new), machine());
        Table { head, rows: Vec::new(), notes: Vec::new(), failures: 0, timed: 0, disturbed: 0 }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn not_measured(&mut self, reason: String) {
        self.notes.push(format!("not measured: {reason}"));
    }

    /// A run that ended otherwise than it should, or lost or doubled a message: its pair does not count.
    pub(super) fn failed(&mut self, failure: &Failure) {
        self.notes.push(format!("FAILED: {failure}"));
        self.failures += 1;
    }

    /// Other processes kept so many cores busy during a timed run.
    pub(super) fn ran_beside(&mut self, cores: f64) {
        self.timed += 1;
        self.disturbed += usize::from(cores > QUIET_CORES);
    }

    /// No run failed.
    pub(super) fn is_valid(&self) -> bool {
        self.failures == 0
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.head)?;
        writeln!(out, "| | A | B | B/A | its spread | |\n| --- | ---: | ---: | ---: | --- | --- |")?;
        for row in &self.rows {
            match row.pairs.summary() {
                None => writeln!(out, "| {} | – | – | – | – | not measured |", row.what)?,
                Some(pairs) => writeln!(
                    out,
                    "| {} | {:.*} | {:.*} | {:.3} | {:.3} to {:.3} | {} |",
                    row.what,
                    row.digits,
                    pairs.old,
                    row.digits,
                    pairs.new,
                    pairs.ratio,
                    pairs.least,
                    pairs.most,
                    pairs.verdict(row.better, row.noticeable),
                )?,
            }
        }
        writeln!(
            out,
            "\nMedians; B/A is the median of the pairs' ratios. A side is better when every pair says so and the \
             median by more than such figures vary of themselves (instructions 0.5 %, times 2 %)."
        )?;
        for note in &self.notes {
            writeln!(out, "\n{note}")?;
        }
        if self.disturbed > 0 {
            writeln!(
                out,
                "\nDISTURBED: in {} of {} timed runs other processes kept more than {QUIET_CORES} of a core busy.",
                self.disturbed, self.timed,
            )?;
        }
        Ok(())
    }
}
