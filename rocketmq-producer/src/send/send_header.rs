//! The headers of requests that send (protocol 2.2).

use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::requests::SendRequest;

use super::accepted::AcceptedSend;
use super::batch::Batch;
use super::request::{Aim, Request};

/// Of a message by itself.
#[inline(always)]
pub(super) fn of_one<'a>(request: &'a Request, send: &'a AcceptedSend) -> SendRequest<'a> {
    SendRequest {
        sys_flag: send.prepared.sys_flag,
        flag: send.prepared.flag,
        properties: send.properties(),
        ..of_any(request)
    }
}

/// Of a wire batch: what its messages have in common.
pub(super) fn of_batch<'a>(request: &'a Request, batch: &Batch) -> SendRequest<'a> {
    let mut shared = String::new();
    // No unique id: brokers up to 5.3 append these properties to every message's (protocol 5.8).
    let waits = batch.sends.first().is_some_and(|first| first.prepared.wait_store_ok);
    properties::push(&mut shared, name::WAIT, if waits { "true" } else { "false" });
    if let Some(namespace) = &request.context.settings.namespace {
        properties::push(&mut shared, name::INSTANCE_ID, namespace);
    }
    SendRequest { properties: shared.into(), batch: true, ..of_any(request) }
}

/// Not compressed, no transaction, no properties.
#[inline(always)]
fn of_any(request: &Request) -> SendRequest<'_> {
    let settings = &request.context.settings;
    let (broker_name, queue_id) = match &request.aim {
        Aim::Master { master, queue_id, .. } => (Some((&*master.address.name).into()), *queue_id),
        Aim::Open | Aim::Chosen { .. } | Aim::NoMaster { .. } => (None, 0),
    };
    SendRequest {
        producer_group: settings.wire_group.as_str().into(),
        topic: (&*request.topic.wire_name).into(),
        default_topic: settings.create_topic_key.as_str().into(),
        default_topic_queue_nums: settings.default_topic_queue_nums,
        queue_id,
        sys_flag: 0,
        born_timestamp: request.context.wall_ms(request.started) as i64,
        flag: 0,
        properties: "".into(),
        reconsume_times: 0,
        unit_mode: settings.unit_mode,
        max_reconsume_times: None,
        batch: false,
        broker_name,
    }
}
