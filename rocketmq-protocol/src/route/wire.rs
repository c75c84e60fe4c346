//! Route and cluster JSON as it stands on the wire, and its way to and from the public types.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{BrokerData, ClusterInfo, QueueData, QueueMapping, TopicRoute, bounds, lenient_json};
use crate::DecodeError;

const WHAT: &str = "topic route";

/// Present when the server wrote a reference to an object met before instead of the object.
type Reference = Option<IgnoredAny>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Route {
    #[serde(default, deserialize_with = "bounds::brokers")]
    broker_datas: Option<Vec<Broker>>,
    #[serde(default, skip_deserializing)]
    filter_server_table: BTreeMap<(), ()>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_topic_conf: Option<String>,
    #[serde(default, deserialize_with = "bounds::brokers")]
    queue_datas: Option<Vec<Queue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic_queue_mapping_by_broker: Option<BTreeMap<String, Mapping>>,
    #[serde(rename = "$ref", default, skip_serializing)]
    reference: Reference,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Broker {
    #[serde(default, deserialize_with = "bounds::addresses")]
    broker_addrs: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    broker_name: Option<String>,
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    enable_acting_master: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone_name: Option<String>,
    #[serde(rename = "$ref", default, skip_serializing)]
    reference: Reference,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Queue {
    #[serde(default)]
    broker_name: Option<String>,
    #[serde(default)]
    perm: Option<i32>,
    #[serde(default)]
    read_queue_nums: Option<i32>,
    #[serde(default)]
    topic_sys_flag: Option<i32>,
    /// The spelling up to 4.8.0.
    #[serde(default, skip_serializing)]
    topic_syn_flag: Option<i32>,
    #[serde(default)]
    write_queue_nums: Option<i32>,
    #[serde(rename = "$ref", default, skip_serializing)]
    reference: Reference,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mapping {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bname: Option<String>,
    #[serde(default)]
    curr_id_map: Option<BTreeMap<String, i32>>,
    #[serde(default)]
    epoch: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default)]
    total_queues: Option<i32>,
    #[serde(rename = "$ref", default, skip_serializing)]
    reference: Reference,
}

fn reject(reference: &Reference) -> Result<(), DecodeError> {
    match reference {
        Some(_) => Err(DecodeError::malformed(WHAT, "a $ref stands in place of an object")),
        None => Ok(()),
    }
}

fn id<T: std::str::FromStr>(name: &str) -> Result<T, DecodeError> {
    name.trim()
        .parse()
        .map_err(|_| DecodeError::malformed(WHAT, format!("{:?} is no id", crate::error::quote(name))))
}

fn named(name: Option<String>, what: &str) -> Result<String, DecodeError> {
    let name = name.ok_or_else(|| DecodeError::malformed(WHAT, format!("{what} without brokerName")))?;
    bounds::text("brokerName", name)
}

impl TopicRoute {
    /// Reads a route body. Lenient where servers differ: ids may be unquoted, `topicSysFlag` may be
    /// spelled `topicSynFlag`, null is absent, unknown members are skipped. A `$ref` in place of an
    /// object is an error, and so is more of anything than the [bounds](super::bounds) allow.
    pub fn parse(body: &[u8]) -> Result<TopicRoute, DecodeError> {
        if body.len() > bounds::MAX_ROUTE_BYTES {
            let text = format!("a route of {} bytes, more than {}", body.len(), bounds::MAX_ROUTE_BYTES);
            return Err(bounds::refused(text));
        }
        let route: Route = lenient_json::parse("topic route", body)?;
        route.try_into()
    }

    /// The body a name server would send: with quoted ids for clients from 4.9.4 on, with unquoted ones
    /// for older clients.
    pub fn to_json(&self, quoted: bool) -> Vec<u8> {
        lenient_json::write(&Route::from(self), quoted)
    }
}

impl TryFrom<Route> for TopicRoute {
    type Error = DecodeError;

    fn try_from(route: Route) -> Result<Self, DecodeError> {
        reject(&route.reference)?;
        let queues = route.queue_datas.unwrap_or_default().into_iter();
        let brokers = route.broker_datas.unwrap_or_default().into_iter();
        let mut queue_datas: Vec<QueueData> = queues.map(TryInto::try_into).collect::<Result<_, _>>()?;
        let mut broker_datas: Vec<BrokerData> = brokers.map(TryInto::try_into).collect::<Result<_, _>>()?;
        queue_datas.sort();
        broker_datas.sort();
        bounds::topic_queues(queue_datas.iter().map(|data| data.write_queue_nums))?;
        // A topic that is made like this one gets as many as it reads.
        bounds::topic_queues(queue_datas.iter().map(|data| data.read_queue_nums))?;
        route.order_topic_conf.as_deref().map_or(Ok(()), bounds::check_order)?;
        let mappings = route.topic_queue_mapping_by_broker.map(|mappings| {
            mappings.into_iter().map(|(name, mapping)| Ok((name, mapping.try_into()?))).collect()
        });
        Ok(TopicRoute {
            order_topic_conf: route.order_topic_conf,
            queue_datas,
            broker_datas,
            topic_queue_mapping_by_broker: mappings.transpose()?,
        })
    }
}

impl TryFrom<Queue> for QueueData {
    type Error = DecodeError;

    fn try_from(queue: Queue) -> Result<Self, DecodeError> {
        reject(&queue.reference)?;
        let broker_name = named(queue.broker_name, "queueDatas item")?;
        let count = |what, nums: Option<i32>| bounds::queue_count(&broker_name, what, nums.unwrap_or(0));
        Ok(QueueData {
            read_queue_nums: count("readQueueNums", queue.read_queue_nums)?,
            write_queue_nums: count("writeQueueNums", queue.write_queue_nums)?,
            broker_name,
            perm: queue.perm.unwrap_or(0),
            topic_sys_flag: queue.topic_sys_flag.or(queue.topic_syn_flag).unwrap_or(0),
        })
    }
}

impl TryFrom<Broker> for BrokerData {
    type Error = DecodeError;

    fn try_from(broker: Broker) -> Result<Self, DecodeError> {
        reject(&broker.reference)?;
        let mut broker_addrs = BTreeMap::new();
        for (name, address) in broker.broker_addrs.unwrap_or_default() {
            if name == "$ref" {
                return reject(&Some(IgnoredAny)).map(|()| BrokerData::default());
            }
            if let Some(address) = address {
                broker_addrs.insert(id(&name)?, bounds::text("an address", address)?);
            }
        }
        Ok(BrokerData {
            broker_name: named(broker.broker_name, "brokerDatas item")?,
            cluster: bounds::text("cluster", broker.cluster.unwrap_or_default())?,
            broker_addrs,
            enable_acting_master: broker.enable_acting_master.unwrap_or(false),
            zone_name: broker.zone_name.map(|zone| bounds::text("zoneName", zone)).transpose()?,
        })
    }
}

impl TryFrom<Mapping> for QueueMapping {
    type Error = DecodeError;

    fn try_from(mapping: Mapping) -> Result<Self, DecodeError> {
        reject(&mapping.reference)?;
        let ids = mapping.curr_id_map.unwrap_or_default().into_iter();
        Ok(QueueMapping {
            scope: mapping.scope,
            total_queues: mapping.total_queues.unwrap_or(0),
            broker_name: mapping.bname,
            epoch: mapping.epoch.unwrap_or(0),
            current_ids: ids.map(|(name, own)| Ok((id(&name)?, own))).collect::<Result<_, DecodeError>>()?,
        })
    }
}

impl From<&TopicRoute> for Route {
    fn from(route: &TopicRoute) -> Self {
        Route {
            broker_datas: Some(route.broker_datas.iter().map(Broker::from).collect()),
            filter_server_table: BTreeMap::new(),
            order_topic_conf: route.order_topic_conf.clone(),
            queue_datas: Some(route.queue_datas.iter().map(Queue::from).collect()),
            topic_queue_mapping_by_broker: route
                .topic_queue_mapping_by_broker
                .as_ref()
                .map(|mappings| mappings.iter().map(|(name, m)| (name.clone(), m.into())).collect()),
            reference: None,
        }
    }
}

impl From<&QueueData> for Queue {
    fn from(queue: &QueueData) -> Self {
        Queue {
            broker_name: Some(queue.broker_name.clone()),
            perm: Some(queue.perm),
            read_queue_nums: Some(queue.read_queue_nums),
            topic_sys_flag: Some(queue.topic_sys_flag),
            topic_syn_flag: None,
            write_queue_nums: Some(queue.write_queue_nums),
            reference: None,
        }
    }
}

impl From<&BrokerData> for Broker {
    fn from(broker: &BrokerData) -> Self {
        let addresses = broker.broker_addrs.iter();
        Broker {
            broker_addrs: Some(addresses.map(|(id, at)| (id.to_string(), Some(at.clone()))).collect()),
            broker_name: Some(broker.broker_name.clone()),
            cluster: Some(broker.cluster.clone()),
            enable_acting_master: Some(broker.enable_acting_master),
            zone_name: broker.zone_name.clone(),
            reference: None,
        }
    }
}

impl From<&QueueMapping> for Mapping {
    fn from(mapping: &QueueMapping) -> Self {
        Mapping {
            bname: mapping.broker_name.clone(),
            curr_id_map: Some(mapping.current_ids.iter().map(|(id, own)| (id.to_string(), *own)).collect()),
            epoch: Some(mapping.epoch),
            scope: mapping.scope.clone(),
            total_queues: Some(mapping.total_queues),
            reference: None,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cluster {
    #[serde(default)]
    broker_addr_table: Option<BTreeMap<String, Broker>>,
    #[serde(default)]
    cluster_addr_table: Option<BTreeMap<String, Option<Vec<String>>>>,
}

impl ClusterInfo {
    /// Reads a body; every server writes the broker ids unquoted.
    pub fn parse(body: &[u8]) -> Result<ClusterInfo, DecodeError> {
        let info: Cluster = lenient_json::parse("cluster info", body)?;
        info.try_into()
    }

    /// The body a name server would send, broker ids unquoted.
    pub fn to_json(&self) -> Vec<u8> {
        lenient_json::write(&Cluster::from(self), false)
    }
}

impl TryFrom<Cluster> for ClusterInfo {
    type Error = DecodeError;

    fn try_from(cluster: Cluster) -> Result<Self, DecodeError> {
        let brokers = cluster.broker_addr_table.unwrap_or_default().into_iter();
        let clusters = cluster.cluster_addr_table.unwrap_or_default().into_iter();
        Ok(ClusterInfo {
            brokers: brokers
                .map(|(name, broker)| Ok((name, broker.try_into()?)))
                .collect::<Result<_, DecodeError>>()?,
            clusters: clusters.map(|(name, brokers)| (name, brokers.unwrap_or_default())).collect(),
        })
    }
}

impl From<&ClusterInfo> for Cluster {
    fn from(info: &ClusterInfo) -> Self {
        Cluster {
            broker_addr_table: Some(
                info.brokers.iter().map(|(n, broker)| (n.clone(), broker.into())).collect(),
            ),
            cluster_addr_table: Some(
                info.clusters.iter().map(|(name, brokers)| (name.clone(), Some(brokers.clone()))).collect(),
            ),
        }
    }
}
