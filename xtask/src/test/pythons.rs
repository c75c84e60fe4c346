//! The Python package, installed from its wheel as a user has it: its tests (types and stubs among them) and the
//! examples of the README and the manual.

use super::part::Part;
use super::{manual, tally};
use crate::Failure;
use crate::python::Environment;

pub(crate) fn run(part: &mut Part<'_>) -> Result<(), Failure> {
    let python = Environment::new(part.workspace);
    part.prepare(python.install()?)?;
    part.prepare(python.install_servers()?)?;
    let mut pytest = python.command();
    pytest.args([
        "-W",
        "error",
        "-m",
        "pytest",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "-ra",
        "tests/python",
    ]);
    part.suite("pytest", &mut pytest, tally::of_pytest);

    manual::python_blocks(part, &python)
}
