//! What a test may look at after, or while, a client talks to the cluster.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rocketmq_protocol::{properties, sys_flag};

use crate::broker::batch_members;
use crate::cluster::MockCluster;
use crate::endpoint::Endpoint;
use crate::ids::offset_message_id;
use crate::request_log::RecordedRequest;
use crate::store::StoredRecord;

/// A stored message, as a consumer would see it (protocol 14.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Name of the broker that stored it.
    pub broker: String,
    /// Topic it is stored under; delayed, timer and half messages wait under another one (protocol 14.6).
    pub topic: String,
    /// Queue it is stored in.
    pub queue_id: i32,
    /// Its index in that queue, from 0.
    pub queue_offset: i64,
    /// Offset of its record in the broker's commit log.
    pub physical_offset: i64,
    /// The offset message id (`msgId` of the answer); messages of a batch in one record have the same.
    pub message_id: String,
    /// The body as received, still compressed if `sys_flag` says so.
    pub body: Bytes,
    /// Properties in stored order, those of the broker among them.
    pub properties: Vec<(String, String)>,
    /// The user's flag.
    pub flag: i32,
    /// System flag (protocol 5.9).
    pub sys_flag: i32,
    /// The sender's clock, in ms since the epoch.
    pub born_timestamp: i64,
    /// The sender's end of the connection.
    pub born_host: SocketAddr,
    /// Times it was consumed before.
    pub reconsume_times: i32,
    /// The broker's clock, in ms since the epoch.
    pub store_timestamp: i64,
}

impl StoredMessage {
    /// A property's value; the last of several counts, as it does for consumers.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Appends the messages of a record: those of a batch in one record share its id and system flag.
    fn unpack(broker: &Endpoint, record: &StoredRecord, out: &mut Vec<StoredMessage>) {
        if record.sys_flag & sys_flag::INNER_BATCH == 0 {
            let body = record.body.clone();
            let message = StoredMessage::new(broker, record, body, &record.properties, record.flag);
            return out.push(message);
        }
        // Readers give up at a member they cannot read, as brokers do.
        let members = batch_members::read(&record.body).unwrap_or_default();
        for (queue_offset, member) in (record.queue_offset..).zip(members) {
            let body = record.body.slice_ref(member.body);
            let message = StoredMessage::new(broker, record, body, &member.properties, member.flag);
            out.push(StoredMessage { queue_offset, ..message });
        }
    }

    fn new(broker: &Endpoint, record: &StoredRecord, body: Bytes, text: &str, flag: i32) -> StoredMessage {
        StoredMessage {
            broker: broker.name.clone(),
            topic: record.topic.to_string(),
            queue_id: record.queue_id,
            queue_offset: record.queue_offset,
            physical_offset: record.physical_offset,
            message_id: offset_message_id(broker.address, record.physical_offset),
            body,
            properties: properties::iter(text)
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            flag,
            sys_flag: record.sys_flag,
            born_timestamp: record.born_timestamp,
            born_host: record.born_host,
            reconsume_times: record.reconsume_times,
            store_timestamp: record.store_timestamp,
        }
    }
}

/// A producer group a client has registered at a broker by heartbeat, on a connection that still stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Name of the broker.
    pub broker: String,
    /// Producer group.
    pub group: String,
    /// Client id.
    pub client_id: String,
}

impl MockCluster {
    /// The kept messages of a topic that consumers would get: broker by broker, each in the order it stored them.
    pub fn stored(&self, topic: &str) -> Vec<StoredMessage> {
        let state = self.shared.state.lock();
        let mut found = Vec::new();
        for broker in &state.brokers {
            let records = broker.store.records().filter(|record| &*record.topic == topic);
            for record in records.filter(|record| record.is_queued()) {
                StoredMessage::unpack(&broker.endpoint, record, &mut found);
            }
        }
        found
    }

    /// How many messages of a topic were ever stored, whether kept or not.
    pub fn stored_count(&self, topic: &str) -> u64 {
        let state = self.shared.state.lock();
        let counts = state.brokers.iter().flat_map(|broker| broker.store.queue_counts(topic));
        counts.map(|(_, count)| count).sum()
    }

    /// The queues of a topic that got messages, as ((broker, queue id), count), sorted.
    pub fn queue_counts(&self, topic: &str) -> Vec<((String, i32), u64)> {
        let state = self.shared.state.lock();
        let mut counts = Vec::new();
        for broker in &state.brokers {
            let queues = broker.store.queue_counts(topic);
            counts.extend(queues.map(|(queue_id, count)| ((broker.endpoint.name.clone(), queue_id), count)));
        }
        counts.sort_unstable();
        counts
    }

    /// Switches the recording of requests; what was recorded before is dropped.
    pub fn set_recording(&self, on: bool) {
        let mut state = self.shared.state.lock();
        state.requests.recording = on;
        state.requests.recorded.clear();
    }

    /// The requests that came since recording was switched on, in order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.state.lock().requests.recorded.clone()
    }

    /// How many requests of a code came to any server of the cluster since its start.
    pub fn request_count(&self, code: i32) -> u64 {
        self.shared.state.lock().requests.count(code)
    }

    /// The registered producer groups, broker by broker.
    pub fn registrations(&self) -> Vec<Registration> {
        let state = self.shared.state.lock();
        let mut registrations = Vec::new();
        for broker in &state.brokers {
            registrations.extend(broker.clients.registrations().map(|(group, client_id)| Registration {
                broker: broker.endpoint.name.clone(),
                group: group.to_owned(),
                client_id: client_id.to_owned(),
            }));
        }
        registrations
    }

    /// Open connections of a broker, or of the [name server](crate::NAME_SERVER); 0 for an unknown name.
    pub fn connection_count(&self, server: &str) -> usize {
        let state = self.shared.state.lock();
        state.server_named(server).map_or(0, |id| state.endpoint(id).connections.len())
    }

    /// Waits until a condition holds, looking again whenever something has happened in the cluster. Returns whether
    /// it holds; `false` after `timeout`.
    pub fn wait_until(&self, timeout: Duration, condition: impl Fn(&MockCluster) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            let seen = self.shared.changes();
            if condition(self) {
                return true;
            }
            if !self.shared.wait_for_change(seen, deadline) {
                return condition(self);
            }
        }
    }
}
