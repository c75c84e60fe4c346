//! A cluster with accounts.

use rocketmq_mock::{Account, MockCluster, MockOptions, Profile};

use crate::common;

/// The user of most tests.
pub(crate) const KEYS: [(&str, &str); 2] = [("access.key", "orders"), ("secret.key", "hunter2")];

pub(crate) fn account(secret: &str) -> Account {
    Account::new("orders", secret)
}

/// A cluster that serves that user.
pub(crate) fn guarded(profile: Profile, brokers: usize) -> MockCluster {
    let options = MockOptions { brokers, profile, ..MockOptions::default() };
    let cluster = MockCluster::start(options).expect("a mock cluster");
    cluster.create_topic("T", 4, 4, 6, None);
    cluster.set_account(&account("hunter2"));
    cluster
}

/// The same as 5.x with one broker.
pub(crate) fn guarded_5() -> MockCluster {
    guarded(Profile::V5, 1)
}

/// `common::producer` with the user's keys.
pub(crate) fn signing(cluster: &MockCluster, settings: &[(&str, &str)]) -> rocketmq_producer::Producer {
    common::producer(cluster, &[&KEYS, settings].concat())
}
