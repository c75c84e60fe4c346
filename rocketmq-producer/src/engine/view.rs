//! What a program sees of its producer: counters, and how things stand.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use crate::routing::Master;
use crate::stats::{BrokerState, Stats, Surroundings};
use crate::sys::Moment;

impl Engine {
    /// What was counted so far, and how things stand.
    pub(crate) fn stats(&self) -> Stats {
        let now = Moment::now();
        let state = |broker: Arc<Master>| {
            let name = &broker.address.name;
            let faults = self.sends.faults.as_deref();
            BrokerState {
                address: Some(Arc::clone(&broker.address.address)),
                available: faults.is_none_or(|faults| faults.is_available(name, now)),
                reachable: faults.is_none_or(|faults| faults.is_reachable(name)),
                banned_for: faults.map_or(Duration::ZERO, |faults| faults.banned_for(name, now)),
                name: Arc::clone(name),
            }
        };
        let surroundings = Surroundings {
            group: self.sends.settings.group.clone(),
            client_id: self.sends.client.client_id.clone(),
            in_flight_messages: self.sends.bounds.messages() as u64,
            in_flight_bytes: self.sends.bounds.bytes(),
            brokers: self.sends.client.brokers.masters().into_iter().map(state).collect(),
            topics: self.sends.client.routes.states(),
        };
        Stats::of(&self.sends.recorder, surroundings)
    }
}
