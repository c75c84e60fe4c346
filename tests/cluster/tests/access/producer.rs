//! The producer on real clusters with access control.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cluster::access::{ADMIN, LIMITED, PERMITTED};
use cluster::{Options, RealCluster, Version};
use rocketmq_producer::{
    CompletionQueue, Config, Credentials, CredentialsProvider, ErrorCode, Event, Message, Persistence,
    Producer, Tag,
};

use super::ONE_AT_A_TIME;

const PATIENCE: Duration = Duration::from_secs(30);
const NEXT: &str = "another-secret";

fn config(cluster: &RealCluster, group: &str) -> Config {
    let mut config = Config::new();
    for (key, value) in
        [("producer.group", group), ("name.server", &cluster.name_server()), ("send.timeout.ms", "30000")]
    {
        config.set(key, value).expect(key);
    }
    config
}

fn producer(cluster: &RealCluster, group: &str, (access_key, secret_key): (&str, &str)) -> Producer {
    let mut config = config(cluster, group);
    config.set("access.key", access_key).expect("a key");
    config.set("secret.key", secret_key).expect("a secret");
    Producer::new(&config).expect("a producer")
}

/// Every way to send is accepted, and so are heartbeats and farewells.
fn everything_goes(cluster: &RealCluster) {
    let producer = producer(cluster, "PG_admin", ADMIN);
    producer.send(&Message::new("T_all", b"x"), None).expect("stored");
    let queue = CompletionQueue::new();
    for index in 0..1000 {
        producer.send_queued(&Message::new("T_all", b"x"), None, &queue, Tag(index, 0)).expect("accepted");
    }
    producer.flush(PATIENCE).expect("answered");
    let mut events = Vec::new();
    queue.poll(&mut events, 1000, PATIENCE);
    let reports: Vec<_> = events.into_iter().filter_map(Event::into_report).collect();
    assert_eq!(reports.len(), 1000);
    reports.into_iter().for_each(|report| drop(report.result.expect("stored")));
    let batch = [Message::new("T_all", b"a"), Message::new("T_all", b"b")];
    assert_eq!(producer.send_batch(&batch, None).expect("stored").len(), 2);
    producer.send_oneway(&Message::new("T_all", b"x"), None).expect("accepted");
    let large = vec![7; 1 << 20];
    producer.send(&Message::new("T_all", &large), None).expect("stored");
    producer.close(PATIENCE).expect("closed");
}

fn refusals_are_told(cluster: &RealCluster) {
    for (user, part) in [((ADMIN.0, "wrong"), "the secret key"), (("nobody", "x"), "no such access key")] {
        let producer = producer(cluster, "PG_refused", user);
        let error = producer.send(&Message::new(PERMITTED, b"x"), None).expect_err("refused");
        assert_eq!((error.code(), error.attempts()), (ErrorCode::AccessDenied, 1), "{error}");
        assert_eq!(error.persistence(), Persistence::NotPersisted);
        assert!(error.message().contains(part) && !error.is_retriable(), "{error}");
    }
    let unsigned = Producer::new(&config(cluster, "PG_unsigned")).expect("a producer");
    let error = unsigned.send(&Message::new(PERMITTED, b"x"), None).expect_err("refused");
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert!(error.message().contains("set access.key"), "{error}");
    let limited = producer(cluster, "PG_limited", LIMITED);
    limited.send(&Message::new(PERMITTED, b"x"), None).expect("stored");
    let error = limited.send(&Message::new("T_all", b"x"), None).expect_err("refused");
    assert_eq!(error.code(), ErrorCode::AccessDenied);
    assert!(error.message().contains("does not permit"), "{error}");
}

/// Gives the secret of the moment.
struct Vault(Mutex<&'static str>);

impl CredentialsProvider for Vault {
    fn credentials(&self) -> Result<Credentials, Box<dyn StdError + Send + Sync>> {
        let secret = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Credentials::new(LIMITED.0, secret)?)
    }
}

/// Four threads send on while the secret changes: each message is stored.
fn a_change_loses_nothing(cluster: &RealCluster) {
    let vault = Arc::new(Vault(Mutex::new(LIMITED.1)));
    let mut config = config(cluster, "PG_rotated");
    config.set_credentials_provider(Some(vault.clone()));
    let producer = Producer::new(&config).expect("a producer");
    producer.send(&Message::new(PERMITTED, b"x"), None).expect("stored");
    let changed = Arc::new(Mutex::new(None::<Instant>));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (producer, changed) = (producer.clone(), Arc::clone(&changed));
            thread::spawn(move || {
                let mut again = 0;
                for count in 1_u64.. {
                    let receipt = producer.send(&Message::new(PERMITTED, b"x"), None).expect("stored");
                    again += u32::from(receipt.attempts() > 1);
                    let changed = *changed.lock().unwrap_or_else(PoisonError::into_inner);
                    if changed.is_some_and(|changed| changed.elapsed() > Duration::from_secs(8)) || again > 1
                    {
                        return (count, again);
                    }
                }
                unreachable!("it counts for ever")
            })
        })
        .collect();
    *vault.0.lock().unwrap_or_else(PoisonError::into_inner) = NEXT;
    cluster.change_limited_secret(NEXT).expect("changed");
    *changed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    let counts: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("all stored")).collect();
    assert!(counts.iter().any(|(_, again)| *again == 1), "nobody met the change: {counts:?}");
    assert!(counts.iter().all(|(_, again)| *again <= 1), "more than one attempt was refused: {counts:?}");
}

fn with_access_control(version: Version) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let options = Options { access_control: true, ..Options::new(version) };
    let cluster = RealCluster::start(&options).expect("a cluster");
    everything_goes(&cluster);
    refusals_are_told(&cluster);
    a_change_loses_nothing(&cluster);
}

#[test]
fn producer_on_4_9_7() {
    with_access_control(Version::V4_9_7);
}

#[test]
fn producer_on_5_3_3() {
    with_access_control(Version::V5_3_3);
}

#[test]
fn producer_on_5_5_0() {
    with_access_control(Version::V5_5_0);
}
