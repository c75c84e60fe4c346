//! Routes: where a topic's queues are (protocol 3.1), and the brokers of a name server (code 106).

pub mod bounds;
mod cluster_info;
mod lenient_json;
mod topic_route;
mod wire;

pub use cluster_info::ClusterInfo;
pub use topic_route::{BrokerData, MASTER_ID, QueueData, QueueMapping, TopicRoute};
