//! That the comparison notices: an imagined consumption without fault passes, and each fault put into it does not.

use std::collections::BTreeMap;

use cluster::consumers::{Consumed, Given, TraceRecord, Way};
use cluster::{ReadMessage, Version};

use crate::allowed::{Allowed, allowed};
use crate::complaints::Complaints;
use crate::messages::{Outgoing, message};
use crate::pairs;
use crate::send::{Form, Placed};
use crate::topic::Topic;

const BROKER: &str = "127.0.0.1:20004";
/// Enough for each filter and each key.
const FEW: usize = 5;
const SENT: i64 = 1_700_000_000_000;
const TOPICS: [&str; 2] = ["T_singles", "T_members"];

fn topics(messages: &[Outgoing]) -> [Topic<'_>; 2] {
    [0, 1].map(|number| {
        let placed = (0..messages.len()).map(|serial| Placed {
            unique_id: format!("{number:016X}{serial:016X}"),
            offset_message_id: format!("F{number:015X}{serial:016X}"),
            queue_id: 0,
            queue_offset: i64::try_from(serial).expect("few messages"),
            time: (SENT, SENT + 5),
        });
        Topic { name: TOPICS[number], messages, placed: placed.collect(), broker: BROKER, traced: true }
    })
}

/// What consumers get of one message if all is well.
fn read(topic: &Topic<'_>, serial: usize, way: Way) -> ReadMessage {
    let (message, placed) = (&topic.messages[serial], &topic.placed[serial]);
    let mut properties: BTreeMap<String, String> =
        message.properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    properties.insert("UNIQ_KEY".to_owned(), placed.unique_id.clone());
    properties.insert("CONSUME_START_TIME".to_owned(), (SENT + 100).to_string());
    if way == Way::Retry {
        properties.insert("RETRY_TOPIC".to_owned(), topic.name.to_owned());
        properties.insert("ORIGIN_MESSAGE_ID".to_owned(), placed.offset_message_id.clone());
    }
    ReadMessage {
        topic: topic.name.to_owned(),
        queue_id: placed.queue_id,
        queue_offset: placed.queue_offset,
        body: message.body.clone(),
        body_crc: 7,
        tags: message.tags.map(str::to_owned),
        keys: (!message.keys.is_empty()).then(|| message.keys.join(" ")),
        properties,
        unique_id: placed.unique_id.clone(),
        offset_message_id: placed.offset_message_id.clone(),
        born_host: "127.0.0.1:50000".to_owned(),
        store_host: BROKER.to_owned(),
        born_timestamp: SENT,
        store_timestamp: SENT + 5,
        store_size: 200 + message.body.len(),
        sys_flag: 0,
        flag: message.flag,
        reconsume_times: i32::from(way == Way::Retry),
        prepared_offset: 0,
    }
}

fn consumed(topic: &Topic<'_>, consumed: &mut Consumed) {
    for (serial, message) in topic.messages.iter().enumerate() {
        let placed = &topic.placed[serial];
        for way in Way::ALL {
            let asked = match way {
                Way::TagFilter if !message.is_tagged() => continue,
                Way::SqlFilter if !message.is_selected() => continue,
                Way::Key => message.keys.iter().cloned().map(Some).collect(),
                Way::OffsetId => vec![Some(placed.offset_message_id.clone())],
                Way::UniqueId => vec![Some(placed.unique_id.clone())],
                _ => vec![None],
            };
            consumed.messages.extend(asked.into_iter().map(|asked| Given {
                way,
                asked,
                reply_topic: Some("replies".to_owned()),
                message: read(topic, serial, way),
            }));
        }
        let id = placed.unique_id.as_str();
        for fields in [
            vec!["SubBefore", "1700000000100", "region", "group", id, id],
            vec!["SubAfter", id, id, "3", "true"],
        ] {
            let fields = fields.into_iter().map(str::to_owned).collect();
            consumed.traces.push(TraceRecord { unique_id: id.to_owned(), fields });
        }
    }
}

/// Complaints after `fault` has been done to what was consumed.
fn complaints(fault: impl FnOnce(&mut Consumed)) -> Vec<String> {
    complaints_under(&[], fault)
}

fn complaints_under(rules: &[Allowed], fault: impl FnOnce(&mut Consumed)) -> Vec<String> {
    let sent: Vec<_> = (0..FEW).map(message).collect();
    let topics = topics(&sent);
    let mut all = Consumed::default();
    topics.iter().for_each(|topic| consumed(topic, &mut all));
    fault(&mut all);
    let mut complaints = Complaints::default();
    let [singles, members] = topics.map(|topic| topic.check(&all, &mut complaints));
    pairs::compare(rules, TOPICS[1], &singles, &members, &mut complaints);
    complaints.lines()
}

/// The place among all messages of the first member that was got in this way.
fn first(consumed: &Consumed, way: Way) -> usize {
    let member = |given: &Given| given.way == way && given.message.topic == TOPICS[1];
    consumed.messages.iter().position(member).expect("each way gives some")
}

fn first_mut(consumed: &mut Consumed, way: Way) -> &mut Given {
    let index = first(consumed, way);
    &mut consumed.messages[index]
}

#[test]
fn nothing_is_wrong_when_all_is_well() {
    assert_eq!(complaints(|_| {}), Vec::<String>::new());
}

