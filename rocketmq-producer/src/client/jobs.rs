//! The scheduled jobs of a client instance, one task for all (protocol 4.5).

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::address_look_up;
use super::instance::ClientInstance;
use crate::config::Settings;

/// The first heartbeat round; every connection to a broker also starts with a heartbeat of its own.
const FIRST_HEARTBEAT: Duration = Duration::from_secs(1);

/// While the look-up has given no address yet, it is repeated this often.
const LOOK_UP_RETRY: Duration = Duration::from_secs(1);

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
    let mut look_up = every(Duration::ZERO, LOOK_UP_RETRY);
    let mut refreshing = tokio::spawn(async {});
    loop {
        tokio::select! {
            () = ended.notified() => return,
            _ = look_up.tick(), if schedule.name_server_url.is_some() => {
                let Some(instance) = instance.upgrade() else { return };
                if let Some(url) = &schedule.name_server_url {
                    let found = address_look_up::refresh(&instance, url, schedule.timeout).await;
                    let next = if found { schedule.name_server_refresh } else { LOOK_UP_RETRY };
                    look_up.reset_after(next);
                }
            }
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
