//! Which rows of the plan run.

use super::driver::Driver;
use super::places::Places;
use super::plan::{self, Batching, Row};
use super::program::Program;
use super::target::Kind;
use crate::Failure;
use crate::arguments::Arguments;
use crate::peers::Peer;
use crate::results::Case;
use crate::workload::{Mode, TOPIC, USUAL_BODY, Workload};

/// Of the messages of a run, in a quick benchmark.
const QUICK_SHARE: f64 = 0.25;

/// What is asked for on the command line.
pub(super) struct Selection {
    pub(super) target: Kind,
    pub(super) quick: bool,
    /// Beginnings of names; the limits of what they choose stay in.
    only: Option<Vec<String>>,
    bodies: Vec<usize>,
    peers: Vec<Peer>,
    /// Multiplies the numbers of messages.
    scale: f64,
}

impl Selection {
    pub(super) fn from_arguments(arguments: &mut Arguments) -> Result<Selection, Failure> {
        Ok(Selection {
            target: arguments.value("target")?.unwrap_or(Kind::Null),
            quick: arguments.flag("quick"),
            only: arguments.list("only")?,
            bodies: arguments.list("bodies")?.unwrap_or_else(|| vec![USUAL_BODY]),
            peers: peers(arguments.text("peers").as_deref())?,
            scale: arguments.number("scale")?.unwrap_or(1.0),
        })
    }

    /// The programs to run in each round, and why others of the plan cannot run.
    pub(super) fn programs(&self, places: &Places) -> Result<(Vec<Program>, Vec<String>), Failure> {
        let rows = self.rows();
        let chosen: Vec<Row> = rows.iter().copied().filter(|row| self.asks_for(*row)).collect();
        if chosen.is_empty() {
            return Err("what is asked for names no program".into());
        }
        // What the chosen ones are held against.
        let needed: Vec<String> =
            chosen.iter().flat_map(|row| row.limit().into_iter().chain(row.ours())).collect();
        let mut homes = Vec::new();
        let mut programs = Vec::new();
        let mut missing = Vec::new();
        for row in rows.into_iter().filter(|row| chosen.contains(row) || needed.contains(&row.name())) {
            let known = homes.iter().position(|(driver, _)| *driver == row.driver);
            let at = known.unwrap_or(homes.len());
            if known.is_none() {
                homes.push((row.driver, places.home(row.driver)?));
            }
            match &homes[at].1 {
                Ok(home) => {
                    let mut home = home.clone();
                    home.words.extend(mode_words(row));
                    let case = case(row, home.version.clone());
                    programs.push(Program { case, home, work: self.work(row) });
                }
                Err(reason) => missing.push(format!("{}: {reason}", row.name())),
            }
        }
        Ok((programs, missing))
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        if self.bodies.contains(&USUAL_BODY) {
            rows.extend(plan::PLAN.iter().filter(|row| !self.quick || row.is_quick()));
            if matches!(self.target, Kind::Real(_)) {
                rows.extend(plan::CEILING);
            }
        }
        let others = self.bodies.iter().filter(|body| **body != USUAL_BODY);
        rows.extend(others.flat_map(|body| plan::rows_of_body(*body)));
        rows.extend(self.peers.iter().flat_map(|peer| plan::rows_of_peer(*peer)));
        rows
    }

    fn asks_for(&self, row: Row) -> bool {
        match &self.only {
            None => true,
            Some(names) => names.iter().any(|name| row.name().starts_with(name)),
        }
    }

    fn work(&self, row: Row) -> Workload {
        // Whole batches, so that frames of a limit have one size.
        let unit = if matches!(row.mode, Mode::Batch | Mode::Many) { row.batch() as u64 } else { 1 };
        let whole = |count: u64| (count / unit).max(1) * unit;
        let count = row.count.min(self.target.most_messages(row));
        let share = if self.quick { QUICK_SHARE } else { 1.0 };
        let count = whole((count as f64 * self.scale * share) as u64);
        Workload {
            name_server: String::new(),
            topic: TOPIC.to_owned(),
            mode: row.mode,
            count,
            // Virtual machines compile while they run.
            warm_up: whole(if matches!(row.driver, Driver::Peer(_)) { count / 2 } else { count / 10 }),
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

/// Reads `all`, `none` (default) or names with commas between.
fn peers(text: Option<&str>) -> Result<Vec<Peer>, Failure> {
    match text {
        None | Some("none") => Ok(Vec::new()),
        Some("all") => Ok(Peer::ALL.to_vec()),
        Some(names) => names
            .split(',')
            .map(|name| {
                let known = Peer::ALL.map(Peer::name).join(", ");
                Peer::from_name(name.trim()).ok_or_else(|| format!("--peers {name:?}: one of {known}").into())
            })
            .collect(),
    }
}

fn case(row: Row, version: Option<String>) -> Case {
    Case {
        program: row.name(),
        driver: row.driver.to_string(),
        mode: row.mode,
        window: row.window,
        body: row.body,
        limit: row.limit(),
        ours: row.ours(),
        version,
    }
}

/// How a driver is told the mode: ours in this executable by its name, which revisions of it share.
fn mode_words(row: Row) -> Vec<String> {
    match row.driver {
        Driver::Raw | Driver::Rust => vec![format!("{}-{}", row.driver, row.mode)],
        _ => vec!["--mode".to_owned(), row.mode.to_string()],
    }
}
