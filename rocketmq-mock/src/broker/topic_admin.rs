//! Explicit creation of topics: 17 (protocol 2.7, 14.3).

use std::collections::BTreeMap;

use rocketmq_protocol::codes::response;
use rocketmq_protocol::requests::{CreateTopicRequest, SINGLE_TAG};
use rocketmq_protocol::topics;

use super::Broker;
use super::send::Refusal;
use crate::answer::{Answer, REMARK_LEFT_OVER};
use crate::dispatch::Request;
use crate::topic::{CLUSTER, TopicConfig};

/// Attributes a 5.x broker knows.
const ATTRIBUTES: &[&str] = &["queue.type", "cleanup.policy", "message.type", "reserve.time"];
const MULTI_TAG: &str = "MULTI_TAG";

impl Broker {
    pub(super) fn create_topic(&mut self, request: &Request<'_, '_>) -> Answer {
        let wanted = match CreateTopicRequest::decode(&request.header.fields) {
            Ok(wanted) => wanted,
            Err(error) => return Answer::exception(format!("java.lang.NullPointerException: {error}")),
        };
        if let Err(refusal) = self.check_new_topic(&wanted.topic) {
            return refusal.answer_without_region();
        }
        let multi_tag = match &*wanted.topic_filter_type {
            SINGLE_TAG => false,
            MULTI_TAG => true,
            other => {
                return Answer::exception(format!(
                    "java.lang.IllegalArgumentException: No enum constant \
                     org.apache.rocketmq.common.TopicFilterType.{other}"
                ));
            }
        };
        let known = self.topics.get(&wanted.topic);
        let mut attributes = known.map(|topic| topic.attributes.clone()).unwrap_or_default();
        if self.profile.is_v5()
            && let Some(changes) = &wanted.attributes
            && let Err(remark) = change_attributes(&mut attributes, changes)
        {
            return Answer::refusal(response::SYSTEM_ERROR, remark);
        }
        let config = TopicConfig {
            sys_flag: wanted.topic_sys_flag.unwrap_or(0),
            order: wanted.order,
            multi_tag,
            attributes,
            ..TopicConfig::new(wanted.read_queue_nums, wanted.write_queue_nums, wanted.perm)
        };
        self.topics.set(&wanted.topic, config);
        Answer { remark: Some(REMARK_LEFT_OVER.into()), ..Answer::success() }
    }

    fn check_new_topic(&self, topic: &str) -> Result<(), Refusal> {
        self.check_topic_name(topic)?;
        let own = topic == CLUSTER
            || topic == self.endpoint.name
            || topic.strip_suffix(topics::REPLY_SUFFIX) == Some(CLUSTER);
        if topics::is_system(topic) || own {
            let remark = format!("The topic[{topic}] is conflict with system topic.");
            return Err(Refusal::new(self.profile.invalid_parameter(), remark));
        }
        Ok(())
    }
}

/// Applies `+key=value,-key`.
fn change_attributes(attributes: &mut BTreeMap<String, String>, changes: &str) -> Result<(), String> {
    for change in changes.split(',').filter(|change| !change.is_empty()) {
        let (add, rest) = match change.split_at_checked(1) {
            Some(("+", rest)) => (true, rest),
            Some(("-", rest)) => (false, rest),
            _ => return Err(format!("kv string format wrong: {change}")),
        };
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        if !ATTRIBUTES.contains(&key) {
            return Err(format!("unsupported key: {key}"));
        }
        if add {
            attributes.insert(key.to_owned(), value.to_owned());
        } else {
            attributes.remove(key);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_added_replaced_and_removed() {
        let mut attributes = BTreeMap::from([("queue.type".to_owned(), "BatchCQ".to_owned())]);
        assert_eq!(change_attributes(&mut attributes, "+cleanup.policy=COMPACTION,-queue.type"), Ok(()));
        assert_eq!(attributes, BTreeMap::from([("cleanup.policy".to_owned(), "COMPACTION".to_owned())]));
        assert!(change_attributes(&mut attributes, "+no.such=1").unwrap_err().contains("no.such"));
        assert!(change_attributes(&mut attributes, "queue.type=SimpleCQ").is_err());
    }
}
