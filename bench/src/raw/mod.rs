//! The limits: clients that only move bytes. What they reach is what this machine's loopback allows.

mod connect;
mod frame;
pub(crate) mod ping_pong;
pub(crate) mod pipelined;

pub(crate) use ping_pong::run as ping_pong;
pub(crate) use pipelined::run as pipelined;
