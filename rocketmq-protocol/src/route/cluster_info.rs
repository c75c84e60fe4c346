//! The brokers a name server knows: body of the answer to GET_BROKER_CLUSTER_INFO.

use std::collections::BTreeMap;

use super::BrokerData;

/// Brokers and clusters of a name server (protocol 2.6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterInfo {
    /// Brokers by name.
    pub brokers: BTreeMap<String, BrokerData>,
    /// Broker names by cluster name.
    pub clusters: BTreeMap<String, Vec<String>>,
}
