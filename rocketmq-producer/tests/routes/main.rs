//! Routes and name servers as they are found in the field: hostile, forgetful, moved, many.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod bounds;
#[path = "../common/mod.rs"]
mod common;
mod forgotten;
mod look_up;
mod many;
mod moved;
mod name_server;
mod unknown;
