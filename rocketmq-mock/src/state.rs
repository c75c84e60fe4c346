//! The one state behind a cluster: the serving thread works on it, the test's threads look at it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use crate::accounts::Accounts;
use crate::broker::Broker;
use crate::endpoint::{Endpoint, Order, ServerId};
use crate::fault::{FaultId, FaultTable, NAME_SERVER};
use crate::locks::{Condvar, Mutex};
use crate::options::{MockOptions, Profile};
use crate::request_log::RequestLog;

/// State plus the signal that it may have changed.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    /// Told when a message was parked or a broker came back.
    pub(crate) deliveries: Arc<Notify>,
    changes: Mutex<u64>,
    changed: Condvar,
}

impl Shared {
    pub(crate) fn new(state: State) -> Shared {
        Shared {
            state: Mutex::new(state),
            deliveries: Arc::default(),
            changes: Mutex::new(0),
            changed: Condvar::default(),
        }
    }

    /// Wakes those who wait for a change.
    pub(crate) fn note_change(&self) {
        *self.changes.lock() += 1;
        self.changed.notify_all();
    }

    /// Number of changes so far.
    pub(crate) fn changes(&self) -> u64 {
        *self.changes.lock()
    }

    /// Waits for a change after the `seen`th; `false` if none came before the deadline.
    pub(crate) fn wait_for_change(&self, seen: u64, deadline: Instant) -> bool {
        let mut changes = self.changes.lock();
        while *changes == seen && Instant::now() < deadline {
            changes = self.changed.wait_until(changes, deadline);
        }
        *changes != seen
    }
}

/// Everything a cluster knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) profile: Profile,
    pub(crate) name_server: Endpoint,
    pub(crate) brokers: Vec<Broker>,
    pub(crate) accounts: Accounts,
    pub(crate) faults: FaultTable,
    pub(crate) requests: RequestLog,
    next_connection: u64,
}

impl State {
    pub(crate) fn new(options: &MockOptions, name_server: SocketAddr, brokers: &[SocketAddr]) -> State {
        let brokers = brokers.iter().enumerate().map(|(index, &address)| {
            let endpoint = Endpoint::new(format!("broker-{index}"), address);
            Broker::new(endpoint, options)
        });
        State {
            profile: options.profile,
            name_server: Endpoint::new(NAME_SERVER.to_owned(), name_server),
            brokers: brokers.collect(),
            accounts: Accounts::default(),
            faults: FaultTable::default(),
            requests: RequestLog::default(),
            next_connection: 0,
        }
    }

    /// The server of a name, if there is one.
    pub(crate) fn server_named(&self, name: &str) -> Option<ServerId> {
        if name == NAME_SERVER {
            return Some(ServerId::NameServer);
        }
        self.brokers.iter().position(|broker| broker.endpoint.name == name).map(ServerId::Broker)
    }

    pub(crate) fn endpoint(&self, server: ServerId) -> &Endpoint {
        match server {
            ServerId::NameServer => &self.name_server,
            ServerId::Broker(index) => &self.brokers[index].endpoint,
        }
    }

    pub(crate) fn endpoint_mut(&mut self, server: ServerId) -> &mut Endpoint {
        match server {
            ServerId::NameServer => &mut self.name_server,
            ServerId::Broker(index) => &mut self.brokers[index].endpoint,
        }
    }

    /// Has every connection send the answers that a rule holds, or that any holds.
    pub(crate) fn release(&self, rule: Option<FaultId>) {
        let brokers = self.brokers.iter().map(|broker| &broker.endpoint);
        for endpoint in brokers.chain([&self.name_server]) {
            for connection in endpoint.connections.values() {
                // A connection that has ended holds nothing any more.
                let _ = connection.orders.send(Order::Release(rule));
            }
        }
    }

    /// When the next parked message of a broker falls due, in ms since the epoch.
    pub(crate) fn next_due(&self, server: ServerId) -> Option<i64> {
        match server {
            ServerId::NameServer => None,
            ServerId::Broker(index) => self.brokers[index].parked.next_due(),
        }
    }

    /// A number no connection of this cluster had before.
    pub(crate) fn new_connection_number(&mut self) -> u64 {
        self.next_connection += 1;
        self.next_connection
    }

    /// Forgets a connection and what its client had registered on it.
    pub(crate) fn forget_connection(&mut self, server: ServerId, connection: u64) {
        self.endpoint_mut(server).connections.remove(&connection);
        if let ServerId::Broker(index) = server {
            self.brokers[index].clients.forget_connection(connection);
        }
    }
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
