//! The handle of a timer message, by which it can be stopped (protocol 11.4).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::DecodeError;

const WHAT: &str = "recall handle";
const VERSION: &str = "v1";

/// Written with padding, read with or without, as brokers do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a recall handle says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecallHandle {
    /// Topic.
    pub topic: String,
    /// Name of the broker that holds the message.
    pub broker_name: String,
    /// Delivery time, ms since the epoch, plus 1.
    pub timestamp_ms: i64,
    /// Unique id of the message.
    pub unique_id: String,
}

impl fmt::Display for RecallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecallHandle { topic, broker_name, timestamp_ms, unique_id } = self;
        let text = format!("{VERSION} {topic} {broker_name} {timestamp_ms} {unique_id}");
        f.write_str(&BASE64.encode(text))
    }
}

impl FromStr for RecallHandle {
    type Err = DecodeError;

    /// Reads the text of a send answer; what follows the fifth part is ignored.
    fn from_str(handle: &str) -> Result<Self, DecodeError> {
        let bytes = BASE64.decode(handle).map_err(|error| DecodeError::malformed(WHAT, error.to_string()))?;
        let text =
            String::from_utf8(bytes).map_err(|error| DecodeError::malformed(WHAT, error.to_string()))?;
        let mut parts = text.split(' ');
        let mut next =
            |what| parts.next().ok_or_else(|| DecodeError::malformed(WHAT, format!("no {what} in it")));
        let version = next("version")?;
        if version != VERSION {
            let detail = format!("version {:?}, expected {VERSION}", crate::error::quote(version));
            return Err(DecodeError::malformed(WHAT, detail));
        }
        let topic = next("topic")?.to_owned();
        let broker_name = next("broker name")?.to_owned();
        let timestamp = next("time")?;
        let timestamp_ms = timestamp.parse().map_err(|_| {
            DecodeError::malformed(WHAT, format!("time {:?} is no number", crate::error::quote(timestamp)))
        })?;
        let unique_id = next("unique id")?.to_owned();
        Ok(RecallHandle { topic, broker_name, timestamp_ms, unique_id })
    }
}
