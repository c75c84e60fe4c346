//! The scheduled jobs of a client instance, one task for all (protocol 4.5).
//!
//! | job | begins | again after |
//! | --- | --- | --- |
//! | routes are refreshed | one interval after the start | the interval of refreshes, if the last is over |
//! | heartbeats; channels that nobody names are dropped | 1 s after the start | the interval of heartbeats |
//! | names of name servers are looked up (`names.rs`) | at the start | the interval of name servers, or when none answers |
//! | name servers are asked for by HTTP (`address_look_up.rs`) | at the start, if no list is given | the interval of name servers; 1 s after a failure |

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::address_look_up;
use super::instance::ClientInstance;
use super::names;
use crate::config::Settings;
use crate::task;

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
pub(super) async fn run(instance: Weak<ClientInstance>, schedule: Arc<Schedule>) {
    let known = instance.upgrade().map(|instance| (Arc::clone(&instance.ended), instance.log.clone()));
    let Some((ended, log)) = known else { return };
    let mut route_refresh = every(schedule.route_refresh, schedule.route_refresh);
    let mut heartbeat = every(FIRST_HEARTBEAT, schedule.heartbeat);
    // They end with this task.
    let mut look_up = JoinSet::new();
    let (names_of, interval) = (Weak::clone(&instance), schedule.name_server_refresh);
    look_up.spawn(task::going_on(log.clone(), "look-up of names", move || {
        names::run(Weak::clone(&names_of), interval)
    }));
    if let Some(url) = schedule.name_server_url.clone() {
        let (looked_up_by, log, schedule) = (Weak::clone(&instance), log, Arc::clone(&schedule));
        look_up.spawn(task::going_on(log, "name-server look-up", move || {
            let Schedule { name_server_refresh, timeout, .. } = *schedule;
            address_look_up::run(Weak::clone(&looked_up_by), url.clone(), name_server_refresh, timeout)
        }));
    }
    let mut refreshing: Option<JoinHandle<()>> = None;
    loop {
        tokio::select! {
            () = ended.notified() => return,
            // Both in tasks of their own: slow name servers and silent brokers delay no other job.
            _ = route_refresh.tick() => {
                let Some(instance) = instance.upgrade() else { return };
                if refreshing.as_ref().is_none_or(JoinHandle::is_finished) {
                    let refresh = Arc::clone(&instance.routes).refresh();
                    refreshing = Some(instance.in_background("a route refresh", refresh));
                }
            }
            _ = heartbeat.tick() => {
                let Some(instance) = instance.upgrade() else { return };
                instance.drop_offline_brokers();
                instance.in_background("a heartbeat round", Arc::clone(&instance).heartbeat_round());
            }
        }
    }
}

fn every(first: Duration, period: Duration) -> tokio::time::Interval {
    let mut interval = interval_at(Instant::now() + first, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
