//! Clusters with access control: requests are signed, refusals are told, and credentials change.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

#[path = "../common/mod.rs"]
mod common;

mod credentials;
mod provider;
mod refusals;
mod secrets;
mod support;
