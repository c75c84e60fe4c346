//! What the requests of messages and of batches have in common (protocol 2.2).

use rocketmq_protocol::requests::SendRequest;

use crate::config::Settings;

/// A request of no message yet: not compressed, no transaction, no properties.
pub(crate) fn send_request<'a>(
    settings: &'a Settings,
    topic: &'a str,
    queue_id: i32,
    born_ms: u64,
) -> SendRequest<'a> {
    SendRequest {
        producer_group: settings.wire_group.as_str().into(),
        topic: topic.into(),
        default_topic: settings.create_topic_key.as_str().into(),
        default_topic_queue_nums: settings.default_topic_queue_nums,
        queue_id,
        sys_flag: 0,
        born_timestamp: born_ms as i64,
        flag: 0,
        properties: "".into(),
        reconsume_times: 0,
        unit_mode: settings.unit_mode,
        max_reconsume_times: None,
        batch: false,
        broker_name: None,
    }
}
