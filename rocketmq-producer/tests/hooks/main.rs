//! Hooks: what they see, what they may change and refuse, and that none of them loses an outcome.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod added_properties;
mod attempts;
mod check_forbidden;
#[path = "../common/mod.rs"]
mod common;
mod panics;
mod rpc;
mod support;
mod witness;
