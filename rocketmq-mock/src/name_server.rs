//! The name server: routes made from what the brokers know at the moment of the question.

use std::collections::BTreeMap;

use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::requests::GetRouteRequest;
use rocketmq_protocol::route::{BrokerData, ClusterInfo, MASTER_ID, QueueData, TopicRoute};
use rocketmq_protocol::version;

use crate::answer::Answer;
use crate::broker::Broker;
use crate::request::Request;
use crate::state::State;
use crate::topic::CLUSTER;

/// Ext fields of a client that wants the brokers of one zone only.
const ZONE_MODE: &str = "__ZONE_MODE";
const ZONE_NAME: &str = "__ZONE_NAME";

/// Answers a request to the name server; `None` to a code that one of 4.9 does not know.
pub(crate) fn serve(state: &State, request: &Request<'_, '_>) -> Option<Answer> {
    match request.header.code {
        request::GET_ROUTEINFO_BY_TOPIC => Some(route(state, request)),
        request::GET_BROKER_CLUSTER_INFO => Some(cluster_info(state)),
        code => state.profile.is_v5().then(|| Answer::unsupported(code)),
    }
}

fn route(state: &State, request: &Request<'_, '_>) -> Answer {
    let question = match GetRouteRequest::decode(&request.header.fields) {
        Ok(question) => question,
        Err(error) => return Answer::exception(error.to_string()),
    };
    let mut route = TopicRoute::default();
    for broker in state.brokers.iter().filter(|broker| broker.in_routes) {
        let Some(topic) = broker.topics.get(&question.topic) else {
            continue;
        };
        route.queue_datas.push(QueueData {
            broker_name: broker.endpoint.name.clone(),
            read_queue_nums: topic.read_queues,
            write_queue_nums: topic.write_queues,
            perm: topic.perm,
            topic_sys_flag: topic.sys_flag,
        });
        route.broker_datas.push(broker_data(broker));
    }
    if route.queue_datas.is_empty() {
        let (topic, advice) = (&question.topic, state.profile.advice());
        let remark = format!("No topic route info in name server for the topic: {topic}{advice}");
        return Answer::refusal(response::TOPIC_NOT_EXIST, remark);
    }
    let mut quoted =
        request.header.version >= version::V4_9_4 || question.accept_standard_json_only == Some(true);
    if let Some(zone) = wanted_zone(state, request) {
        keep_zone(&mut route, zone);
        // The filter writes the route anew and does not ask what the client can read.
        quoted = false;
    }
    Answer::with_body(route.to_json(quoted))
}

/// The zone a client of 5.x asks for.
fn wanted_zone<'r>(state: &State, request: &Request<'r, '_>) -> Option<&'r str> {
    let fields = &request.header.fields;
    let mode = fields.get(ZONE_MODE).filter(|_| state.profile.is_v5())?;
    fields.get(ZONE_NAME).filter(|zone| mode.eq_ignore_ascii_case("true") && !zone.trim().is_empty())
}

/// Leaves brokers of the zone; all of the mock's are masters, so none stays for want of one.
fn keep_zone(route: &mut TopicRoute, zone: &str) {
    let fits =
        |known: &BrokerData| known.zone_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(zone));
    route.broker_datas.retain(fits);
    let kept = &route.broker_datas;
    route.queue_datas.retain(|queues| kept.iter().any(|broker| broker.broker_name == queues.broker_name));
}

fn cluster_info(state: &State) -> Answer {
    let mut info = ClusterInfo::default();
    for broker in state.brokers.iter().filter(|broker| broker.in_routes) {
        let name = broker.endpoint.name.clone();
        info.brokers.insert(name.clone(), broker_data(broker));
        info.clusters.entry(CLUSTER.to_owned()).or_default().push(name);
    }
    Answer::with_body(info.to_json())
}

fn broker_data(broker: &Broker) -> BrokerData {
    BrokerData {
        cluster: CLUSTER.to_owned(),
        broker_name: broker.endpoint.name.clone(),
        broker_addrs: BTreeMap::from([(MASTER_ID, broker.endpoint.address.to_string())]),
        enable_acting_master: false,
        zone_name: broker.zone.clone().filter(|_| broker.profile.is_v5()),
    }
}
