//! The names of the name servers are looked up while the program runs: what the DNS says may change.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::instance::ClientInstance;

/// While a look-up takes longer than this the others are made again.
const SLOW: Duration = Duration::from_secs(1);

/// Looks the names up at every interval, and when no name server answers, until the instance is gone.
pub(super) async fn run(instance: Weak<ClientInstance>, interval: Duration) {
    let servers = || instance.upgrade().map(|instance| Arc::clone(&instance.name_servers));
    while let Some(servers) = servers() {
        tokio::select! {
            () = servers.look_up_names() => {
                // The next look-up begins after the interval, or when one is wanted.
                let _ = timeout(interval, servers.wanted()).await;
            }
            // Other names do not wait for a slow one.
            () = servers.wanted() => {}
            () = sleep(interval.max(SLOW)) => {}
        }
    }
}
