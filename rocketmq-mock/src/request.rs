//! A request as it reaches a processor.

use std::net::SocketAddr;

use rocketmq_protocol::header::Header;
use rocketmq_protocol::requests::SendRequest;

use crate::endpoint::ServerId;
use crate::store::NewRecord;

/// Where a connection leads, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) server: ServerId,
    /// Whether it came to the VIP port.
    pub(crate) is_vip: bool,
    /// Its number.
    pub(crate) connection: u64,
    pub(crate) peer: SocketAddr,
}

/// Where and when requests came in; one read may bring many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) origin: Origin,
    /// The server's clock, in ms since the epoch.
    pub(crate) now: i64,
}

/// A decoded request.
#[derive(Debug)]
pub(crate) struct Request<'r, 'f> {
    pub(crate) arrival: &'r Arrival,
    pub(crate) header: &'r Header<'f>,
    pub(crate) body: &'f [u8],
}

impl Request<'_, '_> {
    /// The record of a send as the client asks for it, before the broker changes anything.
    pub(crate) fn record<'a>(&'a self, sent: &'a SendRequest<'_>) -> NewRecord<'a> {
        NewRecord {
            topic: &sent.topic,
            queue_id: sent.queue_id,
            body: self.body,
            properties: &sent.properties,
            flag: sent.flag,
            sys_flag: sent.sys_flag,
            born_timestamp: sent.born_timestamp,
            born_host: self.arrival.origin.peer,
            reconsume_times: sent.reconsume_times,
            store_timestamp: self.arrival.now,
            prepared_transaction_offset: 0,
            messages: 1,
        }
    }
}
