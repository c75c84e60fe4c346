//! Sending: codes 10, 324 (long names) and 310, 320, 325 (one letter), protocol 2.2.

use std::borrow::Cow;

use crate::DecodeError;
use crate::encode::{ExtFields, FieldVisitor};
use crate::fields::{parse_bool, parse_i32, parse_i64};
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
type Names = [&'static str; 14];

const V1: Names = [
    "producerGroup",
    "topic",
    "defaultTopic",
    "defaultTopicQueueNums",
    "queueId",
    "sysFlag",
    "bornTimestamp",
    "flag",
    "properties",
    "reconsumeTimes",
    "unitMode",
    "maxReconsumeTimes",
    "batch",
    "bname",
];

const V2: Names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];

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

    /// Reads long names; text stays borrowed from `fields`. As with brokers, an absent group is an empty one.
    pub fn decode_v1(fields: &'a Fields<'_>) -> Result<Self, DecodeError> {
        Self::decode_as(&V1, fields, |name| V1.iter().position(|known| *known == name))
    }

    /// Reads one-letter names; text stays borrowed from `fields`. As with brokers, an absent group is an empty one.
    pub fn decode_v2(fields: &'a Fields<'_>) -> Result<Self, DecodeError> {
        Self::decode_as(&V2, fields, |name| match name.as_bytes() {
            [letter @ b'a'..=b'n'] => Some(usize::from(letter - b'a')),
            _ => None,
        })
    }

    #[inline(always)]
    fn visit_as<V: FieldVisitor + ?Sized>(&self, names: &Names, visitor: &mut V) {
        let [
            group,
            topic,
            default_topic,
            queue_nums,
            queue_id,
            sys_flag,
            born_timestamp,
            flag,
            properties,
            reconsume_times,
            unit_mode,
            max_reconsume_times,
            batch,
            broker_name,
        ] = *names;
        visitor.text(group, &self.producer_group);
        visitor.text(topic, &self.topic);
        visitor.text(default_topic, &self.default_topic);
        visitor.int(queue_nums, self.default_topic_queue_nums.into());
        visitor.int(queue_id, self.queue_id.into());
        visitor.int(sys_flag, self.sys_flag.into());
        visitor.int(born_timestamp, self.born_timestamp);
        visitor.int(flag, self.flag.into());
        if !self.properties.is_empty() {
            visitor.text(properties, &self.properties);
        }
        visitor.int(reconsume_times, self.reconsume_times.into());
        visitor.boolean(unit_mode, self.unit_mode);
        if let Some(times) = self.max_reconsume_times {
            visitor.int(max_reconsume_times, times.into());
        }
        visitor.boolean(batch, self.batch);
        if let Some(name) = &self.broker_name {
            visitor.text(broker_name, name);
        }
    }

    /// `position` finds a name in `names`.
    #[inline]
    fn decode_as(
        names: &Names,
        fields: &'a Fields<'_>,
        position: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, DecodeError> {
        let mut found = names.map(|name| (name, None));
        for (name, value) in fields.iter() {
            if let Some(at) = position(name) {
                found[at].1 = Some(value);
            }
        }
        let [
            group,
            topic,
            default_topic,
            queue_nums,
            queue_id,
            sys_flag,
            born_timestamp,
            flag,
            properties,
            reconsume_times,
            unit_mode,
            max_reconsume_times,
            batch,
            broker_name,
        ] = found;
        Ok(SendRequest {
            producer_group: group.1.unwrap_or_default().into(),
            topic: required(topic, text)?,
            default_topic: required(default_topic, text)?,
            default_topic_queue_nums: required(queue_nums, parse_i32)?,
            queue_id: required(queue_id, parse_i32)?,
            sys_flag: required(sys_flag, parse_i32)?,
            born_timestamp: required(born_timestamp, parse_i64)?,
            flag: required(flag, parse_i32)?,
            properties: properties.1.unwrap_or_default().into(),
            reconsume_times: optional(reconsume_times, parse_i32)?.unwrap_or(0),
            unit_mode: optional(unit_mode, parse_bool)?.unwrap_or(false),
            max_reconsume_times: optional(max_reconsume_times, parse_i32)?,
            batch: optional(batch, parse_bool)?.unwrap_or(false),
            broker_name: optional(broker_name, text)?,
        })
    }
}

/// A field's name, and its value if it has come.
type Found<'a> = (&'static str, Option<&'a str>);

fn text<'a>(_: &str, value: &'a str) -> Result<Cow<'a, str>, DecodeError> {
    Ok(value.into())
}

fn optional<'a, T>(
    (name, value): Found<'a>,
    parse: impl Fn(&str, &'a str) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    value.map(|value| parse(name, value)).transpose()
}

fn required<'a, T>(
    found: Found<'a>,
    parse: impl Fn(&str, &'a str) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    optional(found, parse)?.ok_or_else(|| DecodeError::missing(found.0))
}
