//! The proof that librmq speaks RocketMQ: C and Python programs send to each real version, to topics that do not exist
//! yet; Apache's own client reads every message back; nothing may be lost, doubled or changed.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use cluster::programs::Program;
use cluster::reader::{self, Wanted, hex_bytes};
use cluster::{LaunchError, Options, ReadMessage, RealCluster, Version};
use serde::Deserialize;

/// Two clusters at once starve each other on a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const C_MODES: [&str; 5] = ["sync", "async", "queued", "oneway", "bulk=10000"];
const PYTHON_MODES: [&str; 7] =
    ["sync", "many", "oneway", "asyncio", "asyncio_many", "asyncio_oneway", "bulk=10000"];

/// What the client and the broker add to the user's properties.
const OWN_PROPERTIES: [&str; 9] =
    ["UNIQ_KEY", "WAIT", "TAGS", "KEYS", "MSG_REGION", "TRACE_ON", "CLUSTER", "MIN_OFFSET", "MAX_OFFSET"];

/// One line of a program's output.
#[derive(Debug, Deserialize)]
struct Sent {
    #[serde(deserialize_with = "hex_bytes")]
    body: Vec<u8>,
    topic: String,
    tags: Option<String>,
    keys: Vec<String>,
    properties: BTreeMap<String, String>,
    flag: i32,
    receipt: Option<Receipt>,
}

#[derive(Debug, Deserialize)]
struct Receipt {
    status: i32,
    topic: String,
    message_id: String,
    offset_message_id: String,
    broker_name: String,
    broker_address: String,
    queue_id: i32,
    queue_offset: i64,
}

/// What one run of one program left behind.
struct Run {
    topic: String,
    sent: Vec<Sent>,
    /// Clock before and after, ms since the epoch.
    time: (i64, i64),
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock before the year 292 million")
}

fn run(program: &Program, cluster: &RealCluster, topic: &str, mode: &str) -> Result<Run, LaunchError> {
    let start = now();
    let output = program.run(&[&cluster.name_server(), topic, mode])?;
    let sent =
        output.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}")));
    Ok(Run { topic: topic.to_owned(), sent: sent.collect(), time: (start, now()) })
}

/// Everything in which a read message differs from what was sent and from its receipt.
fn differences(sent: &Sent, read: &ReadMessage, time: (i64, i64), broker: &str) -> Vec<&'static str> {
    let users: BTreeMap<_, _> =
        read.properties.iter().filter(|(name, _)| !OWN_PROPERTIES.contains(&name.as_str())).collect();
    let keys = (!sent.keys.is_empty()).then(|| sent.keys.join(" "));
    let mut checks = vec![
        ("body", sent.body == read.body),
        ("topic", sent.topic == read.topic),
        ("tags", sent.tags == read.tags),
        ("keys", keys == read.keys),
        ("user properties", sent.properties.iter().collect::<BTreeMap<_, _>>() == users),
        ("flag", sent.flag == read.flag),
        ("born host", read.born_host.starts_with("127.0.0.1:")),
        ("born timestamp", (time.0..=time.1).contains(&read.born_timestamp)),
        ("store host", read.store_host == broker),
        ("reconsume times", read.reconsume_times == 0),
        ("form of the unique id", is_unique_id(&read.unique_id)),
        ("UNIQ_KEY", read.properties.get("UNIQ_KEY") == Some(&read.unique_id)),
    ];
    if let Some(receipt) = &sent.receipt {
        checks.extend([
            ("status", receipt.status == 0),
            ("topic of the receipt", receipt.topic == read.topic),
            ("message id", receipt.message_id == read.unique_id),
            ("offset message id", receipt.offset_message_id == read.offset_message_id),
            ("queue id", receipt.queue_id == read.queue_id),
            ("queue offset", receipt.queue_offset == read.queue_offset),
            ("broker name", receipt.broker_name == "broker-0"),
            ("broker address", receipt.broker_address == broker),
        ]);
    }
    checks.into_iter().filter(|(_, holds)| !holds).map(|(what, _)| what).collect()
}

fn is_unique_id(text: &str) -> bool {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    digits && (text.len() == 32 || text.len() == 56)
}

/// Compares one run with all that is in its topic: each message once, unchanged.
fn compare(run: &Run, read: &[ReadMessage], broker: &str) -> Vec<String> {
    let mut by_serial: BTreeMap<&str, Vec<&ReadMessage>> = BTreeMap::new();
    let in_topic: Vec<_> = read.iter().filter(|message| message.topic == run.topic).collect();
    for message in &in_topic {
        let serial = message.properties.get("serial").map_or("none", String::as_str);
        by_serial.entry(serial).or_default().push(message);
    }
    let mut found = Vec::new();
    for sent in &run.sent {
        let serial = sent.properties.get("serial").map_or("none", String::as_str);
        let stored = by_serial.remove(serial).unwrap_or_default();
        let [message] = stored.as_slice() else {
            found.push(format!("message {serial} is stored {} times", stored.len()));
            continue;
        };
        let wrong = differences(sent, message, run.time, broker);
        if !wrong.is_empty() {
            found.push(format!("message {serial}: {} differ; {}", wrong.join(", "), short(sent, message)));
        }
    }
    found.extend(by_serial.keys().map(|serial| format!("message {serial} was never sent")));
    let ids: BTreeSet<_> = in_topic.iter().map(|message| &message.unique_id).collect();
    if ids.len() != in_topic.len() {
        found.push(format!("{} unique ids for {} messages", ids.len(), in_topic.len()));
    }
    found.iter().take(10).map(|text| format!("{}: {text}", run.topic)).collect()
}

fn short(sent: &Sent, read: &ReadMessage) -> String {
    let (sent_bytes, read_bytes) = (sent.body.len(), read.body.len());
    let read = ReadMessage { body: Vec::new(), ..read.clone() };
    format!("sent {sent_bytes} bytes, {:?}; read {read_bytes} bytes, {read:?}", sent.receipt)
        .chars()
        .take(1_500)
        .collect()
}

fn truth(version: Version) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let c = Program::c("truth").unwrap_or_else(|e| panic!("{e}"));
    let python = Program::python("truth").unwrap_or_else(|e| panic!("{e}"));
    let cluster = RealCluster::start(&Options::new(version)).unwrap_or_else(|e| panic!("{e}"));
    let broker = cluster.broker_address(0).expect("one broker");

    let mut failures = Vec::new();
    let mut runs = Vec::new();
    for (language, program, modes) in [("c", &c, &C_MODES[..]), ("python", &python, &PYTHON_MODES[..])] {
        for mode in modes {
            let topic = format!("T_{language}_{}", mode.replace('=', "_"));
            match run(program, &cluster, &topic, mode) {
                Ok(run) if run.sent.is_empty() => failures.push(format!("{topic}: nothing was sent")),
                Ok(run) => runs.push(run),
                Err(error) => failures.push(format!("{topic}: {error}")),
            }
        }
    }
    let wanted: Vec<_> =
        runs.iter().map(|run| Wanted { topic: run.topic.clone(), count: run.sent.len() }).collect();
    match reader::read(version, &cluster.name_server(), &wanted) {
        Ok(read) => failures.extend(runs.iter().flat_map(|run| compare(run, &read, &broker))),
        Err(error) => failures.push(error.to_string()),
    }
    assert!(failures.is_empty(), "on {version}:\n{}", failures.join("\n"));
}

#[test]
fn version_4_9_7() {
    truth(Version::V4_9_7);
}

#[test]
fn version_5_3_3() {
    truth(Version::V5_3_3);
}

#[test]
fn version_5_5_0() {
    truth(Version::V5_5_0);
}
