//! The scheduled jobs of a client instance, one task for all (protocol 4.5).

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::address_look_up;
use super::instance::ClientInstance;
use crate::config::Settings;

/// The first heartbeat round; every connection to a broker also starts with a heartbeat of its own.
const FIRST_HEARTBEAT: Duration = Duration::from_secs(1);

pub(super) struct Schedule {
    name_server_url: Option<String>,
    name_server_refresh: Duration,
    route_refresh: Duration,
    heartbeat: Duration,
    timeout: Duration,
}

impl Schedule {
    pub(super) fn of(settings: &Settings) -> Self {
        // A configured list wins over the look-up.
        let name_server_url = settings.name_server_url.clone().filter(|_| settings.name_servers.is_empty());
        Self {
            name_server_url,
            name_server_refresh: settings.name_server_refresh,
            route_refresh: settings.route_refresh,
            heartbeat: settings.heartbeat_interval,
            timeout: settings.api_timeout,
        }
    }
}

/// Runs until the instance is gone.
pub(super) async fn run(instance: Weak<ClientInstance>, schedule: Schedule) {
    let Some(ended) = instance.upgrade().map(|instance| Arc::clone(&instance.ended)) else { return };
    let mut route_refresh = every(schedule.route_refresh, schedule.route_refresh);
    let mut heartbeat = every(FIRST_HEARTBEAT, schedule.heartbeat);
    // It ends with this task.
    let mut look_up = JoinSet::new();
    if let Some(url) = schedule.name_server_url.clone() {
        let look_ups =
            address_look_up::run(Weak::clone(&instance), url, schedule.name_server_refresh, schedule.timeout);
        look_up.spawn(look_ups);
    }
    let mut refreshing = tokio::spawn(async {});
    loop {
        tokio::select! {
            () = ended.notified() => return,
            // Both in tasks of their own: slow name servers and silent brokers delay no other job.
            _ = route_refresh.tick() => {
                let Some(instance) = instance.upgrade() else { return };
                if refreshing.is_finished() {
                    refreshing = tokio::spawn(Arc::clone(&instance.routes).refresh());
                }
            }
            _ = heartbeat.tick() => {
                let Some(instance) = instance.upgrade() else { return };
                instance.drop_offline_brokers();
                tokio::spawn(instance.heartbeat_round());
            }
        }
    }
}

fn every(first: Duration, period: Duration) -> tokio::time::Interval {
    let mut interval = interval_at(Instant::now() + first, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
