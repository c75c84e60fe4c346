//! Whether consumers see of the members of a batch what they see of messages sent one by one: the same messages go both
//! ways to each real version, and Apache's own client gets at them in every way it has.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod allowed;
mod complaints;
mod messages;
mod pairs;
mod pressure;
mod proof;
mod send;
mod topic;
mod truth;
mod view;

use std::sync::{Mutex, PoisonError};

use cluster::consumers::{self, Orders};
use cluster::wire::{Connection, Request};
use cluster::{LaunchError, Options, RealCluster, Version};
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::requests::{CreateTopicRequest, SINGLE_TAG};
use rocketmq_protocol::{perm, topics};

use crate::allowed::{allowed, is_traced};
use crate::complaints::Complaints;
use crate::messages::{Outgoing, QUEUES, SQL_EXPRESSION, TAG_EXPRESSION, messages};
use crate::send::{Form, Sender};
use crate::topic::Topic;

/// The first is what the others are compared with.
const TOPICS: [(&str, Form); 4] = [
    ("T_singles", Form::Singles),
    ("T_batches", Form::Batches),
    ("T_marked", Form::MarkedBatches),
    ("T_pressure", Form::Pressure),
];

/// A fault shows in many ways; the first lines tell it.
const MOST_SHOWN: usize = 60;

/// Two clusters at once starve each other on a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn create_topic(broker: &str, topic: &str) -> Result<(), LaunchError> {
    let header = CreateTopicRequest {
        topic: topic.into(),
        default_topic: topics::AUTO_CREATE.into(),
        read_queue_nums: QUEUES as i32,
        write_queue_nums: QUEUES as i32,
        perm: perm::READ | perm::WRITE,
        topic_filter_type: SINGLE_TAG.into(),
        ..CreateTopicRequest::default()
    };
    let answer =
        Connection::open(broker)?.call(&Request::new(request::UPDATE_AND_CREATE_TOPIC).header(&header))?;
    assert_eq!(answer.code, response::SUCCESS, "{answer:?}");
    Ok(())
}

fn check(version: Version, messages: &[Outgoing]) -> Result<Complaints, LaunchError> {
    let extra = [("enablePropertyFilter", "true"), ("traceTopicEnable", "true")];
    let extra_broker_conf = extra.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let cluster = RealCluster::start(&Options { extra_broker_conf, ..Options::new(version) })?;
    let broker = cluster.broker_address(0).expect("one broker");

    let mut sender = Sender::connect(&broker, cluster.name_server())?;
    let mut topics = Vec::new();
    for (name, form) in TOPICS {
        create_topic(&broker, name)?;
        let placed = sender.send(name, messages, form)?;
        topics.push(Topic { name, messages, placed, broker: &broker, traced: is_traced(version, form) });
    }
    let consumed = consumers::consume(version, &cluster.name_server(), &orders(messages, &topics))?;

    let mut complaints = Complaints::default();
    let seen: Vec<_> = topics.iter().map(|topic| topic.check(&consumed, &mut complaints)).collect();
    for ((name, form), members) in TOPICS.into_iter().zip(&seen).skip(1) {
        pairs::compare(allowed(version, form), name, &seen[0], members, &mut complaints);
    }
    Ok(complaints)
}

fn orders<'a>(messages: &[Outgoing], topics: &[Topic<'a>]) -> Orders<'a> {
    let count = |selects: fn(&Outgoing) -> bool| messages.iter().filter(|message| selects(message)).count();
    let names =
        |traced| topics.iter().filter(|topic| topic.traced == traced).map(|topic| topic.name).collect();
    Orders {
        traced: names(true),
        untraced: names(false),
        count: messages.len(),
        tags: (TAG_EXPRESSION, count(Outgoing::is_tagged)),
        sql: (SQL_EXPRESSION, count(Outgoing::is_selected)),
    }
}

fn batches(version: Version) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let complaints = check(version, &messages()).unwrap_or_else(|e| panic!("{e}")).lines();
    let shown = complaints.iter().take(MOST_SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(complaints.is_empty(), "{} differences on {version}:\n{shown}", complaints.len());
}

#[test]
fn version_4_9_7() {
    batches(Version::V4_9_7);
}

#[test]
fn version_5_3_3() {
    batches(Version::V5_3_3);
}

#[test]
fn version_5_5_0() {
    batches(Version::V5_5_0);
}
