//! Messages that were consumed too often: a send to their retry topic ends in the dead-letter topic.

use rocketmq_protocol::requests::SendRequest;
use rocketmq_protocol::{perm, topics};

use super::Broker;
use crate::request::Request;
use crate::topic::TopicConfig;

/// `retryMaxTimes` of a subscription group.
const RETRY_MAX_TIMES: i32 = 16;
/// Ordinal of 3.4.9: senders older than that cannot set their own limit.
const LIMIT_OF_SENDER: i32 = 121;

impl Broker {
    /// The topic for the dead letters of a group, if this send is one.
    pub(super) fn dead_letter_topic(
        &mut self,
        request: &Request<'_, '_>,
        sent: &SendRequest<'_>,
    ) -> Option<String> {
        let group = sent.topic.strip_prefix(topics::RETRY_PREFIX)?;
        let own_limit = sent.max_reconsume_times.filter(|_| request.header.version >= LIMIT_OF_SENDER);
        let limit = own_limit.unwrap_or(RETRY_MAX_TIMES);
        let spared = if self.profile.is_v5() { limit } else { limit - 1 };
        if sent.reconsume_times <= spared {
            return None;
        }
        let topic = format!("{}{group}", topics::DLQ_PREFIX);
        if self.topics.get(&topic).is_none() {
            self.topics.set(&topic, TopicConfig::new(1, 1, perm::READ | perm::WRITE));
        }
        Some(topic)
    }
}
