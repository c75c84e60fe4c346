//! A master broker: who is registered, which topics it has, what it stored, and how it answers.

pub(crate) mod attributes;
mod batch;
pub(crate) mod batch_members;
mod clients;
mod dead_letter;
mod inner_batch;
mod offsets;
mod placing;
mod properties;
mod query;
mod refusal;
mod registration;
mod send;
mod send_checks;
mod topic_admin;
mod transaction;

use std::net::Ipv4Addr;

use rocketmq_protocol::codes::request;
use rocketmq_protocol::ids::UniqueIdGenerator;

use self::clients::Clients;
use crate::answer::Answer;
use crate::endpoint::Endpoint;
use crate::options::{MockOptions, Profile};
use crate::parked::Parked;
use crate::request::Request;
use crate::store::Store;
use crate::topic::TopicTable;

/// One broker of the cluster.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) endpoint: Endpoint,
    pub(crate) profile: Profile,
    /// Whether name servers know it.
    pub(crate) in_routes: bool,
    /// The zone it tells name servers it is in.
    pub(crate) zone: Option<String>,
    pub(crate) topics: TopicTable,
    pub(crate) store: Store,
    pub(crate) clients: Clients,
    /// Delayed and timer messages that wait for their time.
    pub(crate) parked: Parked,
    unique_ids: UniqueIdGenerator,
    queue_choice: QueueChoice,
    /// Property text under construction, kept for its room.
    properties: String,
}

impl Broker {
    pub(crate) fn new(endpoint: Endpoint, options: &MockOptions) -> Broker {
        let topics = TopicTable::new(&endpoint.name, options.profile, options.auto_create);
        let port = u32::from(endpoint.address.port());
        Broker {
            profile: options.profile,
            in_routes: true,
            zone: None,
            topics,
            store: Store::new(options.keep),
            clients: Clients::default(),
            parked: Parked::default(),
            // The port tells the brokers of one cluster apart, as process ids do with real ones.
            unique_ids: UniqueIdGenerator::new(Ipv4Addr::LOCALHOST.into(), std::process::id(), port),
            queue_choice: QueueChoice(port),
            properties: String::new(),
            endpoint,
        }
    }

    /// Answers a request; `None` where a broker never does.
    pub(crate) fn serve(&mut self, request: &Request<'_, '_>) -> Option<Answer> {
        let answer = match request.header.code {
            request::SEND_MESSAGE | request::SEND_MESSAGE_V2 | request::SEND_BATCH_MESSAGE => {
                self.send(request)
            }
            request::HEART_BEAT => self.heartbeat(request),
            request::UNREGISTER_CLIENT => self.unregister(request),
            request::END_TRANSACTION => return self.end_transaction(request),
            request::UPDATE_AND_CREATE_TOPIC => self.create_topic(request),
            request::SEARCH_OFFSET_BY_TIMESTAMP => self.search_offset(request),
            request::GET_MAX_OFFSET => self.max_offset(request),
            request::GET_MIN_OFFSET => self.min_offset(request),
            request::GET_EARLIEST_MSG_STORETIME => self.earliest_store_time(request),
            request::VIEW_MESSAGE_BY_ID => self.view_message(request),
            request::QUERY_MESSAGE => self.query_message(request),
            code => Answer::unsupported(code),
        };
        Some(answer)
    }
}

/// Picks a queue for sends that leave it to the broker.
#[derive(Debug)]
struct QueueChoice(u32);

impl QueueChoice {
    /// A number in `0..limit`; `limit` must be positive. The sequence is that of a linear congruential generator.
    fn below(&mut self, limit: i32) -> i32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(self.0) * limit as u64) >> 32) as i32
    }
}
