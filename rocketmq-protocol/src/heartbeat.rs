//! Body of HEART_BEAT (protocol 4.4). The request has no ext fields of its own.

use serde::{Deserialize, Serialize};

use crate::DecodeError;

/// What a client registers at a broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeartbeatData {
    /// Client id.
    pub client_id: String,
    /// Producer groups of the client.
    pub producer_groups: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "clientID")]
    client_id: std::borrow::Cow<'a, str>,
    #[serde(default, skip_deserializing)]
    consumer_data_set: [(); 0],
    #[serde(default, skip_deserializing)]
    heartbeat_fingerprint: i32,
    #[serde(default)]
    producer_data_set: Option<Vec<Producer<'a>>>,
    #[serde(default, skip_deserializing)]
    without_sub: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Producer<'a> {
    group_name: std::borrow::Cow<'a, str>,
}

impl HeartbeatData {
    /// The JSON body of a client without consumers.
    pub fn to_json(&self) -> Vec<u8> {
        let groups = self.producer_groups.iter();
        let body = Body {
            client_id: self.client_id.as_str().into(),
            consumer_data_set: [],
            heartbeat_fingerprint: 0,
            producer_data_set: Some(groups.map(|g| Producer { group_name: g.as_str().into() }).collect()),
            without_sub: false,
        };
        // Text, numbers and arrays only: writing them to memory cannot fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// Reads a body; what it says about consumers is skipped.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        let body: Body<'_> =
            serde_json::from_slice(body).map_err(|source| DecodeError::json("heartbeat body", source))?;
        Ok(HeartbeatData {
            client_id: body.client_id.into_owned(),
            producer_groups: body
                .producer_data_set
                .unwrap_or_default()
                .into_iter()
                .map(|producer| producer.group_name.into_owned())
                .collect(),
        })
    }
}
