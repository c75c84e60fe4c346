//! The route of one topic: body of the answer to GET_ROUTEINFO_BY_TOPIC.

use std::collections::BTreeMap;

use super::bounds;

/// Broker id of a master.
pub const MASTER_ID: i64 = 0;

/// Where the queues of a topic are. Two routes are equal when nothing a producer uses differs: both
/// lists are kept sorted by broker name, whatever their order on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicRoute {
    /// Order configuration, `broker:queues` joined by `;`; normally absent.
    pub order_topic_conf: Option<String>,
    /// Queues per broker name.
    pub queue_datas: Vec<QueueData>,
    /// Addresses per broker name.
    pub broker_datas: Vec<BrokerData>,
    /// Queue mapping per broker name; static topics only.
    pub topic_queue_mapping_by_broker: Option<BTreeMap<String, QueueMapping>>,
}

/// The queues of a topic on one broker name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueueData {
    /// Broker name.
    pub broker_name: String,
    /// Queues consumers read.
    pub read_queue_nums: i32,
    /// Queues producers write.
    pub write_queue_nums: i32,
    /// Bits of [`perm`](crate::perm).
    pub perm: i32,
    /// Unit bits of the topic.
    pub topic_sys_flag: i32,
}

/// The addresses of one broker name: a master and its slaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrokerData {
    /// Broker name.
    pub broker_name: String,
    /// Cluster name.
    pub cluster: String,
    /// `ip:port` by broker id; [`MASTER_ID`] is the master.
    pub broker_addrs: BTreeMap<i64, String>,
    /// A slave may stand in for the master; 5.x.
    pub enable_acting_master: bool,
    /// Zone of the broker; 5.x.
    pub zone_name: Option<String>,
}

/// Which global queues of a static topic one broker name serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueMapping {
    /// Scope of the static topic, normally `__global__`.
    pub scope: Option<String>,
    /// Global queues of the topic.
    pub total_queues: i32,
    /// Broker name.
    pub broker_name: Option<String>,
    /// Version of the mapping; the highest one of a queue counts.
    pub epoch: i64,
    /// Global queue id to the broker's own queue id.
    pub current_ids: BTreeMap<i32, i32>,
}

impl TopicRoute {
    /// The items of the order configuration, in order: broker names and how many queues of each.
    pub fn order(&self) -> impl Iterator<Item = (&str, i32)> {
        bounds::order(self.order_topic_conf.as_deref().unwrap_or_default())
    }
}

impl BrokerData {
    /// Address of the master.
    pub fn master(&self) -> Option<&str> {
        self.broker_addrs.get(&MASTER_ID).map(String::as_str)
    }
}
