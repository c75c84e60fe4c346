//! Keeps a cluster until it is killed: what the tests of the launcher kill.

use std::io::Read;

use cluster::{LaunchError, Options, RealCluster, Version};

fn main() -> Result<(), LaunchError> {
    let cluster = RealCluster::start(&Options::new(Version::V4_9_7))?;
    let ids: Vec<_> = cluster.process_ids().iter().map(u32::to_string).collect();
    println!("servers {}", ids.join(" "));
    // Ends when the parent closes the pipe, should it ever do that instead of killing.
    let _ = std::io::stdin().read(&mut [0]);
    Ok(())
}
