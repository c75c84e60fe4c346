//! Instructions per message, counted by callgrind.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use super::pairs::{Better, Pairs};
use super::revision::{Revision, folder};
use super::sides::Sides;
use super::subject::{ASYNC_1024, ASYNC_1024_BATCHED, LONE, Subject};
use super::table::{Row, Table};
use crate::Failure;
use crate::null_broker::BrokerProcess;

/// Counts of one side differ only by how its threads happened to take turns.
const ROUNDS: u32 = 3;

/// Each with two numbers of messages: in their difference there is no start, no warm-up and no end.
const SUBJECTS: [(Subject, [u64; 2]); 3] =
    [(ASYNC_1024, [20_000, 60_000]), (ASYNC_1024_BATCHED, [20_000, 100_000]), (LONE, [10_000, 30_000])];
const WARM_UP: u64 = 1_000;
/// Counts of the same program differ by less, but for batches.
const NOTICEABLE: f64 = 0.005;

/// Adds a row for each subject, or says why there is none.
pub(super) fn compare(
    sides: &Sides<Revision>,
    broker: &mut BrokerProcess,
    table: &mut Table,
) -> Result<(), Failure> {
    if let Some(reason) = why_no_valgrind()? {
        table.not_measured(format!("instructions: {reason}"));
        return Ok(());
    }
    for (subject, counts) in SUBJECTS {
        let mut pairs = Pairs::default();
        for round in 1..=ROUNDS {
            eprintln!("instructions {round}/{ROUNDS} {}", subject.name);
            match sides.in_turn(round, |side| per_message(side, &subject, counts, broker)) {
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

fn why_no_valgrind() -> Result<Option<String>, Failure> {
    let tried = Command::new("valgrind").arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => Ok(None),
        Ok(status) => Ok(Some(format!("valgrind: {status}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some("valgrind is not installed".to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn per_message(
    side: &Revision,
    subject: &Subject,
    [few, many]: [u64; 2],
    broker: &mut BrokerProcess,
) -> Result<f64, Failure> {
    let with_few = total(side, subject, few, broker)?;
    let with_many = total(side, subject, many, broker)?;
    Ok((with_many as f64 - with_few as f64) / (many - few) as f64)
}

/// Instructions of a whole process. Its profile stays, for `callgrind_annotate`.
fn total(side: &Revision, subject: &Subject, count: u64, broker: &mut BrokerProcess) -> Result<u64, Failure> {
    let profile = folder()?.join(format!("{}-{}.callgrind", side.letter, subject.name.replace(' ', "-")));
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]);
    valgrind.arg(format!("--callgrind-out-file={}", profile.display())).arg(&side.executable);
    subject.run(valgrind, count, WARM_UP, broker)?;
    let text = std::fs::read_to_string(&profile)?;
    total_in(&text).ok_or_else(|| format!("{} has no totals", profile.display()).into())
}

fn total_in(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total_in;

    #[test]
    fn the_total_is_found_in_a_profile() {
        assert_eq!(
            total_in("# callgrind format\nevents: Ir\n\nfn=(1) main\n5 7\n\ntotals: 620622267\n"),
            Some(620_622_267)
        );
        assert_eq!(total_in("events: Ir\n"), None);
    }
}
