//! Which rows of the plan run, and where their programs live.

use super::driver::Driver;
use super::places::Places;
use super::plan::{Batching, PLAN, Row};
use super::program::Program;
use crate::Failure;
use crate::workload::{Mode, Workload};

/// What is asked for on the command line.
pub(super) struct Selection {
    /// Beginnings of names joined by commas; the limits of what they choose stay in.
    pub(super) only: Option<String>,
    /// Multiplies the numbers of messages.
    pub(super) scale: f64,
}

impl Selection {
    /// The programs to run in each round, and why others of the plan cannot run.
    pub(super) fn programs(&self, places: &Places) -> Result<(Vec<Program>, Vec<String>), Failure> {
        let chosen: Vec<Row> = PLAN.iter().copied().filter(|row| self.asks_for(*row)).collect();
        if chosen.is_empty() {
            return Err(format!("--only {:?} names no program", self.only.as_deref().unwrap_or("")).into());
        }
        let needed =
            |row: &Row| chosen.contains(row) || chosen.iter().any(|other| other.limit() == Some(*row));
        let mut programs = Vec::new();
        let mut missing = Vec::new();
        let mut homes = Vec::new();
        for row in PLAN.iter().copied().filter(needed) {
            let known = homes.iter().position(|(driver, _)| *driver == row.driver);
            let at = known.unwrap_or(homes.len());
            if known.is_none() {
                homes.push((row.driver, places.home(row.driver)?));
            }
            match &homes[at].1 {
                Ok(home) => programs.push(Program {
                    name: row.name(),
                    limit: row.limit().map(Row::name),
                    home: home.clone().with(mode_words(row)),
                    work: self.work(row),
                }),
                Err(reason) => missing.push(format!("{}: {reason}", row.name())),
            }
        }
        Ok((programs, missing))
    }

    fn asks_for(&self, row: Row) -> bool {
        match &self.only {
            None => true,
            Some(names) => names.split(',').any(|name| row.name().starts_with(name.trim())),
        }
    }

    fn work(&self, row: Row) -> Workload {
        // Whole batches, so that frames of a limit have one size.
        let unit = if matches!(row.mode, Mode::Batch | Mode::Many) { row.batch() as u64 } else { 1 };
        let whole = |count: f64| (count as u64 / unit).max(1) * unit;
        Workload {
            name_server: String::new(),
            topic: "bench".to_owned(),
            mode: row.mode,
            count: whole(row.count as f64 * self.scale),
            warm_up: whole(row.count as f64 * self.scale / 10.0),
            window: row.window,
            body: row.body,
            batching: match row.batching {
                Batching::Off => "off".to_owned(),
                Batching::Pressure => "pressure".to_owned(),
            },
            batch: row.batch(),
            threads: row.threads(),
        }
    }
}

/// How a driver is told the mode: ours in this executable by its name, which revisions of it share.
fn mode_words(row: Row) -> Vec<String> {
    match row.driver {
        Driver::Raw | Driver::Rust => vec![format!("{}-{}", row.driver, row.mode)],
        Driver::C | Driver::Python | Driver::Asyncio => vec!["--mode".to_owned(), row.mode.to_string()],
    }
}
