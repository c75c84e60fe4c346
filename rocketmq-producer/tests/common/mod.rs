//! What the tests of the core share: a mock cluster and producers on it.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rocketmq_mock::{Fault, FaultRule, MockCluster, MockOptions, RecordedRequest};
use rocketmq_producer::{
    CompletionQueue, Config, Error, Event, LogLevel, LogSink, Message, Producer, Receipt, Report, Tag,
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a machine with much else to do may come late: no test needs a fast one.
pub(crate) const LATE: Duration = Duration::from_secs(10);

/// The setting with which messages that wait for answers leave in batches.
pub(crate) const PRESSURE: (&str, &str) = ("batch.auto", "pressure");

pub(crate) fn cluster(brokers: usize) -> MockCluster {
    MockCluster::start(MockOptions { brokers, ..MockOptions::default() }).expect("a mock cluster")
}

/// A cluster whose topic `T` has so many queues on each broker from the start.
pub(crate) fn with_topic(brokers: usize, queues: i32) -> MockCluster {
    let cluster = cluster(brokers);
    cluster.create_topic("T", queues, queues, 6, None);
    cluster
}

pub(crate) fn config(name_server: &str, settings: &[(&str, &str)]) -> Config {
    let mut config = Config::new();
    config.set("producer.group", "test-group").expect("the group");
    config.set("name.server", name_server).expect("the name server");
    // The default is short enough for a busy machine to pass it.
    config.set("send.timeout.ms", &PATIENCE.as_millis().to_string()).expect("the time limit");
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

/// Sends without waiting; the outcome comes to the queue.
pub(crate) fn enqueue(producer: &Producer, message: &Message<'_>, queue: &CompletionQueue, index: usize) {
    producer.send_queued(message, None, queue, Tag(index, 0)).expect("accepted");
}

/// Adds at most so many outcomes that lie in the queue, waiting for the first event, and says how many.
pub(crate) fn poll(
    queue: &CompletionQueue,
    reports: &mut Vec<Report>,
    max: usize,
    timeout: Duration,
) -> usize {
    let mut events = Vec::new();
    queue.poll(&mut events, max, timeout);
    let before = reports.len();
    reports.extend(events.into_iter().filter_map(Event::into_report));
    reports.len() - before
}

/// The outcomes of the messages with the tags from 0 to `count`, each once.
pub(crate) fn in_order(queue: &CompletionQueue, count: usize) -> Vec<Result<Receipt, Error>> {
    let mut reports = Vec::new();
    while reports.len() < count {
        assert!(poll(queue, &mut reports, count, PATIENCE) > 0, "{} of {count} outcomes", reports.len());
    }
    reports.sort_by_key(|report: &Report| report.tag.0);
    assert!(reports.iter().map(|report| report.tag.0).eq(0..count), "each once");
    reports.into_iter().map(|report| report.result).collect()
}

/// Waits for a condition that no event tells of.
pub(crate) fn becomes_true(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// The recorded requests of a code.
pub(crate) fn requests(cluster: &MockCluster, code: i32) -> Vec<RecordedRequest> {
    cluster.requests().into_iter().filter(|request| request.code == code).collect()
}

/// Keeps the log's lines.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<String>>);

impl Lines {
    /// A configuration's log, open for inspection.
    pub(crate) fn of(config: &mut Config) -> Arc<Self> {
        let lines = Arc::<Self>::default();
        config.set_log(Some(Arc::clone(&lines) as Arc<dyn LogSink>));
        lines
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.0.lock().expect("no panic").iter().filter(|line| line.contains(part)).count()
    }
}

impl LogSink for Lines {
    fn log(&self, _: LogLevel, _: &str, text: &str) {
        self.0.lock().expect("no panic").push(text.to_owned());
    }
}

/// A fault for sends only, at one broker or any.
pub(crate) fn on_sends(broker: Option<&str>, times: Option<u32>, fault: Fault) -> FaultRule {
    FaultRule { broker: broker.map(str::to_owned), request_code: Some(310), times, topic: None, fault }
}

/// The same for wire batches.
pub(crate) fn on_batches(broker: Option<&str>, times: Option<u32>, fault: Fault) -> FaultRule {
    FaultRule { request_code: Some(320), ..on_sends(broker, times, fault) }
}

pub(crate) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}
