//! Who is registered: heartbeats and their undoing (protocol 2.5).

use std::collections::BTreeMap;

use rocketmq_protocol::answers::HeartbeatAnswer;
use rocketmq_protocol::heartbeat::HeartbeatData;
use rocketmq_protocol::requests::UnregisterClientRequest;

use super::Broker;
use crate::answer::{Answer, AnswerFields};
use crate::dispatch::Request;

/// Producer groups by the connections that registered them.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// (group, connection) to client id.
    producers: BTreeMap<(String, u64), String>,
}

impl Clients {
    /// (group, client id) of every registration.
    pub(crate) fn registrations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.producers.iter().map(|((group, _), client_id)| (group.as_str(), client_id.as_str()))
    }

    /// The connections that registered a group.
    pub(crate) fn connections_of(&self, group: &str) -> impl Iterator<Item = u64> {
        self.producers.keys().filter(move |(known, _)| known == group).map(|(_, connection)| *connection)
    }

    pub(crate) fn forget_connection(&mut self, connection: u64) {
        self.producers.retain(|(_, registered), _| *registered != connection);
    }
}

impl Broker {
    pub(super) fn heartbeat(&mut self, request: &Request<'_, '_>) -> Answer {
        let data = match HeartbeatData::from_json(request.body) {
            Ok(data) => data,
            Err(error) => return Answer::exception(format!("com.alibaba.fastjson.JSONException: {error}")),
        };
        for group in data.producer_groups {
            let key = (group, request.arrival.origin.connection);
            self.clients.producers.insert(key, data.client_id.clone());
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
            self.clients.producers.remove(&(group.into_owned(), request.arrival.origin.connection));
        }
        Answer::success()
    }
}
