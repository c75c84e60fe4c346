//! What a broker adds to the properties of a single message. Brokers from 5.4 on add nothing to the members of a batch
//! (protocol 5.8), and without it consumers trace and answer nothing; so automatic batches bring it along.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::version;

/// The longest name of a region that is taken over: it goes into every member of every batch.
const MAX_REGION: usize = 255;

/// What one broker adds, learned from its answers.
#[derive(Default)]
pub(crate) struct BrokerProperties(ArcSwapOption<Known>);

struct Known {
    region_id: Option<Box<str>>,
    trace_on: bool,
    version: i32,
    text: Box<str>,
}

impl BrokerProperties {
    /// A message was stored, and this was the answer.
    pub(crate) fn learn(&self, cluster: &str, broker_version: i32, answer: &SendAnswer<'_>) {
        let region_id = answer.region_id.filter(|region| region.len() <= MAX_REGION);
        let is_known = |known: &Known| {
            known.version == broker_version
                && known.trace_on == answer.trace_on
                && known.region_id.as_deref() == region_id
        };
        if self.0.load().as_deref().is_some_and(is_known) {
            return;
        }
        self.0.store(Some(Arc::new(Known {
            region_id: region_id.map(Into::into),
            trace_on: answer.trace_on,
            version: broker_version,
            text: text(cluster, broker_version, region_id, answer.trace_on).into_boxed_str(),
        })));
    }

    /// The properties to add to each member of a batch; `None`: the broker has not told yet.
    pub(crate) fn text(&self) -> Option<Box<str>> {
        self.0.load().as_deref().map(|known| known.text.clone())
    }

    pub(crate) fn are_known(&self) -> bool {
        self.0.load().is_some()
    }
}

/// Brokers of 4.9 add their cluster to members too, and region and trace switch to no message.
fn text(cluster: &str, broker_version: i32, region_id: Option<&str>, trace_on: bool) -> String {
    let mut text = String::new();
    if broker_version >= version::V5_0_0 {
        if let Some(region_id) = region_id {
            properties::push(&mut text, name::MSG_REGION, region_id);
            properties::push(&mut text, name::TRACE_ON, if trace_on { "true" } else { "false" });
        }
        if !cluster.is_empty() {
            properties::push(&mut text, name::CLUSTER, cluster);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_singles_get_is_learned_and_learned_anew() {
        let added = BrokerProperties::default();
        assert!(!added.are_known() && added.text().is_none());
        let mut answer = SendAnswer { region_id: Some("R"), ..SendAnswer::default() };
        added.learn("C", version::V4_9_7, &answer);
        assert_eq!(added.text().as_deref(), Some(""), "4.9 adds nothing that batches lack");
        added.learn("C", version::V5_5_0, &answer);
        let text = added.text().unwrap_or_default();
        let pairs: Vec<_> = properties::iter(&text).collect();
        assert_eq!(pairs, [("MSG_REGION", "R"), ("TRACE_ON", "true"), ("CLUSTER", "C")]);
        answer.trace_on = false;
        added.learn("C", version::V5_5_0, &answer);
        assert_eq!(properties::get(&added.text().unwrap_or_default(), "TRACE_ON"), Some("false"));
        let long = "r".repeat(MAX_REGION + 1);
        answer.region_id = Some(&long);
        added.learn("C", version::V5_5_0, &answer);
        assert_eq!(added.text().as_deref(), Some("CLUSTER\u{1}C\u{2}"), "no region has such a name");
    }
}
