//! Wire formats of the RocketMQ remoting protocol, as a producer (and a mock of its servers) needs
//! them: frames, both header encodings, requests and answers, routes, message, batch and record
//! encodings, ids, signatures. No I/O, no threads, no clock.
//!
//! Bytes from a peer are never trusted: readers return [`DecodeError`], and allocate no more than a
//! small multiple of the bytes that are really there.

pub mod acl;
pub mod answers;
pub mod batch;
pub mod codes;
pub mod compression;
pub mod encode;
mod error;
mod fields;
pub mod frame;
pub mod header;
pub mod heartbeat;
mod hex;
pub mod ids;
pub mod java_hash;
pub mod language;
pub mod namespace;
pub mod perm;
pub mod properties;
mod reader;
pub mod recall;
pub mod record;
pub mod requests;
pub mod route;
pub mod sys_flag;
pub mod topics;
pub mod trace;
pub mod version;
mod wire_value;

pub use error::DecodeError;
