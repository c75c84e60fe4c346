//! Where a message can go: name servers, the routes of topics, the queues that may be written.

mod asking;
mod batch_support;
mod bounds;
mod broker;
mod broker_paths;
mod broker_properties;
mod doubts;
mod faults;
#[cfg(test)]
mod for_tests;
mod look_up;
mod name_server;
mod name_servers;
mod publish;
mod refresh;
mod route_table;
mod server_names;
mod topic;
mod waiters;

pub(crate) use bounds::{MAX_HEARTBEAT_CONNECTIONS, MAX_LOOK_UP_BYTES, MAX_NAME_SERVERS};
pub(crate) use broker::{Broker, BrokerTable, Master};
pub(crate) use broker_paths::BrokerPaths;
pub(crate) use faults::{FaultStrategy, Verdict};
pub(crate) use name_servers::NameServers;
pub(crate) use publish::{PublishQueue, PublishQueues};
pub(crate) use route_table::{RouteOptions, RouteTable};
pub(crate) use topic::{RouteWaiter, Topic};
