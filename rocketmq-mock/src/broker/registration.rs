//! Heartbeats and their undoing (protocol 2.5).

use rocketmq_protocol::answers::HeartbeatAnswer;
use rocketmq_protocol::heartbeat::HeartbeatData;
use rocketmq_protocol::requests::UnregisterClientRequest;

use super::Broker;
use crate::answer::{Answer, AnswerFields};
use crate::request::Request;

impl Broker {
    pub(super) fn heartbeat(&mut self, request: &Request<'_, '_>) -> Answer {
        let data = match HeartbeatData::from_json(request.body) {
            Ok(data) => data,
            Err(error) => return Answer::exception(format!("com.alibaba.fastjson.JSONException: {error}")),
        };
        for group in data.producer_groups {
            self.clients.register(group, request.arrival.origin.connection, data.client_id.clone());
        }
        if !self.profile.is_v5() {
            return Answer::success();
        }
        Answer::with_fields(AnswerFields::Heartbeat(HeartbeatAnswer {
            supports_v2: Some(true),
            subscription_changed: Some(true),
        }))
    }

    pub(super) fn unregister(&mut self, request: &Request<'_, '_>) -> Answer {
        let leaving = match UnregisterClientRequest::decode(&request.header.fields) {
            Ok(leaving) => leaving,
            Err(error) => return Answer::exception(error.to_string()),
        };
        if let Some(group) = leaving.producer_group {
            self.clients.unregister(group.into_owned(), request.arrival.origin.connection);
        }
        Answer::success()
    }
}
