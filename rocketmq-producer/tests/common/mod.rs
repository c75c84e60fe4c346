//! What the tests of the core share: a mock cluster and producers on it.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::time::Duration;

use rocketmq_mock::{Fault, FaultRule, MockCluster, MockOptions};
use rocketmq_producer::{Config, Error, Message, Producer, Receipt};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn cluster(brokers: usize) -> MockCluster {
    MockCluster::start(MockOptions { brokers, ..MockOptions::default() }).expect("a mock cluster")
}

pub(crate) fn config(name_server: &str, settings: &[(&str, &str)]) -> Config {
    let mut config = Config::new();
    config.set("producer.group", "test-group").expect("the group");
    config.set("name.server", name_server).expect("the name server");
    for (key, value) in settings {
        config.set(key, value).expect(key);
    }
    config
}

pub(crate) fn producer(cluster: &MockCluster, settings: &[(&str, &str)]) -> Producer {
    Producer::new(&config(&cluster.name_server(), settings)).expect("a producer")
}

pub(crate) fn send(producer: &Producer, topic: &str) -> Result<Receipt, Error> {
    producer.send(&Message::new(topic, b"body"), None)
}

/// A fault for sends only, at one broker or any.
pub(crate) fn on_sends(broker: Option<&str>, times: Option<u32>, fault: Fault) -> FaultRule {
    FaultRule { broker: broker.map(str::to_owned), request_code: Some(310), times, topic: None, fault }
}

/// The same for wire batches.
pub(crate) fn on_batches(broker: Option<&str>, times: Option<u32>, fault: Fault) -> FaultRule {
    FaultRule { request_code: Some(320), ..on_sends(broker, times, fault) }
}

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}
