//! Who is registered.

use std::collections::BTreeMap;

/// Producer groups by the connections that registered them.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// (group, connection) to client id.
    producers: BTreeMap<(String, u64), String>,
}

impl Clients {
    pub(super) fn register(&mut self, group: String, connection: u64, client_id: String) {
        self.producers.insert((group, connection), client_id);
    }

    pub(super) fn unregister(&mut self, group: String, connection: u64) {
        self.producers.remove(&(group, connection));
    }

    /// (group, client id) of every registration.
    pub(crate) fn registrations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.producers.iter().map(|((group, _), client_id)| (group.as_str(), client_id.as_str()))
    }

    /// The connections that registered a group.
    pub(crate) fn connections_of(&self, group: &str) -> impl Iterator<Item = u64> {
        self.producers.keys().filter(move |(known, _)| known == group).map(|(_, connection)| *connection)
    }

    pub(crate) fn forget_connection(&mut self, connection: u64) {
        self.producers.retain(|(_, registered), _| *registered != connection);
    }
}
