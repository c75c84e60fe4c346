//! Messages as plain data, and their translation to the core's borrowed view.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::slice;

use rocketmq_producer::{Delivery, Destination, Error, Message, Property};
use smallvec::SmallVec;

use crate::arguments::{self, Argument, SizedStruct};
use crate::selector::{
    CSelector, RMQ_QUEUE_BY_NUMBER, RMQ_QUEUE_RANDOM, RMQ_QUEUE_ROUND_ROBIN, rmq_selector_fn,
};

/// A user property: a name and a value, both UTF-8. Neither may be NULL. The library indexes an array of these, so this
/// struct keeps its size for ever; what a later version has to add comes as another member of `rmq_message_t`.
#[repr(C)]
pub struct rmq_property_t {
    /// The name; not one of RocketMQ's reserved names, not blank.
    pub name: *const c_char,
    /// The value; not blank.
    pub value: *const c_char,
}

/// A message to send. Plain data, yours: a send function reads it and all it points to, never changes it, and
/// needs none of it after it has returned.
///
/// Start with `rmq_message_t message = RMQ_MESSAGE_INIT;`, then set at least `topic`, `body` and `body_len`.
#[repr(C)]
pub struct rmq_message_t {
    /// Set by `RMQ_MESSAGE_INIT`: the size of the struct in your header.
    pub struct_size: u32,
    /// A number for the application; brokers keep it.
    pub flag: i32,
    /// Topic: 1 to 127 of the characters `A-Z a-z 0-9 _ - % |`. Not NULL.
    pub topic: *const c_char,
    /// The body: any bytes. May be NULL if `body_len` is 0.
    pub body: *const c_void,
    /// Its length in bytes: 1 to the configured `max.message.size`.
    pub body_len: usize,
    /// One tag that consumers filter by, without `||` and without blanks around it; NULL for none.
    pub tags: *const c_char,
    /// `key_count` business keys that the broker indexes; none may contain a space. May be NULL if there are
    /// none.
    pub keys: *const *const c_char,
    /// Number of `keys`.
    pub key_count: usize,
    /// `property_count` user properties. May be NULL if there are none.
    pub properties: *const rmq_property_t,
    /// Number of `properties`.
    pub property_count: usize,
    /// 1 (set by `RMQ_MESSAGE_INIT`): the broker answers when flush and replication are done as it is
    /// configured. 0: it does not wait for them.
    pub wait_store_ok: i32,
    /// 1 to 18: consumers see the message after the broker's delay of this level (1 s, 5 s, 10 s, 30 s, 1 min,
    /// ... 2 h as brokers are set up). Of this and the next three at most one may be set; with all of them 0
    /// the message is delivered at once.
    pub delay_level: i32,
    /// Consumers see the message after so many seconds; 0 = not set. The three timers need brokers 5.x: older
    /// ones deliver at once.
    pub delay_seconds: i64,
    /// Consumers see the message after so many milliseconds; 0 = not set. Brokers cut the time to their timer's
    /// step, 1 s as they are set up.
    pub delay_ms: i64,
    /// Consumers see the message at this time, in ms since 1970-01-01 00:00 UTC, or at once if that has passed;
    /// 0 = not set.
    pub deliver_at_ms: i64,
    /// Messages with the same key go to the same queue as long as the topic keeps its queues: the one that the
    /// Java client's `SelectMessageQueueByHash` takes for this text. Consumers see it as property
    /// `__SHARDINGKEY`. NULL = none.
    pub sharding_key: *const c_char,
    /// The broker of the one queue the message may go to, as routes and receipts spell it; NULL = any queue.
    pub broker_name: *const c_char,
    /// The number of that queue at the broker, from 0; 0 without `broker_name`.
    pub queue_id: i32,
    /// One of `RMQ_QUEUE_*`: how the queue is chosen. Of `sharding_key`, `broker_name`, `selector` and a choice that
    /// is not `RMQ_QUEUE_ROUND_ROBIN` at most one may be set.
    pub queue_choice: i32,
    /// With `RMQ_QUEUE_BY_NUMBER`: messages with the same number go to the same queue as long as the topic keeps its
    /// queues. A number that is a Java `Integer` is taken as one, a larger one as a `Long`. 0 without that choice.
    pub sharding_number: i64,
    /// Property `BUYER_ID` of the Java client; NULL for none.
    pub buyer_id: *const c_char,
    /// Property `INSTANCE_ID` of the Java client; NULL for none. The key `namespace`, if it is set, comes before it.
    pub instance_id: *const c_char,
    /// Chooses the queue, which the message keeps to in every attempt; NULL = none.
    pub selector: rmq_selector_fn,
    /// Handed to `selector`, and must be usable by it from any thread until the outcome of the message is told (one-way:
    /// until `rmq_flush` has returned NULL).
    pub selector_opaque: *mut c_void,
}

impl SizedStruct for rmq_message_t {
    const SMALLEST: usize = offset_of!(Self, selector_opaque) + size_of::<*mut c_void>();

