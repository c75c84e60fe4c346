//! The checks a send passes before it is stored, named by their rows in protocol 14.2.

use std::net::SocketAddr;

use rocketmq_protocol::codes::response;
use rocketmq_protocol::requests::SendRequest;
use rocketmq_protocol::{sys_flag, topics};

use super::Broker;
use super::properties::Known;
use super::refusal::Refusal;
use crate::options::Profile;

/// A broker's default `maxMessageSize`, in bytes.
pub(super) const MAX_BODY: usize = 4 * 1024 * 1024;
/// Remark of every refusal by length.
pub(super) const MESSAGE_TOO_LONG: &str = "the message is illegal, maybe msg body or properties length not matched. \
     msg body length limit 4194304B, msg properties length limit 32KB.";
/// Remark of the refusal of a topic without a name.
pub(super) const TOPIC_IS_BLANK: &str = "The specified topic is blank.";

/// Longest topic name, and the longest of `%RETRY%` and `%DLQ%` topics on 5.x.
const MAX_TOPIC: usize = 127;
const MAX_DERIVED_TOPIC: usize = 255;

/// The queue a message was accepted for, and what its topic asks of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) queue_id: i32,
    multi_tag: bool,
    compaction: bool,
    /// Whether its topic stores a batch as one record.
    pub(super) batch_queues: bool,
}

impl Target {
    /// A sysFlag with the bit of topics that have several tags per message.
    pub(super) fn stored_sys_flag(&self, sent: i32) -> i32 {
        if self.multi_tag { sent | sys_flag::MULTI_TAGS } else { sent }
    }
}

impl Broker {
    /// Row 2: 5.x fails on a message without a body.
    pub(super) fn check_body_is_there(&self, body: &[u8]) -> Result<(), Refusal> {
        if body.is_empty() && self.profile.is_v5() {
            return Err(Refusal::exception(
                "java.lang.NullPointerException: Cannot read the array length because \"body\" is null",
            ));
        }
        Ok(())
    }

    /// Row 7: the name's form.
    pub(super) fn check_topic_name(&self, topic: &str) -> Result<(), Refusal> {
        let limit = match self.profile {
            Profile::V5 if is_derived(topic) => MAX_DERIVED_TOPIC,
            _ => MAX_TOPIC,
        };
        let remark = if topic.trim().is_empty() {
            TOPIC_IS_BLANK
        } else if !topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%|_-".contains(&byte)) {
            "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"
        } else if topic.len() > limit {
            "The specified topic is longer than topic max length."
        } else {
            return Ok(());
        };
        Err(Refusal::new(self.profile.invalid_parameter(), remark))
    }

    /// Row 8: topics producers must keep out of.
    pub(super) fn check_topic_is_open(&self, topic: &str) -> Result<(), Refusal> {
        if topics::is_send_forbidden(topic) {
            let remark = format!("Sending message to topic[{topic}] is forbidden.");
            return Err(Refusal::new(response::NO_PERMISSION, remark));
        }
        Ok(())
    }

    /// Row 9: an unknown topic is made from the send's default topic, or refused.
    pub(super) fn find_or_create_topic(&mut self, sent: &SendRequest<'_>) -> Result<(), Refusal> {
        let known = self.topics.get(&sent.topic).is_some();
        if known
            || self.topics.create_for_send(
                &sent.topic,
                &sent.default_topic,
                sent.default_topic_queue_nums,
                sent.unit_mode,
            )
        {
            return Ok(());
        }
        Err(self.unknown_topic(&sent.topic))
    }

    fn unknown_topic(&self, topic: &str) -> Refusal {
        let advice = self.profile.advice();
        Refusal::new(
            response::TOPIC_NOT_EXIST,
            format!("topic[{topic}] not exist, apply first please!{advice}"),
        )
    }

    /// Rows 10 and 11: the queue is one of the topic's, or the broker's choice.
    pub(super) fn check_and_choose_queue(
        &mut self,
        sent: &SendRequest<'_>,
        peer: SocketAddr,
    ) -> Result<Target, Refusal> {
        let Some(topic) = self.topics.get(&sent.topic) else {
            return Err(self.unknown_topic(&sent.topic));
        };
        if sent.queue_id >= topic.read_queues.max(topic.write_queues) {
            let remark = format!(
                "request queueId[{}] is illegal, {} Producer: {peer}",
                sent.queue_id,
                topic.describe(&sent.topic, self.profile)
            );
            return Err(Refusal::new(self.profile.invalid_parameter(), remark));
        }
        let queue_id = if sent.queue_id >= 0 {
            sent.queue_id
        } else if topic.write_queues > 0 {
            self.queue_choice.below(topic.write_queues)
        } else {
            return Err(Refusal::exception("java.lang.ArithmeticException: / by zero"));
        };
        Ok(Target {
            queue_id,
            multi_tag: topic.multi_tag,
            compaction: topic.is_compaction(),
            batch_queues: topic.has_batch_queues(),
        })
    }

    /// Rows 12 and 13: topics that take no batches.
    pub(super) fn check_batch_topic(&self, topic: &str) -> Result<(), Refusal> {
        if topic.len() > MAX_TOPIC {
            let remark = format!("message topic length too long {}", topic.len());
            return Err(Refusal::new(response::MESSAGE_ILLEGAL, remark));
        }
        if self.profile.is_v5() && topic.starts_with(topics::RETRY_PREFIX) {
            let remark = format!("batch request does not support retry group {topic}");
            return Err(Refusal::new(response::MESSAGE_ILLEGAL, remark));
        }
        Ok(())
    }

    /// Row 16: a compaction topic needs keys.
    pub(super) fn check_keys(&self, target: &Target, known: &Known<'_>) -> Result<(), Refusal> {
        let without_keys = known.keys.is_none_or(|keys| keys.trim().is_empty());
        if self.profile.is_v5() && target.compaction && without_keys {
            return Err(Refusal::new(response::MESSAGE_ILLEGAL, "Required message key is missing"));
        }
        Ok(())
    }

    /// Row 20: the store's own limit of topic names.
    pub(super) fn check_message(&self, topic: &str) -> Result<(), Refusal> {
        if topic.len() > MAX_TOPIC && !topic.starts_with(topics::RETRY_PREFIX) {
            return Err(Refusal::new(response::MESSAGE_ILLEGAL, MESSAGE_TOO_LONG));
        }
        Ok(())
    }

    /// Row 22: producers do not send inner batches.
    pub(super) fn check_inner_batch(&self, known: &Known<'_>) -> Result<(), Refusal> {
        if known.inner_batch && self.profile.is_v5() {
            return Err(Refusal::new(response::MESSAGE_ILLEGAL, MESSAGE_TOO_LONG));
        }
        Ok(())
    }
}

fn is_derived(topic: &str) -> bool {
    topic.starts_with(topics::RETRY_PREFIX) || topic.starts_with(topics::DLQ_PREFIX)
}
