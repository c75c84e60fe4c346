//! The client instance: what producers with one client id share.

mod address_look_up;
mod instance;
mod jobs;
mod peer_requests;

pub(crate) use instance::ClientInstance;

/// The protocol version we tell: 5.3.0. Servers of this and later versions serve such a client until their
/// sockets close, where a newer one would be sent away (protocol 1.9).
pub(crate) const PROTOCOL_VERSION: i32 = rocketmq_protocol::version::V5_3_0;
