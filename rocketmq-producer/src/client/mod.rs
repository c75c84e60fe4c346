//! The client instance: what producers with one client id share.

mod address_look_up;
mod instance;
mod jobs;
mod names;
mod peer_requests;

pub(crate) use instance::ClientInstance;

/// The protocol version we tell. Servers that shut down serve a client of this version until their sockets
/// close, where they would send a newer one away (protocol 1.9).
pub(crate) const PROTOCOL_VERSION: i32 = rocketmq_protocol::version::ADVERTISED;
