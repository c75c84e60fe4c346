//! Real Apache name servers and brokers, read back with Apache's own client; and the mock cluster beside them.

use super::part::Part;
use super::tally;
use crate::Failure;
use crate::python::Environment;

pub(crate) fn run(part: &mut Part<'_>) -> Result<(), Failure> {
    let workspace = part.workspace;
    let python = Environment::new(workspace);
    part.prepare(vec![("release library", workspace.build_library())])?;
    part.prepare(python.install()?)?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--no-fail-fast", "--package", "rmq-cluster-tests"]);
    cargo.env("RMQ_LIB_DIR", workspace.release());
    cargo.env("RMQ_INCLUDE_DIR", workspace.include());
    cargo.env("RMQ_PYTHON", python.python());
    part.suite("scenarios and read-back on every version", &mut cargo, tally::of_cargo);
    Ok(())
}
