//! The mock cluster seen through its sockets: requests written by hand, answers read by hand.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

mod batch;
mod clients;
mod faults;
mod lifecycle;
mod name_server;
mod parked;
mod queries;
mod send;
mod support;
mod transactions;
mod vip;
