//! What librmq says about its sends, held against what two brokers and a replicated one really stored: through a broker's
//! death and return, on topics made by the first message, after delays, without the slave, and compressed. Apache's own
//! client reads everything back.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod compression;
mod delays;
mod first_send;
mod ledger;
mod outage;
mod replicas;
mod scene;
mod stored;
mod worker;

use std::sync::{Mutex, PoisonError};

use cluster::Version;

use scene::Scene;
use stored::Stored;

/// Two clusters at once starve each other on a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// All sends first, then one look at the store: a reader costs some seconds to start.
fn check(version: Version) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut scene = Scene::start(version);
    let mut replicas = replicas::with_slave(&scene);
    let first_sends = first_send::run(&scene);
    let delayed = delays::run(&scene);
    let compressed = compression::run(&scene);
    let outage = outage::run(&mut scene);
    replicas.without_slave(&mut scene);

    let wanted =
        [first_sends.wanted(), delayed.wanted(), compressed.wanted(), outage.wanted(), replicas.wanted()];
    let stored = Stored::read(&scene, &wanted.concat());
    let failures = [
        ("topic made by the first send", first_sends.failures(&stored)),
        ("delay", delayed.failures(&stored)),
        ("compression", compressed.failures(&stored)),
        ("outage", outage.failures(&stored)),
        ("slave gone", replicas.failures(&stored)),
    ];
    let shown: Vec<_> = failures
        .iter()
        .flat_map(|(check, found)| found.iter().take(10).map(move |text| format!("{check}: {text}")))
        .collect();
    let count: usize = failures.iter().map(|(_, found)| found.len()).sum();
    assert!(shown.is_empty(), "on {version}, {count} failures:\n{}", shown.join("\n"));
}

#[test]
fn version_4_9_7() {
    check(Version::V4_9_7);
}

#[test]
fn version_5_5_0() {
    check(Version::V5_5_0);
}
