//! Attributes of topics, which 5.x has: `+key=value` adds, `-key` removes, commas between (protocol 2.7).

use std::collections::BTreeMap;

/// Says how a topic's queues count: `BatchCQ` topics store a batch as one record.
pub(crate) const QUEUE_TYPE: &str = "queue.type";
/// [`QUEUE_TYPE`] of topics that store a batch as one record.
pub(crate) const BATCH_QUEUES: &str = "BatchCQ";
/// `COMPACTION` topics keep the last message of a key.
pub(crate) const CLEANUP_POLICY: &str = "cleanup.policy";

/// An attribute a broker knows.
struct Attribute {
    name: &'static str,
    /// The values it may have; none for any.
    values: &'static [&'static str],
    /// Whether a topic that exists may change it.
    changeable: bool,
}

const KNOWN: &[Attribute] = &[
    Attribute { name: QUEUE_TYPE, values: &["SimpleCQ", BATCH_QUEUES], changeable: false },
    Attribute { name: CLEANUP_POLICY, values: &["DELETE", "COMPACTION"], changeable: false },
    Attribute {
        name: "message.type",
        values: &["UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED"],
        changeable: true,
    },
    Attribute { name: "reserve.time", values: &[], changeable: true },
];

/// The attributes of a topic after `changes`; `current` are those of a topic that exists. An error is the remark of the
/// refusal.
pub(crate) fn change(
    current: Option<&BTreeMap<String, String>>,
    changes: &str,
) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = current.cloned().unwrap_or_default();
    for change in changes.split(',').filter(|change| !change.is_empty()) {
        let (pair, value) = change.split_once('=').unwrap_or((change, ""));
        let (adds, name) = match (pair.strip_prefix('+'), pair.strip_prefix('-')) {
            (Some(name), _) => (true, name),
            (_, Some(name)) => (false, name),
            _ => return Err(format!("add/alter attribute format is wrong: {pair}")),
        };
        let Some(known) = KNOWN.iter().find(|known| known.name == name) else {
            return Err(format!("unsupported key: {name}"));
        };
        if current.is_none() && !adds {
            return Err(format!("only add attribute is supported while creating topic. key: {name}"));
        }
        if current.is_some() && !known.changeable {
            return Err(format!("attempt to update an unchangeable attribute. key: {name}"));
        }
        if !adds {
            attributes.remove(name);
        } else if known.values.is_empty() || known.values.contains(&value) {
            attributes.insert(name.to_owned(), value.to_owned());
        } else {
            return Err(format!("value is not in set: [{}]", known.values.join(", ")));
        }
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn attributes_are_added_replaced_and_removed() {
        let made = change(None, "+queue.type=BatchCQ,+message.type=FIFO").unwrap();
        assert_eq!(made, map(&[("queue.type", "BatchCQ"), ("message.type", "FIFO")]));
        let changed = change(Some(&made), "+message.type=NORMAL,+reserve.time=7").unwrap();
        assert_eq!(
            changed,
            map(&[("queue.type", "BatchCQ"), ("message.type", "NORMAL"), ("reserve.time", "7")])
        );
        assert_eq!(
            change(Some(&changed), "-message.type,-reserve.time"),
            Ok(map(&[("queue.type", "BatchCQ")]))
        );
        assert_eq!(change(Some(&made), ""), Ok(made));
    }

    #[test]
    fn what_a_broker_does_not_take() {
        let made = map(&[("queue.type", "BatchCQ")]);
        for (current, changes, remark) in [
            (None, "queue.type=BatchCQ", "add/alter attribute format is wrong: queue.type"),
            (None, "+no.such=1", "unsupported key: no.such"),
            (None, "-queue.type", "only add attribute is supported while creating topic. key: queue.type"),
            (None, "+queue.type=Other", "value is not in set: [SimpleCQ, BatchCQ]"),
            (
                Some(&made),
                "+queue.type=SimpleCQ",
                "attempt to update an unchangeable attribute. key: queue.type",
            ),
            (Some(&made), "-queue.type", "attempt to update an unchangeable attribute. key: queue.type"),
        ] {
            assert_eq!(change(current, changes), Err(remark.to_owned()));
        }
    }
}