#[test]
fn each_changed_field_is_noticed() {
    type Change = fn(&mut ReadMessage);
    let changes: [(&str, Change); 21] = [
        ("topic", |m| m.topic = TOPICS[0].to_owned()),
        ("queue id", |m| m.queue_id = 1),
        ("queue offset", |m| m.queue_offset += 1),
        ("body", |m| m.body[0] ^= 1),
        ("body checksum", |m| m.body_crc += 1),
        ("tags", |m| m.tags = Some("other".to_owned())),
        ("tags lost or found", |m| m.tags = m.tags.is_none().then(|| "red".to_owned())),
        ("keys", |m| m.keys = Some("other".to_owned())),
        ("unique id", |m| m.unique_id = format!("{:032X}", 1)),
        ("offset message id", |m| m.offset_message_id = format!("{:032X}", 1)),
        ("born host", |m| m.born_host = "127.0.0.2:50000".to_owned()),
        ("store host", |m| m.store_host = "127.0.0.1:20014".to_owned()),
        ("born before its send", |m| m.born_timestamp = SENT - 1),
        ("born after its send", |m| m.born_timestamp = SENT + 6),
        ("stored before its send", |m| m.store_timestamp = SENT - 1),
        ("sys flag", |m| m.sys_flag = 1),
        ("flag", |m| m.flag = 99),
        ("reconsume times", |m| m.reconsume_times += 1),
        ("prepared offset", |m| m.prepared_offset = 1),
        ("changed property", |m| *m.properties.entry("Größe".to_owned()).or_default() += "x"),
        ("changed UNIQ_KEY", |m| *m.properties.entry("UNIQ_KEY".to_owned()).or_default() += "0"),
    ];
    let free_in_retry = ["queue offset", "offset message id"];
    for way in Way::ALL {
        for (what, change) in changes {
            let found = complaints(|all| change(&mut first_mut(all, way).message));
            let expected = !(way == Way::Retry && free_in_retry.contains(&what));
            assert_eq!(!found.is_empty(), expected, "{what} by {way:?}: {found:?}");
        }
    }
}

#[test]
fn lost_and_foreign_properties_are_noticed() {
    for way in Way::ALL {
        for name in ["serial", "Größe", "UNIQ_KEY"] {
            let found = complaints(|all| {
                first_mut(all, way).message.properties.remove(name);
            });
            assert!(!found.is_empty(), "{name} by {way:?}");
        }
        // In both topics, so that there is no difference between them.
        let found = complaints(|all| {
            for given in all.messages.iter_mut().filter(|given| given.way == way) {
                given.message.properties.insert("foreign".to_owned(), "1".to_owned());
            }
        });
        assert!(!found.is_empty(), "a foreign property by {way:?}");
        let found = complaints(|all| first_mut(all, way).reply_topic = None);
        assert!(!found.is_empty(), "no reply topic by {way:?}");
    }
}

#[test]
fn lost_doubled_and_misplaced_messages_are_noticed() {
    for way in Way::ALL {
        let found = complaints(|all| {
            all.messages.remove(first(all, way));
        });
        assert!(!found.is_empty(), "a lost message by {way:?}");
        let found = complaints(|all| all.messages.push(all.messages[first(all, way)].clone()));
        assert!(!found.is_empty(), "a doubled message by {way:?}");
        let found = complaints(|all| first_mut(all, way).asked = Some("other".to_owned()));
        assert!(!found.is_empty(), "an answer to another question by {way:?}");
    }
    for way in [Way::Orderly, Way::Pull, Way::LitePull] {
        let found = complaints(|all| {
            let moved = all.messages.remove(first(all, way));
            all.messages.push(moved);
        });
        assert!(found.iter().any(|text| text.contains("out of order")), "{way:?}: {found:?}");
    }
    for filter in [Way::TagFilter, Way::SqlFilter] {
        let found = complaints(|all| {
            let unselected = |given: &&Given| given.way == Way::Pull && given.message.tags.is_none();
            let mut too_many = all.messages.iter().find(unselected).expect("one has no tag").clone();
            too_many.way = filter;
            all.messages.push(too_many);
        });
        assert!(!found.is_empty(), "one message too many by {filter:?}");
    }
}

#[test]
fn traces_are_compared() {
    let last = |all: &Consumed| all.traces.len() - 1;
    assert!(!complaints(|all| drop(all.traces.pop())).is_empty(), "a lost record");
    assert!(!complaints(|all| all.traces.push(all.traces[last(all)].clone())).is_empty(), "a doubled record");
    for (field, value) in [(0, "Other"), (1, "not an id"), (2, "other id"), (3, "-1"), (4, "false")] {
        let found = complaints(|all| {
            let record = last(all);
            all.traces[record].fields[field] = value.to_owned();
        });
        assert!(!found.is_empty(), "field {field}");
    }
}

#[test]
fn an_allowed_difference_must_show() {
    let rules = allowed(Version::V5_5_0, Form::Batches);
    let lines = complaints_under(rules, |_| {});
    assert_eq!(lines.len(), rules.len() * Way::ALL.len(), "{lines:?}");
    assert!(lines.iter().all(|line| line.contains("does not show")), "{lines:?}");
}
