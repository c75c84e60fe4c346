//! Instructions of our drivers.

use super::budget::Budget;
use super::driver::Driver;
use super::places::Places;
use crate::Failure;
use crate::instructions::{OF_C, OF_PYTHON, Subject, per_message, why_none};
use crate::null_broker::Brokers;
use crate::results::Instructions;

/// One count each; what cannot be counted has the reason.
pub(super) fn count(
    places: &Places,
    brokers: &mut Brokers,
    budget: &mut Budget,
) -> Result<Vec<Instructions>, Failure> {
    let valgrind = why_none()?;
    let subjects: [(Driver, &[Subject]); 2] = [(Driver::C, &OF_C), (Driver::Python, &OF_PYTHON)];
    let mut all = Vec::new();
    for (driver, subjects) in subjects {
        let home = match &valgrind {
            Some(reason) => Err(reason.clone()),
            None => places.home(driver)?,
        };
        for subject in subjects {
            let counted = home.clone().and_then(|home| {
                let broker = brokers.answering(subject.answers);
                let profile = places.built(&subject.file_name("callgrind"));
                let counted = budget.spend(|| per_message(subject, &home.command(), broker, &profile));
                counted.ok_or("no time left")?.map_err(|failure| failure.to_string())
            });
            match &counted {
                Ok(count) => eprintln!("{:<44} {count:>9.0} instructions/message", subject.name),
                Err(reason) => eprintln!("{}: no instructions: {reason}", subject.name),
            }
            all.push(Instructions { program: subject.name.to_owned(), per_message: counted });
        }
    }
    Ok(all)
}
