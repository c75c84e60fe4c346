//! Apache's Go client, with the Go tools.

use std::path::Path;
use std::process::Command;

use super::Launch;
use super::workshop::{Workshop, run};
use crate::Failure;

pub(super) fn prepare(target: &Path) -> Result<Launch, Failure> {
    let shop = Workshop::open(target, "go")?;
    let executable = shop.output.join("peer");
    shop.once(|| run(Command::new("go").current_dir(&shop.sources).args(["build", "-o"]).arg(&executable)))?;
    let version = shop.version("go.mod", "github.com/apache/rocketmq-client-go/v2 ")?;
    Ok(Launch {
        executable,
        words: Vec::new(),
        environment: Vec::new(),
        version: format!("rocketmq-client-go/v2 {version}"),
    })
}
