//! Access control, on the three real versions: what brokers refuse, held against the mock; and the producer there.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod producer;
mod refusals;

use std::sync::Mutex;

/// Real clusters run one after another: two at once starve each other on a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