    fn initial() -> Self {
        Self {
            struct_size: 0,
            flag: 0,
            topic: ptr::null(),
            body: ptr::null(),
            body_len: 0,
            tags: ptr::null(),
            keys: ptr::null(),
            key_count: 0,
            properties: ptr::null(),
            property_count: 0,
            wait_store_ok: 1,
            delay_level: 0,
            delay_seconds: 0,
            delay_ms: 0,
            deliver_at_ms: 0,
            sharding_key: ptr::null(),
            broker_name: ptr::null(),
            queue_id: 0,
            queue_choice: RMQ_QUEUE_ROUND_ROBIN,
            sharding_number: 0,
            buyer_id: ptr::null(),
            instance_id: ptr::null(),
            selector: None,
            selector_opaque: ptr::null_mut(),
        }
    }
}

/// The texts that the messages of one call point to, as Rust knows them. Without a heap allocation for a
/// message with the usual few keys and properties.
#[derive(Default)]
pub(crate) struct Texts<'a> {
    keys: SmallVec<[&'a str; 4]>,
    properties: SmallVec<[Property<'a>; 8]>,
}

/// A message whose keys and properties stand in [`Texts`].
pub(crate) struct Outline<'a> {
    message: Message<'a>,
    selector: Option<CSelector>,
    keys: Range<usize>,
    properties: Range<usize>,
}

impl<'a> Outline<'a> {
    /// The core's view of the message.
    pub(crate) fn message<'t>(&'t self, texts: &'t Texts<'a>) -> Message<'t> {
        Message {
            keys: &texts.keys[self.keys.clone()],
            properties: &texts.properties[self.properties.clone()],
            destination: match &self.selector {
                Some(selector) => Destination::Selector(selector),
                None => self.message.destination,
            },
            ..self.message
        }
    }
}

/// More than this many keys or properties fit into no message: the properties of a message take at most 32,767
/// bytes (protocol 5.6). A larger count is an uninitialized member.
const MOST_ITEMS: usize = 32_767;

impl<'a> Texts<'a> {
    /// Reads the caller's message; errors name the member that is wrong.
    pub(crate) unsafe fn read(
        &mut self,
        pointer: *const rmq_message_t,
        at: Argument,
    ) -> Result<Outline<'a>, Error> {
        // SAFETY: the caller promises that the pointer is NULL or a message with valid members, for 'a.
        unsafe {
            let pointer = arguments::const_array(pointer, at)?;
            let message = &arguments::read_struct(pointer, at)?;
            let topic = arguments::text_part(message.topic, at, &"->topic")?;
            let tags = optional_text(message.tags, at, &"->tags")?;
            let buyer_id = optional_text(message.buyer_id, at, &"->buyer_id")?;
            let instance_id = optional_text(message.instance_id, at, &"->instance_id")?;
            let body = items(message.body.cast::<u8>(), message.body_len, isize::MAX as usize, at, "body")?;
            let keys = self.read_keys(items(message.keys, message.key_count, MOST_ITEMS, at, "keys")?, at)?;
            let properties = items(message.properties, message.property_count, MOST_ITEMS, at, "properties")?;
            let properties = self.read_properties(properties, at)?;
            let wait_store_ok = match message.wait_store_ok {
                0 => false,
                1 => true,
                other => {
                    let why = format_args!("is {other}, it must be 0 or 1");
                    return Err(at.refuse_part("->wait_store_ok", why));
                }
            };
            let selector = message.selector.map(|function| CSelector::new(function, message.selector_opaque));
            let message = Message {
                tags,
                buyer_id,
                instance_id,
                flag: message.flag,
                delivery: delivery(message, at)?,
                destination: destination(message, at)?,
                wait_store_ok,
                ..Message::new(topic, body)
            };
            Ok(Outline { message, selector, keys, properties })
        }
    }

    unsafe fn read_keys(&mut self, keys: &[*const c_char], at: Argument) -> Result<Range<usize>, Error> {
        let start = self.keys.len();
        for (i, key) in keys.iter().enumerate() {
            // SAFETY: as the caller promises.
            let key = unsafe { arguments::text_part(*key, at, &format_args!("->keys[{i}]"))? };
            arguments::push(&mut self.keys, key)?;
        }
        Ok(start..self.keys.len())
    }

    unsafe fn read_properties(
        &mut self,
        properties: &[rmq_property_t],
        at: Argument,
    ) -> Result<Range<usize>, Error> {
        let start = self.properties.len();
        for (i, property) in properties.iter().enumerate() {
            // SAFETY: as the caller promises.
            let (name, value) = unsafe {
                let name = format_args!("->properties[{i}].name");
                let value = format_args!("->properties[{i}].value");
                (
                    arguments::text_part(property.name, at, &name)?,
                    arguments::text_part(property.value, at, &value)?,
                )
            };
            arguments::push(&mut self.properties, Property { name, value })?;
        }
        Ok(start..self.properties.len())
    }
}

