//! Which rows of the plan run.

use super::driver::Driver;
use super::places::Places;
use super::plan::{self, Batching, Row};
use super::program::Program;
use super::target::Kind;
use crate::Failure;
use crate::arguments::{item, number};
use crate::peers::Peer;
use crate::results::Case;
use crate::workload::{Mode, TOPIC, USUAL_BODY, Workload};

/// Of the messages of a run, in a quick benchmark.
const QUICK_SHARE: f64 = 0.25;

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(super) struct Selection {
    /// null, mock, real or real:VERSION
    #[arg(long, default_value = "null")]
    pub(super) target: Kind,
    /// A part of it, in three minutes at the most
    #[arg(long)]
    pub(super) quick: bool,
    /// Beginnings of names; the limits of what they choose stay in.
    #[arg(long, value_name = "PROGRAM", value_delimiter = ',', value_parser = item::<String>)]
    only: Option<Vec<String>>,
    #[arg(long, value_name = "BYTES", value_delimiter = ',', default_values_t = [USUAL_BODY], value_parser = number::<usize>)]
    bodies: Vec<usize>,
    /// Other clients: all, or names with commas between
    #[arg(long, default_value = "none", value_parser = peers)]
    peers: Peers,
}

impl Selection {
    /// The programs to run in each round, and why others of the plan cannot run.
    pub(super) fn programs(
        &self,
        places: &Places,
        scale: f64,
    ) -> Result<(Vec<Program>, Vec<String>), Failure> {
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
                    programs.push(Program { case, home, work: self.work(row, scale) });
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
        rows.extend(self.peers.0.iter().flat_map(|peer| plan::rows_of_peer(*peer)));
        rows
    }

    fn asks_for(&self, row: Row) -> bool {
        match &self.only {
            None => true,
            Some(names) => names.iter().any(|name| row.name().starts_with(name)),
        }
    }

    fn work(&self, row: Row, scale: f64) -> Workload {
        // Whole batches, so that frames of a limit have one size.
        let unit = if matches!(row.mode, Mode::Batch | Mode::Many) { row.batch() as u64 } else { 1 };
        let whole = |count: u64| (count / unit).max(1) * unit;
        let count = row.count.min(self.target.most_messages(row));
        let share = if self.quick { QUICK_SHARE } else { 1.0 };
        let count = whole((count as f64 * scale * share) as u64);
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

#[derive(Clone)]
struct Peers(Vec<Peer>);

/// Reads `all`, `none` or names with commas between.
fn peers(text: &str) -> Result<Peers, String> {
    let peer = |name: &str| {
        let known = || format!("all, none or some of {}", Peer::ALL.map(Peer::name).join(", "));
        Peer::from_name(name.trim()).ok_or_else(known)
    };
    match text {
        "none" => Ok(Peers(Vec::new())),
        "all" => Ok(Peers(Peer::ALL.to_vec())),
        names => names.split(',').map(peer).collect::<Result<_, _>>().map(Peers),
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
