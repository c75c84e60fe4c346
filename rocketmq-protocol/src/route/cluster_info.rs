//! The brokers a name server knows: body of the answer to GET_BROKER_CLUSTER_INFO.

use std::collections::BTreeMap;

use super::{BrokerData, lenient_json, wire};
use crate::DecodeError;

/// Brokers and clusters of a name server (protocol 2.6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterInfo {
    /// Brokers by name.
    pub brokers: BTreeMap<String, BrokerData>,
    /// Broker names by cluster name.
    pub clusters: BTreeMap<String, Vec<String>>,
}

impl ClusterInfo {
    /// Reads a body; every server writes the broker ids unquoted.
    pub fn parse(body: &[u8]) -> Result<ClusterInfo, DecodeError> {
        let info: wire::Cluster = lenient_json::parse("cluster info", body)?;
        info.try_into()
    }

    /// The body a name server would send, broker ids unquoted.
    pub fn to_json(&self) -> Vec<u8> {
        lenient_json::write(&wire::Cluster::from(self), false)
    }
}
