//! The Rust client of crates.io, in a workspace of its own, so that its hundreds of crates stay out of ours.

use std::path::Path;
use std::process::Command;

use super::Launch;
use super::workshop::{Workshop, run};
use crate::Failure;

pub(super) fn prepare(target: &Path) -> Result<Launch, Failure> {
    let shop = Workshop::open(target, "rust")?;
    shop.once(|| {
        eprintln!("peers: this one takes about 25 minutes");
        run(Command::new("cargo")
            .current_dir(&shop.sources)
            .args(["build", "--release", "--locked", "--quiet"])
            .env("CARGO_TARGET_DIR", &shop.output))
    })?;
    let version = shop.version("Cargo.toml", "rocketmq-client-rust = \"=")?;
    Ok(Launch {
        executable: shop.output.join("release").join("rust-peer"),
        words: Vec::new(),
        environment: Vec::new(),
        version: format!("rocketmq-client-rust {version}"),
    })
}
