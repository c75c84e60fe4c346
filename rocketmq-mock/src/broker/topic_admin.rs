//! Explicit creation of topics: 17 (protocol 2.7, 14.3).

use rocketmq_protocol::codes::response;
use rocketmq_protocol::requests::{CreateTopicRequest, SINGLE_TAG};
use rocketmq_protocol::topics;

use super::refusal::Refusal;
use super::{Broker, attributes};
use crate::answer::{Answer, REMARK_LEFT_OVER};
use crate::request::Request;
use crate::topic::{CLUSTER, TopicConfig};

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
        let changes = wanted.attributes.as_deref().filter(|_| self.profile.is_v5());
        let attributes = match attributes::change(known.map(|topic| &topic.attributes), changes.unwrap_or(""))
        {
            Ok(attributes) => attributes,
            Err(remark) => return Answer::refusal(response::SYSTEM_ERROR, remark),
        };
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
