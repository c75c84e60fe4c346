//! Requests that are signed well, badly or not at all: real brokers and the mock answer alike.

use std::sync::PoisonError;

use cluster::access::{ADMIN, LIMITED, PERMITTED};
use cluster::wire::{Connection, Request};
use cluster::{Options, RealCluster, Version};
use rocketmq_mock::{Account, MockCluster, MockOptions, Profile};

use super::ONE_AT_A_TIME;

const UNKNOWN: (&str, &str) = ("nobody", "12345678");
const OTHER: &str = "T_other";

fn send(code: i32, topic: &str) -> Request {
    let names: [&str; 13] = match code {
        10 => [
            "producerGroup",
            "topic",
            "defaultTopic",
            "defaultTopicQueueNums",
            "queueId",
            "sysFlag",
            "bornTimestamp",
            "flag",
            "properties",
            "reconsumeTimes",
            "unitMode",
            "batch",
            "bname",
        ],
        _ => ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "m", "n"],
    };
    let is_batch = if code == 320 { "true" } else { "false" };
    let unique = "UNIQ_KEY\u{1}0A000005109218B4AAC205265C000000\u{2}WAIT\u{1}true\u{2}";
    let values = [
        "PG_access",
        topic,
        "TBW102",
        "4",
        "0",
        "0",
        "1700000000000",
        "0",
        unique,
        "0",
        "false",
        is_batch,
        "broker-0",
    ];
    let request = names
        .iter()
        .zip(values)
        .fold(Request::new(code), |request, (name, value)| request.field(name, value));
    match code {
        320 => {
            let mut member = Vec::new();
            let number = |n: usize| u32::try_from(n).expect("small").to_be_bytes();
            member.extend(number(22 + 2 + unique.len()));
            member.extend([0; 12]);
            member.extend(number(2));
            member.extend(b"hi");
            member.extend(u16::try_from(unique.len()).expect("small").to_be_bytes());
            member.extend(unique.as_bytes());
            request.body(member)
        }
        _ => request.body(*b"hi"),
    }
}

fn heartbeat() -> Request {
    Request::new(34)
        .body(r#"{"clientID":"access@1","consumerDataSet":[],"producerDataSet":[{"groupName":"PG_access"}]}"#)
}

fn unregister() -> Request {
    Request::new(35).field("clientID", "access@1").field("producerGroup", "PG_access")
}

/// Name and request.
fn table() -> Vec<(String, Request)> {
    let mut rows = Vec::new();
    let mut add = |name: String, request| rows.push((name, request));
    for code in [10, 310, 320, 34, 35] {
        let request = || match code {
            34 => heartbeat(),
            35 => unregister(),
            code => send(code, PERMITTED),
        };
        add(format!("{code} unsigned"), request());
        add(format!("{code} unsigned, JSON"), request().json());
        add(format!("{code} of an unknown user"), request().signed(UNKNOWN));
        add(format!("{code} with a wrong secret"), request().signed((ADMIN.0, LIMITED.1)));
        add(format!("{code} with a field after signing"), request().signed(ADMIN).field("later", "x"));
        add(format!("{code} without its signature"), request().signed(ADMIN).without("Signature"));
        add(format!("{code} with a token"), request().field("SecurityToken", "t").signed(ADMIN));
        add(format!("{code} with another token"), request().signed(ADMIN).field("SecurityToken", "t"));
        add(format!("{code} of the administrator"), request().signed(ADMIN));
        add(format!("{code} of the administrator, JSON"), request().json().signed(ADMIN));
        add(format!("{code} of the limited user"), request().signed(LIMITED));
        if ![34, 35].contains(&code) {
            add(format!("{code} to another topic"), send(code, OTHER).signed(LIMITED));
            add(format!("{code} with another body"), request().signed(ADMIN).body(*b"ho"));
        }
    }
    rows
}

/// Code and remark as far as they are alike on a real broker and the mock.
fn seen(connection: &mut Connection, request: &Request) -> (i32, String) {
    let answer = connection.call(request).expect("an answer, the connection stays");
    let remark = answer.remark.unwrap_or_default();
    let remark = remark.split_once(", org.apache.rocketmq.acl").map_or(&*remark, |(text, _)| text);
    let remark = if answer.code == 0 { "" } else { remark };
    (answer.code, remark.to_owned())
}

fn refusals(version: Version) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let real =
        RealCluster::start(&Options { access_control: true, ..Options::new(version) }).expect("a cluster");
    let profile = if version == Version::V4_9_7 { Profile::V4_9 } else { Profile::V5 };
    let mock = MockCluster::start(MockOptions { profile, ..MockOptions::default() }).expect("a mock");
    mock.set_account(&Account::new(ADMIN.0, ADMIN.1));
    mock.set_account(&Account {
        topics: Some(vec![PERMITTED.to_owned()]),
        ..Account::new(LIMITED.0, LIMITED.1)
    });
    let mut real_wire = Connection::open(&real.broker_address(0).expect("a broker")).expect("connected");
    let mut mock_wire =
        Connection::open(&mock.broker_address("broker-0").expect("a broker")).expect("connected");
    let rows: Vec<_> = table()
        .into_iter()
        .map(|(name, request)| (name, seen(&mut real_wire, &request), seen(&mut mock_wire, &request)))
        .collect();
    let refused = rows.iter().filter(|(_, (code, _), _)| *code != 0).count();
    assert!(refused > 30, "only {refused} of {} are refused", rows.len());
    let different: Vec<_> = rows
        .iter()
        .filter(|(_, real, mock)| real != mock)
        .map(|(name, real, mock)| format!("{name}\n  real {real:?}\n  mock {mock:?}"))
        .collect();
    assert!(different.is_empty(), "on {}:\n{}", version.name(), different.join("\n"));
}

#[test]
fn version_4_9_7() {
    refusals(Version::V4_9_7);
}

#[test]
fn version_5_3_3() {
    refusals(Version::V5_3_3);
}

#[test]
fn version_5_5_0() {
    refusals(Version::V5_5_0);
}
