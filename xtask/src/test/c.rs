//! The C library: its tests, the C examples, and the C blocks of README and manual.

use super::part::Part;
use super::{manual, tally};
use crate::Failure;

pub(crate) fn run(part: &mut Part<'_>) -> Result<(), Failure> {
    let workspace = part.workspace;
    part.prepare(vec![("release library", workspace.build_library())])?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--no-fail-fast", "--package", "rmq"]);
    cargo.env("RMQ_LIB_DIR", workspace.release()).env("RMQ_INCLUDE_DIR", workspace.include());
    part.suite("C programs", &mut cargo, tally::of_cargo);
    manual::c_blocks(part)?;
    Ok(())
}
