//! Requests as any client may write them, built field by field and not by the code under test.

use cluster::wire::Request;

pub(crate) const BORN: i64 = 1_700_000_000_000;
/// The broker's `maxMessageSize`, also the client's default limit.
pub(crate) const BODY_LIMIT: usize = 4_194_304;

/// A V2 send of `hi` with unique id `id` to queue 0.
pub(crate) fn send(topic: &str, id: &str) -> Request {
    Request::new(310)
        .field("a", "PG_scenarios")
        .field("b", topic)
        .field("c", "TBW102")
        .field("d", 4)
        .field("e", 0)
        .field("f", 0)
        .field("g", BORN)
        .field("h", 0)
        .field("i", properties(&[("UNIQ_KEY", id), ("WAIT", "true")]))
        .field("j", 0)
        .field("k", false)
        .field("m", false)
        .field("n", "broker-0")
        .body(*b"hi")
}

/// [`send`] with more properties.
pub(crate) fn send_with(topic: &str, id: &str, more: &[(&str, &str)]) -> Request {
    let mut all = vec![("UNIQ_KEY", id), ("WAIT", "true")];
    all.extend(more);
    send(topic, id).field("i", properties(&all))
}

/// The same send with the long names of V1.
pub(crate) fn send_v1(topic: &str, id: &str) -> Request {
    Request::new(10)
        .field("producerGroup", "PG_scenarios")
        .field("topic", topic)
        .field("defaultTopic", "TBW102")
        .field("defaultTopicQueueNums", 4)
        .field("queueId", 0)
        .field("sysFlag", 0)
        .field("bornTimestamp", BORN)
        .field("flag", 0)
        .field("properties", properties(&[("UNIQ_KEY", id), ("WAIT", "true")]))
        .field("reconsumeTimes", 0)
        .field("unitMode", false)
        .field("batch", false)
        .field("bname", "broker-0")
        .body(*b"hi")
}

/// A batch of items, without a unique id of its own.
pub(crate) fn batch(topic: &str, items: &[Vec<u8>]) -> Request {
    let header = properties(&[("WAIT", "true")]);
    let mut request = send(topic, "").field("i", header).field("m", true).body(items.concat());
    request.code = 320;
    request
}

/// An item of a batch with its unique id and more properties.
pub(crate) fn member(n: u32, body: &[u8], more: &[(&str, &str)]) -> Vec<u8> {
    let id = unique(n);
    let mut all = vec![("UNIQ_KEY", id.as_str()), ("WAIT", "true")];
    all.extend(more);
    item(body, &properties(&all))
}

/// An item of a batch.
pub(crate) fn item(body: &[u8], properties: &str) -> Vec<u8> {
    let number = |n: usize| u32::try_from(n).expect("small").to_be_bytes();
    let mut item = Vec::new();
    item.extend(number(22 + body.len() + properties.len()));
    item.extend([0; 12]);
    item.extend(number(body.len()));
    item.extend(body);
    item.extend(u16::try_from(properties.len()).expect("small").to_be_bytes());
    item.extend(properties.as_bytes());
    item
}

/// A property string.
pub(crate) fn properties(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}\u{1}{value}\u{2}")).collect()
}

/// Explicit creation of a topic (17).
pub(crate) fn create_topic(topic: &str, queues: u32) -> Request {
    Request::new(17)
        .field("topic", topic)
        .field("defaultTopic", "TBW102")
        .field("readQueueNums", queues)
        .field("writeQueueNums", queues)
        .field("perm", 6)
        .field("topicFilterType", "SINGLE_TAG")
        .field("topicSysFlag", 0)
        .field("order", false)
}

/// A request that names a queue (29 to 32).
pub(crate) fn about_queue(code: i32, topic: &str, queue_id: i32) -> Request {
    Request::new(code).field("topic", topic).field("queueId", queue_id)
}

/// Messages by key or unique key (12).
pub(crate) fn query(topic: &str, key: &str, unique: bool) -> Request {
    Request::new(12)
        .field("topic", topic)
        .field("key", key)
        .field("maxNum", 32)
        .field("beginTimestamp", 0)
        .field("endTimestamp", i64::MAX)
        .field("_UNIQUE_KEY_QUERY", unique)
}

/// A topic's route (105).
pub(crate) fn route(topic: &str) -> Request {
    Request::new(105).field("topic", topic)
}

/// Answered at once by both servers (17 or 3) and without effect.
pub(crate) fn probe() -> Request {
    route("T_unknown")
}

/// A unique id for the row's own use.
pub(crate) fn unique(n: u32) -> String {
    format!("0A000005109218B4AAC2052600{n:06X}")
}
