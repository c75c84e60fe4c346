//! Instructions per message, counted by callgrind: the figure that nothing else on the machine disturbs.

mod callgrind;
mod subject;

use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::measure::Outcome;
use crate::null_broker::BrokerProcess;

pub(crate) use callgrind::why_none;
pub(crate) use subject::{OF_C, OF_PYTHON, Subject};

/// Messages before those that are counted: route, connection and caches are there then.
const WARM_UP: u64 = 1_000;

/// Instructions of one message of `driver`, all its threads together. Two runs of different length are subtracted, so that
/// there is no start, no warm-up and no end in it. The profile of the longer one stays in `profile`, for
/// `callgrind_annotate`.
pub(crate) fn per_message(
    subject: &Subject,
    driver: &Command,
    broker: &mut BrokerProcess,
    profile: &Path,
) -> Result<f64, Failure> {
    let [few, many] = subject.counts;
    let with_few = total(subject, few, driver, broker, profile)?;
    let with_many = total(subject, many, driver, broker, profile)?;
    Ok((with_many as f64 - with_few as f64) / (many - few) as f64)
}

/// Instructions of a whole process that sends `count` messages.
fn total(
    subject: &Subject,
    count: u64,
    driver: &Command,
    broker: &mut BrokerProcess,
    profile: &Path,
) -> Result<u64, Failure> {
    let before = broker.received()?.sends;
    let mut counted = callgrind::around(driver, profile);
    counted.args(["--mode", subject.mode.name()]);
    counted.args(subject.work(broker.name_server(), count, WARM_UP).to_words());
    let outcome = Outcome::of(counted, subject.name)?;
    let received = broker.received()?.sends - before;
    match outcome.fault(count + WARM_UP, Some(received)) {
        Some(fault) => Err(format!("{}: void: {fault}", subject.name).into()),
        None => callgrind::total(profile),
    }
}
