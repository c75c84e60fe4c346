//! How messages get to a broker: one request each, or as wire batches.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{SystemTime, UNIX_EPOCH};

use cluster::LaunchError;
use cluster::wire::{Answer, Connection, Request};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::ids::UniqueIdGenerator;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::requests::SendRequest;
use rocketmq_protocol::{batch, topics};

use crate::messages::{BATCH_SIZES, Outgoing};
use crate::pressure::send_under_pressure;

/// What brokers with the default configuration add to a message that comes alone.
const MARKS: [(&str, &str); 3] =
    [(name::MSG_REGION, "DefaultRegion"), (name::TRACE_ON, "true"), (name::CLUSTER, "DefaultCluster")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One request each.
    Singles,
    /// Wire batches whose members have their own properties only.
    Batches,
    /// Wire batches whose members also have what brokers add to a message that comes alone.
    MarkedBatches,
    /// By librmq, which makes batches of what waits for answers (`batch.auto` = `pressure`).
    Pressure,
}

/// Where the answer says that a message is.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) unique_id: String,
    pub(crate) offset_message_id: String,
    pub(crate) queue_id: i32,
    pub(crate) queue_offset: i64,
    /// Clock before and after its send, ms since the epoch.
    pub(crate) time: (i64, i64),
}

/// One connection, which takes turns with its broker.
pub(crate) struct Sender {
    connection: Connection,
    name_server: String,
    unique_ids: UniqueIdGenerator,
}

impl Sender {
    pub(crate) fn connect(broker: &str, name_server: String) -> Result<Sender, LaunchError> {
        let unique_ids = UniqueIdGenerator::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4_711, 0xC0FF_EE00);
        Ok(Sender { connection: Connection::open(broker)?, name_server, unique_ids })
    }

    /// Sends all messages to `topic` and says where each is, in their order.
    pub(crate) fn send(
        &mut self,
        topic: &str,
        messages: &[Outgoing],
        form: Form,
    ) -> Result<Vec<Placed>, LaunchError> {
        if form == Form::Pressure {
            return send_under_pressure(&self.name_server, topic, messages).map_err(wire);
        }
        let mut placed = Vec::new();
        let mut sizes = BATCH_SIZES.iter().cycle();
        while placed.len() < messages.len() {
            let size = match form {
                Form::Singles | Form::Pressure => 1,
                Form::Batches | Form::MarkedBatches => *sizes.next().unwrap_or(&1),
            };
            let together = &messages[placed.len()..placed.len() + size];
            placed.extend(self.send_together(topic, together, form)?);
        }
        Ok(placed)
    }

    fn send_together(
        &mut self,
        topic: &str,
        messages: &[Outgoing],
        form: Form,
    ) -> Result<Vec<Placed>, LaunchError> {
        let start = now();
        let ids: Vec<_> =
            messages.iter().map(|_| self.unique_ids.next(start as u64, 0).to_string()).collect();
        let [first, ..] = messages else { return Ok(Vec::new()) };
        let mut header = SendRequest {
            producer_group: "PG_batches".into(),
            topic: topic.into(),
            default_topic: topics::AUTO_CREATE.into(),
            default_topic_queue_nums: 4,
            queue_id: first.queue_id as i32,
            born_timestamp: start,
            broker_name: Some("broker-0".into()),
            ..SendRequest::default()
        };
        let request = match form {
            Form::Singles | Form::Pressure => {
                header.flag = first.flag;
                header.properties = property_string(first, &ids[0]).into();
                Request::new(request::SEND_MESSAGE_V2).body(first.body.clone())
            }
            Form::Batches | Form::MarkedBatches => {
                let mut body = Vec::new();
                for (message, id) in messages.iter().zip(&ids) {
                    let mut properties = property_string(message, id);
                    if form == Form::MarkedBatches {
                        MARKS.iter().for_each(|(name, value)| properties::push(&mut properties, name, value));
                    }
                    batch::push(&mut body, message.flag, &[&properties], &message.body).map_err(wire)?;
                }
                header.batch = true;
                header.properties = wait_property(first).into();
                Request::new(request::SEND_BATCH_MESSAGE).body(body)
            }
        };
        let answer = self.connection.call(&request.header(&header.v2()))?;
        placed(&answer, ids, (start, now())).ok_or_else(|| wire(format!("{answer:?}")))
    }
}

fn wire(problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LaunchError {
    LaunchError::Wire { what: "send".to_owned(), source: problem.into() }
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock before the year 292 million")
}

fn wait_property(message: &Outgoing) -> String {
    let mut text = String::new();
    properties::push(&mut text, name::WAIT, &message.wait.to_string());
    text
}

fn property_string(message: &Outgoing, unique_id: &str) -> String {
    let mut text = wait_property(message);
    properties::push(&mut text, name::UNIQ_KEY, unique_id);
    if let Some(tags) = message.tags {
        properties::push(&mut text, name::TAGS, tags);
    }
    if !message.keys.is_empty() {
        properties::push(&mut text, name::KEYS, &message.keys.join(" "));
    }
    for (name, value) in &message.properties {
        properties::push(&mut text, name, value);
    }
    text
}

/// Nothing if the answer does not place exactly these messages.
fn placed(answer: &Answer, unique_ids: Vec<String>, time: (i64, i64)) -> Option<Vec<Placed>> {
    let field = |name: &str| answer.fields.get(name);
    let offset_ids: Vec<_> = field("msgId")?.split(',').collect();
    let queue_id = field("queueId")?.parse().ok()?;
    let first: i64 = field("queueOffset")?.parse().ok()?;
    if answer.code != 0 || offset_ids.len() != unique_ids.len() {
        return None;
    }
    let ids = unique_ids.into_iter().zip(offset_ids).zip(first..);
    Some(
        ids.map(|((unique_id, offset_message_id), queue_offset)| Placed {
            unique_id,
            offset_message_id: offset_message_id.to_owned(),
            queue_id,
            queue_offset,
            time,
        })
        .collect(),
    )
}
