//! Real Apache RocketMQ clusters for tests: jars resolved through Maven, name servers and brokers as child processes,
//! raw wire requests to them, and Apache's own client to read back what they stored.
//!
//! Everything lives below `target/rocketmq` of the workspace. A process started here ends with the process that started
//! it, however that one ends.

pub mod access;
pub mod artifacts;
pub mod consumers;
mod disk;
pub mod error;
pub mod launcher;
pub mod ports;
pub mod process;
pub mod programs;
pub mod reader;
pub mod sender;
pub mod version;
pub mod wire;

pub use error::LaunchError;
pub use launcher::{Options, RealCluster};
pub use reader::ReadMessage;
pub use sender::JavaSender;
pub use version::Version;

use std::path::PathBuf;

/// `target/rocketmq` of the workspace: jars, compiled Java classes, run folders.
#[must_use]
pub fn work_dir() -> PathBuf {
    workspace_root().join("target").join("rocketmq")
}

/// The workspace's root folder.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map_or_else(|| here.clone(), PathBuf::from)
}
