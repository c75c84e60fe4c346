//! Java's `DefaultMQProducer` and librmq send the same messages to a cluster that records; their requests must be the
//! same but for the list in `allowed.rs`. Each test is one version of the Java client with one header encoding.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod allowed;
mod cases;
mod clients;
mod compare;
mod comparison;
mod life;
mod outgoing;
mod retry;
mod traffic;

use cluster::Version;
use rocketmq_mock::Fault;
use rocketmq_protocol::codes::response;
use rocketmq_protocol::frame::HeaderEncoding;

use crate::cases::{
    Case, WIRE_TOPIC, batch_cases, long_name_cases, modes_and_choices, modes_and_places, placed_messages,
    settings_cases, single_message_cases,
};
use crate::clients::{DEFAULT_TOPIC, TOPIC};
use crate::comparison::{Comparison, ONE_BROKER, OTHER_BROKER};
use crate::outgoing::{Mode, Place};
use crate::retry::Retry;

const IN_NAMESPACE: &[(&str, &str)] = &[("namespace", "MQ_INST_1")];
const VIP: (&str, &str) = ("vip.channel.enabled", "true");

fn one_queue(comparison: &mut Comparison, cases: &[Case]) {
    for case in cases {
        if case.since <= comparison.version {
            comparison.one_queue(case);
        }
    }
}

fn retries(comparison: &mut Comparison) {
    let refusal = |code| Fault::Code { code, remark: Some("busy".to_owned()) };
    let refused = |mode, settings| Retry {
        mode,
        place: Place::Any,
        fault: refusal(response::SERVICE_NOT_AVAILABLE),
        times: None,
        wire_topic: TOPIC,
        settings,
        batches_of: None,
    };
    let reset = |settings| Retry { fault: Fault::Reset, times: Some(1), ..refused(Mode::Async, settings) };
    comparison.retry(&refused(Mode::Sync, &[]));
    if comparison.version >= Version::V5_3_3 {
        comparison.retry(&Retry { fault: refusal(response::SYSTEM_BUSY), ..refused(Mode::Sync, &[]) });
    }
    let settings = [IN_NAMESPACE[0], VIP];
    comparison.retry(&Retry { wire_topic: WIRE_TOPIC, ..refused(Mode::Sync, &settings) });
    comparison.retry(&Retry { batches_of: Some(2), ..refused(Mode::Sync, &[]) });
    comparison.retry(&reset(&[]));
    comparison.retry(&reset(&[VIP]));
    comparison.retry(&Retry { batches_of: Some(2), ..reset(&[]) });
    for place in [Place::Queue(ONE_BROKER, 3), Place::Integer(3)] {
        comparison.retry(&Retry { place: place.clone(), ..reset(&[]) });
        comparison.refused_in_place(place);
    }
}

fn lives(comparison: &mut Comparison) {
    comparison.life(&[], TOPIC, true);
    comparison.life(&[("unit.name", "unit-1")], TOPIC, false);
    comparison.life(
        &[IN_NAMESPACE[0], VIP, ("unit.mode", "true"), ("unit.name", "unit-1")],
        WIRE_TOPIC,
        true,
    );
    if comparison.version >= Version::V5_5_0 {
        let fields = [
            ("namespace.v2", "MQ_INST_2"),
            ("zone.name", "z1"),
            ("stream.request.type", "true"),
            ("unit.name", "unit-1"),
        ];
        comparison.life(&fields, TOPIC, true);
    }
}

fn compare(version: Version, encoding: HeaderEncoding) {
    let mut comparison = Comparison::new(version, encoding, true);
    one_queue(&mut comparison, &single_message_cases());
    one_queue(&mut comparison, &settings_cases());
    one_queue(&mut comparison, &batch_cases());
    comparison.new_topic(&[], [TOPIC, DEFAULT_TOPIC]);
    comparison.new_topic(IN_NAMESPACE, [WIRE_TOPIC, DEFAULT_TOPIC]);
    let queues = [(ONE_BROKER, 5), (OTHER_BROKER, 3), ("broker-2", 9)];
    comparison.placed("queue by hash or by name", &queues, &placed_messages(&queues));
    comparison.placed("each mode to each place", &queues, &modes_and_places());
    comparison.chosen("each mode to each choice", 4, &modes_and_choices());
    retries(&mut comparison);
    lives(&mut comparison);
    comparison.judge();
}

/// Java must be told of long names before it starts, so that these have a process of their own.
fn compare_long_names(version: Version, encoding: HeaderEncoding) {
    let mut comparison = Comparison::new(version, encoding, false);
    one_queue(&mut comparison, &long_name_cases());
    comparison.judge();
}

#[test]
fn version_4_9_7_json() {
    compare(Version::V4_9_7, HeaderEncoding::Json);
}

#[test]
fn version_4_9_7_rocketmq() {
    compare(Version::V4_9_7, HeaderEncoding::Rocketmq);
}

#[test]
fn version_5_5_0_json() {
    compare(Version::V5_5_0, HeaderEncoding::Json);
}

#[test]
fn version_5_5_0_rocketmq() {
    compare(Version::V5_5_0, HeaderEncoding::Rocketmq);
}

#[test]
fn version_4_9_7_long_names() {
    compare_long_names(Version::V4_9_7, HeaderEncoding::Json);
}

#[test]
fn version_5_5_0_long_names() {
    compare_long_names(Version::V5_5_0, HeaderEncoding::Rocketmq);
}
