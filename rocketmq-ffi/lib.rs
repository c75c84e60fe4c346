//! The C ABI of librmq: opaque handles, sized structs, error objects. Nothing but translation to and from
//! [`rocketmq_producer`]; one file per C object.
//!
//! The documentation of the items here is written for C programmers: `build.rs` prints it into `include/rmq.h`
//! and `include/rmq_mock.h`. Every entry point is a plain `extern "C"` function whose whole body is one
//! [`armour!`](armour), which checks handles, pointers and forks, stops panics and converts errors.

// C names, and C's way to say what a caller owes: in prose, in the header.
#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

mod arguments;
mod armour;
pub mod batch;
pub mod callbacks;
mod cancel;
pub mod config;
pub mod credentials;
pub mod error;
pub mod event;
mod handle;
pub mod hooks;
mod inside_hook;
pub mod log;
pub mod message;
pub mod message_queue;
pub mod mock;
pub mod opaque;
pub mod producer;
pub mod queue;
pub mod queued_calls;
mod reason;
pub mod receipt;
pub mod selector;
pub mod send;
pub mod stats;
pub mod version;
