//! Two revisions of ours beside each other: how a change is judged.
//!
//! Both run the same work against one null broker, this tree's. Instructions are counted by callgrind and hardly
//! depend on the machine; timed runs take turns, so that both sides of a pair meet the same state of it. Each side has the driver
//! of its own revision: a change of the driver counts as one of the library.

mod instructions;
mod pairs;
mod revision;
mod sides;
mod subject;
mod table;
mod timed;

use std::process::ExitCode;

use crate::Failure;
use crate::harness::{self, placement::Placement};
use crate::null_broker::{Brokers, Encoding};
use revision::Revision;
use sides::Sides;
use table::Table;

/// Compares `revision` (A) with this executable (B) and prints a Markdown table.
pub(crate) fn run(revision: &str, wanted: &harness::Wanted) -> Result<ExitCode, Failure> {
    let rounds = &wanted.rounds;
    let placement = Placement::from_text(&rounds.placement)?;
    if cfg!(debug_assertions) {
        return Err("--against compares release builds: run it as cargo xtask bench".into());
    }

    let sides = Sides { old: Revision::build(revision)?, new: Revision::of_this_tree()? };
    let mut table = Table::new(&sides, &placement);
    placement.before_broker()?;
    let mut brokers = Brokers::start()?;
    placement.before_clients()?;
    instructions::compare(&sides, &mut brokers, &mut table)?;
    if !wanted.is_quick() {
        timed::compare(
            &sides,
            rounds.runs.unwrap_or(5),
            rounds.scale,
            brokers.answering(Encoding::Json),
            &mut table,
        )?;
    }
    println!("{table}");
    Ok(if table.is_valid() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
