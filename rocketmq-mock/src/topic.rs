//! The topics a broker knows, and how it makes new ones (protocol 14.3).

use std::collections::{BTreeMap, HashMap};

use rocketmq_protocol::{perm, topics};

use crate::broker::attributes;
use crate::options::Profile;

/// Cluster name of every mock broker.
pub(crate) const CLUSTER: &str = "DefaultCluster";

/// Highest delay level of the default `messageDelayLevel`.
pub(crate) const MAX_DELAY_LEVEL: i32 = 18;

const READ_WRITE: i32 = perm::READ | perm::WRITE;
const READ_WRITE_INHERIT: i32 = READ_WRITE | perm::INHERIT;

/// Unit bits of a topic's sysFlag: made by a producer in unit mode, by a consumer in unit mode.
const UNIT: i32 = 1;
const UNIT_SUBSCRIPTION: i32 = 2;

/// What a broker knows of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicConfig {
    pub(crate) read_queues: i32,
    pub(crate) write_queues: i32,
    pub(crate) perm: i32,
    pub(crate) sys_flag: i32,
    pub(crate) order: bool,
    pub(crate) multi_tag: bool,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl TopicConfig {
    pub(crate) fn new(read_queues: i32, write_queues: i32, perm: i32) -> TopicConfig {
        TopicConfig {
            read_queues,
            write_queues,
            perm,
            sys_flag: 0,
            order: false,
            multi_tag: false,
            attributes: BTreeMap::new(),
        }
    }

    /// Whether messages need KEYS.
    pub(crate) fn is_compaction(&self) -> bool {
        self.attributes.get(attributes::CLEANUP_POLICY).is_some_and(|policy| policy == "COMPACTION")
    }

    /// Whether a batch is stored as one record.
    pub(crate) fn has_batch_queues(&self) -> bool {
        self.attributes.get(attributes::QUEUE_TYPE).is_some_and(|kind| kind == attributes::BATCH_QUEUES)
    }

    /// The text brokers put into remarks.
    pub(crate) fn describe(&self, name: &str, profile: Profile) -> String {
        let right = |bit: i32, letter: char| if self.perm & bit != 0 { letter } else { '-' };
        let filter = if self.multi_tag { "MULTI_TAG" } else { "SINGLE_TAG" };
        let mut text = format!(
            "TopicConfig [topicName={name}, readQueueNums={}, writeQueueNums={}, perm={}{}{}, \
             topicFilterType={filter}, topicSysFlag={}, order={}",
            self.read_queues,
            self.write_queues,
            right(perm::READ, 'R'),
            right(perm::WRITE, 'W'),
            right(perm::INHERIT, 'X'),
            self.sys_flag,
            self.order,
        );
        if profile.is_v5() {
            let pairs: Vec<String> =
                self.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
            text.push_str(&format!(", attributes={{{}}}", pairs.join(", ")));
        }
        text.push(']');
        text
    }
}

/// The topics of one broker.
#[derive(Debug)]
pub(crate) struct TopicTable {
    topics: HashMap<String, TopicConfig>,
    auto_create: bool,
}

impl TopicTable {
    /// The topics a broker always has.
    pub(crate) fn new(broker: &str, profile: Profile, auto_create: bool) -> TopicTable {
        let mut known = HashMap::new();
        let mut own = |name: &str, queues: i32, perm: i32| {
            known.insert(name.to_owned(), TopicConfig::new(queues, queues, perm));
        };
        own(topics::SELF_TEST, 1, READ_WRITE);
        own(topics::BENCHMARK, 1024, READ_WRITE);
        own(topics::OFFSET_MOVED_EVENT, 1, READ_WRITE);
        own(topics::SCHEDULE, MAX_DELAY_LEVEL, READ_WRITE);
        own(topics::TRANS_HALF, 1, READ_WRITE);
        own(topics::TRANS_OP_HALF, 1, READ_WRITE);
        own(&format!("{CLUSTER}{}", topics::REPLY_SUFFIX), 1, READ_WRITE);
        own(CLUSTER, 16, READ_WRITE_INHERIT);
        own(broker, 1, READ_WRITE_INHERIT);
        if profile.is_v5() {
            own(topics::WHEEL_TIMER, 1, READ_WRITE);
        }
        let mut table = TopicTable { topics: known, auto_create: false };
        table.set_auto_create(auto_create);
        table
    }

    /// Switches `autoCreateTopicEnable`: TBW102 comes with it and goes with it.
    pub(crate) fn set_auto_create(&mut self, auto_create: bool) {
        if auto_create {
            self.topics.insert(topics::AUTO_CREATE.to_owned(), TopicConfig::new(8, 8, READ_WRITE_INHERIT));
        } else if self.auto_create {
            self.topics.remove(topics::AUTO_CREATE);
        }
        self.auto_create = auto_create;
    }

    pub(crate) fn get(&self, name: &str) -> Option<&TopicConfig> {
        self.topics.get(name)
    }

