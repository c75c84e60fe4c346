//! The client instance: what producers with one client id share.

mod address_look_up;
mod client_id;
mod groups;
mod heartbeats;
mod instance;
mod jobs;
mod names;
mod peer_requests;
mod shared;

pub(crate) use groups::GroupMember;
pub(crate) use instance::ClientInstance;
