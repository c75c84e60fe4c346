//! Messages with a delay level or a timer, until they are due.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::store::NewRecord;

/// The parked messages of one broker, by due time and then by order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    waiting: BTreeMap<(i64, u64), Waiting>,
    arrived: u64,
}

/// What has to be stored again under the real topic.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) body: Bytes,
    pub(crate) properties: String,
    pub(crate) flag: i32,
    pub(crate) sys_flag: i32,
    pub(crate) born_timestamp: i64,
    pub(crate) born_host: SocketAddr,
    pub(crate) reconsume_times: i32,
}

impl Parked {
    /// Keeps a record, stored already under the topic it waits in, until `due` (ms since the epoch).
    pub(crate) fn park(&mut self, due: i64, record: &NewRecord<'_>) {
        let waiting = Waiting {
            body: Bytes::copy_from_slice(record.body),
            properties: record.properties.to_owned(),
            flag: record.flag,
            sys_flag: record.sys_flag,
            born_timestamp: record.born_timestamp,
            born_host: record.born_host,
            reconsume_times: record.reconsume_times,
        };
        self.waiting.insert((due, self.arrived), waiting);
        self.arrived += 1;
    }

    /// When the next message is due.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.waiting.keys().next().map(|(due, _)| *due)
    }

    /// Takes out the next message that is due at `now`.
    pub(crate) fn take_due(&mut self, now: i64) -> Option<Waiting> {
        let entry = self.waiting.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}
