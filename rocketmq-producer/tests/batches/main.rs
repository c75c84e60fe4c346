//! Wire batches: those a program makes, and those that form under pressure.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

#[path = "../common/mod.rs"]
mod common;
mod deadlines;
mod linger;
mod order;
mod pressure;
mod refusals;
mod send_batch;
mod support;
