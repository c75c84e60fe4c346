//! Messages as plain data, and their translation to the core's borrowed view.

use std::ffi::{c_char, c_void};
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::slice;

use rocketmq_producer::{Error, Message, Property};
use smallvec::SmallVec;

use crate::arguments::{self, Argument, SizedStruct};

/// A user property: a name and a value, both UTF-8. Neither may be NULL.
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
    /// One tag that consumers filter by; NULL for none.
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
    /// 0 = deliver at once; 1 to 18 = the broker's delay level (1 s, 5 s, 10 s, 30 s, 1 min, ... 2 h as brokers
    /// are set up).
    pub delay_level: i32,
    /// 1 (set by `RMQ_MESSAGE_INIT`): the broker answers when flush and replication are done as it is
    /// configured. 0: it does not wait for them.
    pub wait_store_ok: i32,
}

impl SizedStruct for rmq_message_t {}

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
    keys: Range<usize>,
    properties: Range<usize>,
}

impl<'a> Outline<'a> {
    /// The core's view of the message.
    pub(crate) fn message<'t>(&self, texts: &'t Texts<'a>) -> Message<'t> {
        Message {
            keys: &texts.keys[self.keys.clone()],
            properties: &texts.properties[self.properties.clone()],
            ..self.message
        }
    }
}

/// More than this many keys or properties fit into no message: the properties of a message take at most 32,767
/// bytes (protocol 5.4). A larger count is an uninitialized member.
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
            let size = arguments::struct_size(pointer, at)?;
            refuse_unknown_members(pointer, size, at)?;
            let message = pointer.as_ref();
            let topic = arguments::text_part(message.topic, at, &"->topic")?;
            let tags = match message.tags.is_null() {
                true => None,
                false => Some(arguments::text_part(message.tags, at, &"->tags")?),
            };
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
            let (flag, delay_level) = (message.flag, message.delay_level);
            let message = Message { tags, flag, delay_level, wait_store_ok, ..Message::new(topic, body) };
            Ok(Outline { message, keys, properties })
        }
    }

    unsafe fn read_keys(&mut self, keys: &[*const c_char], at: Argument) -> Result<Range<usize>, Error> {
        let start = self.keys.len();
        for (i, key) in keys.iter().enumerate() {
            // SAFETY: as the caller promises.
            self.keys.push(unsafe { arguments::text_part(*key, at, &format_args!("->keys[{i}]"))? });
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
            self.properties.push(Property { name, value });
        }
        Ok(start..self.properties.len())
    }
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

/// A caller compiled with a newer header may leave members unset that this library does not know; it must not
/// use them.
unsafe fn refuse_unknown_members(
    pointer: NonNull<rmq_message_t>,
    size: usize,
    at: Argument,
) -> Result<(), Error> {
    let known = size_of::<rmq_message_t>();
    // SAFETY: the caller wrote the size of its struct, which `struct_size` found to be no less than `known`.
    let unknown = unsafe { slice::from_raw_parts(pointer.as_ptr().cast::<u8>().add(known), size - known) };
    if unknown.iter().any(|byte| *byte != 0) {
        return Err(at.refuse("uses members that this version of the library does not know"));
    }
    Ok(())
}

/// The `i`-th of some pointers to messages.
pub(crate) unsafe fn nth(messages: NonNull<*const rmq_message_t>, i: usize) -> *const rmq_message_t {
    // SAFETY: the caller promises that many pointers.
    unsafe { ptr::read(messages.as_ptr().add(i)) }
}
