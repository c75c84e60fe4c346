//! The one state behind a cluster: the serving thread works on it, the test's threads look at it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::broker::Broker;
use crate::fault::{FaultTable, NAME_SERVER};
use crate::inspection::RecordedRequest;
use crate::options::{MockOptions, Profile};

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
            changed: Condvar::new(),
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
        while *changes == seen {
            if self.changed.wait_until(&mut changes, deadline).timed_out() {
                return *changes != seen;
            }
        }
        true
    }
}

/// Which server of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerId {
    NameServer,
    Broker(usize),
}

/// A server's address and who is connected to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// Whether its port is open.
    pub(crate) running: bool,
    pub(crate) connections: HashMap<u64, ConnectionHandle>,
}

impl Endpoint {
    pub(crate) fn new(name: String, address: SocketAddr) -> Endpoint {
        Endpoint { name, address, running: false, connections: HashMap::new() }
    }
}

/// Ends a connection: dropping `kill` resets it, `task` is then soon over.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    pub(crate) kill: oneshot::Sender<()>,
    /// Frames that the server sends by itself.
    pub(crate) pushes: mpsc::UnboundedSender<Vec<u8>>,
    pub(crate) task: JoinHandle<()>,
}

/// Everything a cluster knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) profile: Profile,
    pub(crate) name_server: Endpoint,
    pub(crate) brokers: Vec<Broker>,
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

/// Requests counted by code always, and kept whole while recording.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    /// A handful of codes: searching them in a row beats hashing.
    counts: Vec<(i32, u64)>,
    pub(crate) recording: bool,
    pub(crate) recorded: Vec<RecordedRequest>,
}

impl RequestLog {
    pub(crate) fn note(&mut self, code: i32) {
        match self.counts.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((code, 1)),
        }
    }

    pub(crate) fn count(&self, code: i32) -> u64 {
        self.counts.iter().find(|(known, _)| *known == code).map_or(0, |(_, count)| *count)
    }
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
