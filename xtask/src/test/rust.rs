//! The Rust crates: unit, property and integration tests, and the examples in their documentation.

use super::part::Part;
use super::tally;
use crate::Failure;

pub(crate) fn run(part: &mut Part<'_>) -> Result<(), Failure> {
    let mut cargo = part.workspace.cargo();
    // The root package is the C library and the cluster tests need servers: both are parts of their own.
    cargo.args([
        "test",
        "--no-fail-fast",
        "--workspace",
        "--exclude",
        "rmq",
        "--exclude",
        "rmq-cluster-tests",
    ]);
    part.suite("cargo test", &mut cargo, tally::of_cargo);
    Ok(())
}