    pub(crate) fn set(&mut self, name: &str, config: TopicConfig) {
        self.topics.insert(name.to_owned(), config);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.topics.remove(name);
    }

    /// Makes the topic of a send, if the send's default topic lets it. `wanted_queues` is the header's
    /// `defaultTopicQueueNums`.
    pub(crate) fn create_for_send(
        &mut self,
        name: &str,
        default_topic: &str,
        wanted_queues: i32,
        unit: bool,
    ) -> bool {
        let model = self.topics.get(default_topic).filter(|model| {
            let inherits = model.perm & perm::INHERIT != 0;
            inherits && (default_topic != topics::AUTO_CREATE || self.auto_create)
        });
        let mut created = match model {
            Some(model) => {
                let queues = wanted_queues.min(model.write_queues).max(0);
                TopicConfig {
                    multi_tag: model.multi_tag,
                    ..TopicConfig::new(queues, queues, model.perm & !perm::INHERIT)
                }
            }
            None if name.starts_with(topics::RETRY_PREFIX) => TopicConfig::new(1, 1, READ_WRITE),
            None => return false,
        };
        created.sys_flag = match unit {
            false => 0,
            true if name.starts_with(topics::RETRY_PREFIX) => UNIT_SUBSCRIPTION,
            true => UNIT,
        };
        self.set(name, created);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(table: &mut TopicTable, default_topic: &str, wanted: i32) -> Option<TopicConfig> {
        table.create_for_send("Fresh", default_topic, wanted, false).then(|| table.get("Fresh").cloned())?
    }

    #[test]
    fn a_new_topic_has_at_most_the_queues_of_its_model() {
        let mut table = TopicTable::new("broker-0", Profile::V5, true);
        assert_eq!(created(&mut table, "TBW102", 4), Some(TopicConfig::new(4, 4, 6)));
        assert_eq!(created(&mut table, "TBW102", 100), Some(TopicConfig::new(8, 8, 6)));
        assert_eq!(created(&mut table, "TBW102", -3), Some(TopicConfig::new(0, 0, 6)));
        assert_eq!(created(&mut table, CLUSTER, 100), Some(TopicConfig::new(16, 16, 6)));
        assert_eq!(created(&mut table, "broker-0", 4), Some(TopicConfig::new(1, 1, 6)));
    }

    #[test]
    fn a_model_must_exist_and_let_itself_be_inherited() {
        let mut table = TopicTable::new("broker-0", Profile::V5, true);
        assert_eq!(created(&mut table, "Unknown", 4), None);
        assert_eq!(created(&mut table, "BenchmarkTest", 4), None);
        table.set_auto_create(false);
        assert!(table.get(topics::AUTO_CREATE).is_none());
        assert_eq!(created(&mut table, "TBW102", 4), None);
        table.set(topics::AUTO_CREATE, TopicConfig::new(8, 8, READ_WRITE_INHERIT));
        assert_eq!(created(&mut table, "TBW102", 4), None);
        assert!(table.create_for_send("%RETRY%g", "TBW102", 4, false));
        assert_eq!(table.get("%RETRY%g"), Some(&TopicConfig::new(1, 1, 6)));
    }

    #[test]
    fn a_topic_inherits_permission_and_filter_of_its_model_and_nothing_else() {
        let mut table = TopicTable::new("broker-0", Profile::V5, true);
        let model = TopicConfig {
            sys_flag: 3,
            order: true,
            multi_tag: true,
            attributes: BTreeMap::from([("message.type".to_owned(), "FIFO".to_owned())]),
            ..TopicConfig::new(9, 2, perm::INHERIT)
        };
        table.set("Model", model);
        let expected = TopicConfig { multi_tag: true, ..TopicConfig::new(2, 2, 0) };
        assert_eq!(created(&mut table, "Model", 4), Some(expected));
    }

    #[test]
    fn unit_mode_marks_new_topics() {
        let mut table = TopicTable::new("broker-0", Profile::V5, true);
        for (name, unit, default_topic, flag) in [
            ("A", true, "TBW102", 1),
            ("B", false, "TBW102", 0),
            ("%RETRY%a", true, "TBW102", 2),
            ("%RETRY%b", true, "Unknown", 2),
            ("%RETRY%c", false, "Unknown", 0),
        ] {
            assert!(table.create_for_send(name, default_topic, 4, unit));
            assert_eq!(table.get(name).map(|topic| topic.sys_flag), Some(flag), "{name}");
        }
    }

    #[test]
    fn the_description_is_the_one_of_brokers() {
        let config = TopicConfig::new(4, 8, 6);
        assert_eq!(
            config.describe("T", Profile::V4_9),
            "TopicConfig [topicName=T, readQueueNums=4, writeQueueNums=8, perm=RW-, \
             topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false]"
        );
        assert!(config.describe("T", Profile::V5).ends_with("order=false, attributes={}]"));
    }
}