/// The one delivery time of the message.
fn delivery(message: &rmq_message_t, at: Argument) -> Result<Delivery, Error> {
    let rmq_message_t { delay_level, delay_seconds, delay_ms, deliver_at_ms, .. } = *message;
    // As in nearly all messages.
    if (delay_level, delay_seconds, delay_ms, deliver_at_ms) == (0, 0, 0, 0) {
        return Ok(Delivery::AtOnce);
    }
    let members = [
        ("delay_level", i64::from(delay_level), Delivery::Level(delay_level)),
        ("delay_seconds", delay_seconds, Delivery::AfterSeconds(delay_seconds)),
        ("delay_ms", delay_ms, Delivery::AfterMillis(delay_ms)),
        ("deliver_at_ms", deliver_at_ms, Delivery::AtMillis(deliver_at_ms)),
    ];
    let mut set = members.into_iter().filter(|(_, value, _)| *value != 0);
    match (set.next(), set.next()) {
        (None, _) => Ok(Delivery::AtOnce),
        (Some((_, _, delivery)), None) => Ok(delivery),
        (Some((first, ..)), Some((second, ..))) => Err(refuse_both(at, first, second)),
    }
}

/// The one way to choose the queue; a selector is added by [`Outline::message`].
unsafe fn destination<'a>(message: &rmq_message_t, at: Argument) -> Result<Destination<'a>, Error> {
    let rmq_message_t { sharding_key, broker_name, queue_id, queue_choice, sharding_number, .. } = *message;
    // As in nearly all messages.
    if sharding_key.is_null()
        && broker_name.is_null()
        && (queue_id, queue_choice, sharding_number) == (0, RMQ_QUEUE_ROUND_ROBIN, 0)
    {
        return Ok(Destination::Any);
    }
    let mut ways = [
        ("sharding_key", !sharding_key.is_null()),
        ("broker_name", !broker_name.is_null()),
        ("queue_choice", queue_choice != RMQ_QUEUE_ROUND_ROBIN),
        ("selector", message.selector.is_some()),
    ]
    .into_iter()
    .filter_map(|(member, is_set)| is_set.then_some(member));
    if let (Some(first), Some(second)) = (ways.next(), ways.next()) {
        return Err(refuse_both(at, first, second));
    }
    if queue_id != 0 && broker_name.is_null() {
        return Err(at.refuse_part("->queue_id", format_args!("is {queue_id}, but ->broker_name is NULL")));
    }
    if sharding_number != 0 && queue_choice != RMQ_QUEUE_BY_NUMBER {
        let why = format_args!("is {sharding_number}, but ->queue_choice is not RMQ_QUEUE_BY_NUMBER");
        return Err(at.refuse_part("->sharding_number", why));
    }
    // SAFETY: as the caller promises.
    let text = |pointer, member| unsafe { optional_text(pointer, at, member) };
    if let Some(key) = text(sharding_key, &"->sharding_key")? {
        return Ok(Destination::ShardingKey(key));
    }
    if let Some(broker) = text(broker_name, &"->broker_name")? {
        return Ok(Destination::Queue { broker, queue_id });
    }
    match queue_choice {
        RMQ_QUEUE_ROUND_ROBIN => Ok(Destination::Any),
        RMQ_QUEUE_RANDOM => Ok(Destination::Random),
        RMQ_QUEUE_BY_NUMBER => Ok(Destination::ShardingNumber(sharding_number)),
        other => Err(at.refuse_part("->queue_choice", format_args!("is {other}, no RMQ_QUEUE_* is"))),
    }
}

/// A text that may be NULL.
unsafe fn optional_text<'a>(
    pointer: *const c_char,
    at: Argument,
    member: &dyn std::fmt::Display,
) -> Result<Option<&'a str>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    unsafe { arguments::text_part(pointer, at, member).map(Some) }
}

fn refuse_both(at: Argument, first: &str, second: &str) -> Error {
    let why = format_args!("and ->{second} are both set, at most one may be");
    at.refuse_part(format_args!("->{first}"), why)
}

unsafe fn items<'a, T>(
    first: *const T,
    count: usize,
    most: usize,
    at: Argument,
    member: &str,
) -> Result<&'a [T], Error> {
    if count == 0 {
        return Ok(&[]);
    }
    if count > most {
        return Err(
            at.refuse_part(format_args!("->{member}"), format_args!("has an impossible count: {count}"))
        );
    }
    if first.is_null() || !first.is_aligned() {
        let what = if first.is_null() { "is NULL" } else { "is not aligned" };
        return Err(at.refuse_part(format_args!("->{member}"), format_args!("{what}, its count is {count}")));
    }
    // SAFETY: not NULL, aligned, and as long as the caller promises.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}

/// The `i`-th of some pointers to messages.
pub(crate) unsafe fn nth(messages: NonNull<*const rmq_message_t>, i: usize) -> *const rmq_message_t {
    // SAFETY: the caller promises that many pointers.
    unsafe { ptr::read(messages.as_ptr().add(i)) }
}
