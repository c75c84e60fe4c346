//! Instructions per message of both sides.

use std::process::Command;

use super::pairs::{Better, Pairs};
use super::revision::{Revision, folder};
use super::sides::Sides;
use super::table::{Row, Table};
use crate::Failure;
use crate::instructions::{OF_C, per_message, why_none};
use crate::null_broker::Brokers;

/// Counts of one side differ only by how its threads happened to take turns.
const ROUNDS: u32 = 3;
/// Counts of the same program differ by less, but for batches.
const NOTICEABLE: f64 = 0.005;

/// Adds a row for each subject, or says why there is none.
pub(super) fn compare(
    sides: &Sides<Revision>,
    brokers: &mut Brokers,
    table: &mut Table,
) -> Result<(), Failure> {
    if let Some(reason) = why_none()? {
        table.not_measured(format!("instructions: {reason}"));
        return Ok(());
    }
    for subject in OF_C {
        let mut pairs = Pairs::default();
        for round in 1..=ROUNDS {
            eprintln!("instructions {round}/{ROUNDS} {}", subject.name);
            let broker = brokers.answering(subject.answers);
            let pair = sides.in_turn(round, |side| {
                let profile = folder()?.join(format!("{}-{}", side.letter, subject.file_name("callgrind")));
                per_message(&subject, &Command::new(&side.c_driver), broker, &profile)
            });
            match pair {
                Ok(pair) => pairs.add(pair),
                Err(failure) => table.failed(&failure),
            }
        }
        table.add(Row {
            what: format!("{}: instructions/message", subject.name),
            digits: 0,
            better: Better::Less,
            noticeable: NOTICEABLE,
            pairs,
        });
    }
    Ok(())
}
