//! Sending: codes 10, 324 (long names) and 310, 320, 325 (one letter), protocol 2.2.

use std::borrow::Cow;

use crate::DecodeError;
use crate::encode::{ExtFields, FieldVisitor};
use crate::header::Fields;

/// Header of a send. The fields are the same in both versions, only their names differ:
/// write it through [`v1`](SendRequest::v1) or [`v2`](SendRequest::v2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendRequest<'a> {
    /// Producer group.
    pub producer_group: Cow<'a, str>,
    /// Topic.
    pub topic: Cow<'a, str>,
    /// Topic after whose model the broker may create `topic`, normally `TBW102`.
    pub default_topic: Cow<'a, str>,
    /// Queues of a topic created that way.
    pub default_topic_queue_nums: i32,
    /// Queue; a negative one lets the broker choose.
    pub queue_id: i32,
    /// Bits of [`sys_flag`](crate::sys_flag).
    pub sys_flag: i32,
    /// Time of this attempt, ms since the epoch.
    pub born_timestamp: i64,
    /// The user's flag.
    pub flag: i32,
    /// Property string; an empty one is not sent.
    pub properties: Cow<'a, str>,
    /// Consumptions so far, for retry topics.
    pub reconsume_times: i32,
    /// Unit mode.
    pub unit_mode: bool,
    /// Only for retry topics.
    pub max_reconsume_times: Option<i32>,
    /// The body is a batch; this and not the request code makes the broker unpack it.
    pub batch: bool,
    /// Name of the broker addressed; a proxy refuses sends without it.
    pub broker_name: Option<Cow<'a, str>>,
}

/// Ext names of the header's fields, in Java's order.
struct Names {
    producer_group: &'static str,
    topic: &'static str,
    default_topic: &'static str,
    default_topic_queue_nums: &'static str,
    queue_id: &'static str,
    sys_flag: &'static str,
    born_timestamp: &'static str,
    flag: &'static str,
    properties: &'static str,
    reconsume_times: &'static str,
    unit_mode: &'static str,
    max_reconsume_times: &'static str,
    batch: &'static str,
    broker_name: &'static str,
}

const V1: Names = Names {
    producer_group: "producerGroup",
    topic: "topic",
    default_topic: "defaultTopic",
    default_topic_queue_nums: "defaultTopicQueueNums",
    queue_id: "queueId",
    sys_flag: "sysFlag",
    born_timestamp: "bornTimestamp",
    flag: "flag",
    properties: "properties",
    reconsume_times: "reconsumeTimes",
    unit_mode: "unitMode",
    max_reconsume_times: "maxReconsumeTimes",
    batch: "batch",
    broker_name: "bname",
};

const V2: Names = Names {
    producer_group: "a",
    topic: "b",
    default_topic: "c",
    default_topic_queue_nums: "d",
    queue_id: "e",
    sys_flag: "f",
    born_timestamp: "g",
    flag: "h",
    properties: "i",
    reconsume_times: "j",
    unit_mode: "k",
    max_reconsume_times: "l",
    batch: "m",
    broker_name: "n",
};

/// A send header with long names, for codes 10 and 324.
#[derive(Debug, Clone, Copy)]
pub struct SendHeaderV1<'r, 'a>(&'r SendRequest<'a>);

/// A send header with one-letter names, for codes 310, 320 and 325.
#[derive(Debug, Clone, Copy)]
pub struct SendHeaderV2<'r, 'a>(&'r SendRequest<'a>);

impl ExtFields for SendHeaderV1<'_, '_> {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        self.0.visit_as(&V1, visitor);
    }
}

impl ExtFields for SendHeaderV2<'_, '_> {
    #[inline]
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        self.0.visit_as(&V2, visitor);
    }
}

impl<'a> SendRequest<'a> {
    /// The fields under their long names.
    pub fn v1(&self) -> SendHeaderV1<'_, 'a> {
        SendHeaderV1(self)
    }

    /// The fields under their one-letter names.
    pub fn v2(&self) -> SendHeaderV2<'_, 'a> {
        SendHeaderV2(self)
    }

    /// Reads long names; text stays borrowed from `fields`.
    pub fn decode_v1(fields: &'a Fields<'_>) -> Result<Self, DecodeError> {
        Self::decode_as(&V1, fields)
    }

    /// Reads one-letter names; text stays borrowed from `fields`.
    pub fn decode_v2(fields: &'a Fields<'_>) -> Result<Self, DecodeError> {
        Self::decode_as(&V2, fields)
    }

    #[inline]
    fn visit_as<V: FieldVisitor + ?Sized>(&self, names: &Names, visitor: &mut V) {
        visitor.text(names.producer_group, &self.producer_group);
        visitor.text(names.topic, &self.topic);
        visitor.text(names.default_topic, &self.default_topic);
        visitor.int(names.default_topic_queue_nums, self.default_topic_queue_nums.into());
        visitor.int(names.queue_id, self.queue_id.into());
        visitor.int(names.sys_flag, self.sys_flag.into());
        visitor.int(names.born_timestamp, self.born_timestamp);
        visitor.int(names.flag, self.flag.into());
        if !self.properties.is_empty() {
            visitor.text(names.properties, &self.properties);
        }
        visitor.int(names.reconsume_times, self.reconsume_times.into());
        visitor.boolean(names.unit_mode, self.unit_mode);
        if let Some(times) = self.max_reconsume_times {
            visitor.int(names.max_reconsume_times, times.into());
        }
        visitor.boolean(names.batch, self.batch);
        if let Some(name) = &self.broker_name {
            visitor.text(names.broker_name, name);
        }
    }

    fn decode_as(names: &Names, fields: &'a Fields<'_>) -> Result<Self, DecodeError> {
        Ok(SendRequest {
            producer_group: fields.require(names.producer_group)?.into(),
            topic: fields.require(names.topic)?.into(),
            default_topic: fields.require(names.default_topic)?.into(),
            default_topic_queue_nums: fields.require_i32(names.default_topic_queue_nums)?,
            queue_id: fields.require_i32(names.queue_id)?,
            sys_flag: fields.require_i32(names.sys_flag)?,
            born_timestamp: fields.require_i64(names.born_timestamp)?,
            flag: fields.require_i32(names.flag)?,
            properties: fields.get(names.properties).unwrap_or_default().into(),
            reconsume_times: fields.get_i32(names.reconsume_times)?.unwrap_or(0),
            unit_mode: fields.get_bool(names.unit_mode)?.unwrap_or(false),
            max_reconsume_times: fields.get_i32(names.max_reconsume_times)?,
            batch: fields.get_bool(names.batch)?.unwrap_or(false),
            broker_name: fields.get(names.broker_name).map(Cow::Borrowed),
        })
    }
}
