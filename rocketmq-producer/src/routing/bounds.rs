//! How much a client makes of what name servers tell it. What one route may hold is bounded where it is read
//! ([`rocketmq_protocol::route::bounds`]); these bounds are those of all routes together, and of what follows from them.

/// Broker names that a client knows at a time, of all topics: four times as many as one route may have.
pub(super) const MAX_CLIENT_BROKERS: usize = 16_384;

/// Bytes, roughly, that the routes of all topics take: some gigabyte is for 10,000 topics on a hundred brokers each.
pub(super) const MAX_CLIENT_ROUTES: usize = 1 << 30;

/// Connections that a client makes for heartbeats only; whoever sends makes as many more as brokers get messages. Most programs
/// may have 1,024 descriptors.
pub(crate) const MAX_HEARTBEAT_CONNECTIONS: usize = 256;

/// Name servers that one look-up may give, by HTTP or DNS: clusters have a few, and each of them may cost a connection.
pub(crate) const MAX_NAME_SERVERS: usize = 64;

/// Bytes of the answer of a look-up by HTTP: a thousand addresses fit.
pub(crate) const MAX_LOOK_UP_BYTES: usize = 64 * 1024;

/// Bytes from which on a route is not read on the I/O thread, where that would hold up others for a millisecond.
pub(super) const LARGE_ROUTE: usize = 64 * 1024;

/// Bytes, roughly, that a route takes: its brokers, and its queues.
pub(super) const fn route_bytes(brokers: usize, queues: usize) -> usize {
    const BROKER: usize = 512;
    const QUEUE: usize = 16;
    brokers * BROKER + queues * QUEUE
}
