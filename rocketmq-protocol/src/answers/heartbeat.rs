//! Answer to a heartbeat (protocol 2.5).

use crate::DecodeError;
use crate::encode::{ExtFields, FieldVisitor};
use crate::header::Fields;

/// What a 5.x broker adds to the success of HEART_BEAT; 4.9 adds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeartbeatAnswer {
    /// The broker knows heartbeats with a fingerprint.
    pub supports_v2: Option<bool>,
    /// Subscriptions changed; for consumers.
    pub subscription_changed: Option<bool>,
}

impl HeartbeatAnswer {
    /// Reads the ext fields of an answer.
    pub fn decode(fields: &Fields<'_>) -> Result<Self, DecodeError> {
        Ok(HeartbeatAnswer {
            supports_v2: fields.get_bool("IS_SUPPORT_HEART_BEAT_V2")?,
            subscription_changed: fields.get_bool("IS_SUB_CHANGE")?,
        })
    }
}

impl ExtFields for HeartbeatAnswer {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        if let Some(supported) = self.supports_v2 {
            visitor.boolean("IS_SUPPORT_HEART_BEAT_V2", supported);
        }
        if let Some(changed) = self.subscription_changed {
            visitor.boolean("IS_SUB_CHANGE", changed);
        }
    }
}
