//! What rows look for in bodies: routes and stored records, read without the code under test.

use std::collections::BTreeMap;

use cluster::wire::Answer;
use serde_json::Value;

/// A route or cluster body as JSON; old servers leave the broker id 0 unquoted.
pub(crate) fn json(answer: &Answer) -> Result<Value, String> {
    let text = String::from_utf8(answer.body.clone()).map_err(|e| e.to_string())?;
    serde_json::from_str(&text.replace("{0:", "{\"0\":")).map_err(|e| format!("{e} in {text}"))
}

/// The route holds exactly one broker, `broker-0`, with these queues and this permission.
pub(crate) fn is_route(answer: &Answer, queues: i64, perm: i64) -> Result<(), String> {
    let route = json(answer)?;
    let queue_data = &route["queueDatas"];
    let broker_data = &route["brokerDatas"];
    let numbers = ["readQueueNums", "writeQueueNums", "perm"].map(|name| queue_data[0][name].as_i64());
    let brokers = [&queue_data[0]["brokerName"], &broker_data[0]["brokerName"]].map(Value::as_str);
    let one_each = [queue_data, broker_data].iter().all(|list| list.as_array().is_some_and(|l| l.len() == 1));
    let address = broker_data[0]["brokerAddrs"]["0"].as_str().unwrap_or_default();
    let fits = one_each
        && numbers == [Some(queues), Some(queues), Some(perm)]
        && brokers == [Some("broker-0"); 2]
        && broker_data[0]["cluster"] == "DefaultCluster"
        && address.starts_with("127.0.0.1:");
    if fits { Ok(()) } else { Err(format!("route {route}, should have {queues} queues, perm {perm}")) }
}

/// The body contains (or not) a text.
pub(crate) fn contains(answer: &Answer, text: &str, expected: bool) -> Result<(), String> {
    let body = String::from_utf8_lossy(&answer.body);
    if body.contains(text) == expected {
        Ok(())
    } else {
        Err(format!("body {body} {} `{text}`", if expected { "lacks" } else { "contains" }))
    }
}

/// The commit-log offset inside an offset message id.
pub(crate) fn commit_log_offset(answer: &Answer) -> i64 {
    let id = answer.fields.get("msgId").map_or("", String::as_str);
    id.get(16..32).and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or(-1)
}

/// One stored record in the layout of protocol 14.5, IPv4 and v1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) queue_id: i32,
    pub(crate) flag: i32,
    pub(crate) queue_offset: i64,
    pub(crate) physical_offset: i64,
    pub(crate) sys_flag: i32,
    pub(crate) born_timestamp: i64,
    pub(crate) born_ip: [u8; 4],
    pub(crate) reconsume_times: i32,
    pub(crate) prepared_offset: i64,
    pub(crate) body: Vec<u8>,
    pub(crate) topic: String,
    pub(crate) properties: BTreeMap<String, String>,
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn text(&mut self, count: usize) -> Option<String> {
        String::from_utf8(self.take(count)?.to_vec()).ok()
    }
}

/// Every record of a body.
pub(crate) fn records(answer: &Answer) -> Result<Vec<Record>, String> {
    let mut bytes = Bytes(&answer.body);
    let mut found = Vec::new();
    while !bytes.0.is_empty() {
        found.push(
            record(&mut bytes).ok_or_else(|| format!("no whole record after {} of them", found.len()))?,
        );
    }
    Ok(found)
}

fn record(bytes: &mut Bytes<'_>) -> Option<Record> {
    let _size = bytes.i32()?;
    (bytes.array()? == [0xDA, 0xA3, 0x20, 0xA7]).then_some(())?;
    let _body_crc = bytes.i32()?;
    let queue_id = bytes.i32()?;
    let flag = bytes.i32()?;
    let queue_offset = bytes.i64()?;
    let physical_offset = bytes.i64()?;
    let sys_flag = bytes.i32()?;
    let born_timestamp = bytes.i64()?;
    let born_ip = bytes.array()?;
    let _born_port = bytes.i32()?;
    let _stored = (bytes.i64()?, bytes.i64()?);
    let reconsume_times = bytes.i32()?;
    let prepared_offset = bytes.i64()?;
    let body_len = usize::try_from(bytes.i32()?).ok()?;
    let body = bytes.take(body_len)?.to_vec();
    let [topic_len] = bytes.array()?;
    let topic = bytes.text(usize::from(topic_len))?;
    let properties_len = u16::from_be_bytes(bytes.array()?);
    let text = bytes.text(usize::from(properties_len))?;
    let pairs = text.split('\u{2}').filter_map(|pair| pair.split_once('\u{1}'));
    let properties = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(Record {
        queue_id,
        flag,
        queue_offset,
        physical_offset,
        sys_flag,
        born_timestamp,
        born_ip,
        reconsume_times,
        prepared_offset,
        body,
        topic,
        properties,
    })
}

/// The body is one record that fits.
pub(crate) fn one_record(answer: &Answer, fits: impl Fn(&Record) -> bool) -> Result<(), String> {
    match records(answer)?.as_slice() {
        [record] if fits(record) => Ok(()),
        other => Err(format!("records {other:?}")),
    }
}
