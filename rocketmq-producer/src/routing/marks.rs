//! What a broker adds to the properties of a single message. Brokers from 5.4 on add nothing to the members of a batch
//! (protocol 5.8), and without it consumers trace and answer nothing; so automatic batches bring it along.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::version;

/// The marks of one broker, learned from its answers.
#[derive(Default)]
pub(crate) struct Marks(ArcSwapOption<Known>);

struct Known {
    region_id: Option<Box<str>>,
    trace_on: bool,
    version: i32,
    text: Box<str>,
}

impl Marks {
    /// A message was stored, and this was the answer.
    pub(crate) fn learn(&self, cluster: &str, broker_version: i32, answer: &SendAnswer<'_>) {
        let is_known = |known: &Known| {
            known.version == broker_version
                && known.trace_on == answer.trace_on
                && known.region_id.as_deref() == answer.region_id
        };
        if self.0.load().as_deref().is_some_and(is_known) {
            return;
        }
        self.0.store(Some(Arc::new(Known {
            region_id: answer.region_id.map(Into::into),
            trace_on: answer.trace_on,
            version: broker_version,
            text: marks(cluster, broker_version, answer).into_boxed_str(),
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
fn marks(cluster: &str, broker_version: i32, answer: &SendAnswer<'_>) -> String {
    let mut text = String::new();
    if broker_version >= version::V5_0_0 {
        if let Some(region_id) = answer.region_id {
            properties::push(&mut text, name::MSG_REGION, region_id);
            properties::push(&mut text, name::TRACE_ON, if answer.trace_on { "true" } else { "false" });
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
        let marks = Marks::default();
        assert!(!marks.are_known() && marks.text().is_none());
        let mut answer = SendAnswer { region_id: Some("R"), ..SendAnswer::default() };
        marks.learn("C", version::V4_9_7, &answer);
        assert_eq!(marks.text().as_deref(), Some(""), "4.9 adds nothing that batches lack");
        marks.learn("C", version::V5_5_0, &answer);
        let text = marks.text().unwrap_or_default();
        let pairs: Vec<_> = properties::iter(&text).collect();
        assert_eq!(pairs, [("MSG_REGION", "R"), ("TRACE_ON", "true"), ("CLUSTER", "C")]);
        answer.trace_on = false;
        marks.learn("C", version::V5_5_0, &answer);
        assert_eq!(properties::get(&marks.text().unwrap_or_default(), "TRACE_ON"), Some("false"));
    }
}
