//! What is made once of a message and used by every attempt.

use std::borrow::Cow;
use std::ops::Deref;

use bytes::Bytes;
use rocketmq_protocol::batch;
use rocketmq_protocol::ids::UniqueId;
use rocketmq_protocol::properties::{self, name};

use super::message_properties::MessageProperties;
use super::queue_choice::QueueChoice;
use super::validate::illegal;
use crate::config::Compression;
use crate::error::Error;
use crate::message::{Delivery, Message};
use crate::remoting::{Body, SHARED_BODY};

/// What the broker adds to the properties before it checks their length: MSG_REGION, TRACE_ON, CLUSTER and,
/// for a delayed message, REAL_TOPIC and REAL_QID (protocol 5.6).
const BROKER_MARGIN: usize = 512;

/// The longest property string of a message, in bytes.
pub(crate) const MAX_PROPERTIES: usize = properties::MAX_LEN - BROKER_MARGIN;
const _: () = assert!(MAX_PROPERTIES <= u16::MAX as usize);

/// Properties and body in one piece of memory.
pub(crate) struct Prepared {
    pub(crate) flag: i32,
    pub(crate) sys_flag: i32,
    pub(crate) wait_store_ok: bool,
    /// Brokers would not do in a batch what this message asks for.
    pub(crate) alone: bool,
    pub(crate) choice: QueueChoice,
    content: Content,
    properties_len: u16,
    unique_id_len: u8,
}

/// The bytes of properties and body.
enum Content {
    Own(Vec<u8>),
    /// With a large body, which connections write from here. (Boxed, as the rare ones should not make all larger.)
    Shared(Box<Bytes>),
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Prepared {
    /// `compression` is `None` for the members of a batch, `instance_id` the namespace of the producer. `memory` is
    /// asked for so many bytes; what it gives is empty, and used as far as it goes.
    pub(crate) fn new(
        message: &Message<'_>,
        unique_id: &UniqueId,
        memory: impl FnOnce(usize) -> Vec<u8>,
        compression: Option<&Compression>,
        instance_id: Option<&str>,
    ) -> Result<Self, Error> {
        let (body, sys_flag) = match compression {
            Some(compression) => compression.apply(message.body),
            None => (Cow::Borrowed(message.body), 0),
        };
        let properties = MessageProperties::of(message, instance_id);
        let len = body.len() + properties.len(unique_id.as_bytes().len());
        // Empty, so it is text.
        let mut text = String::from_utf8(memory(len)).unwrap_or_default();
        text.try_reserve_exact(len)
            .map_err(|cause| Error::out_of_memory(format_args!("a message of {len} bytes"), cause))?;
        properties.write(unique_id.as_str(), &mut text);
        check_properties(text.len())?;
        let properties_len = text.len() as u16;
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&body);
        let fans_out = message.properties.iter().any(|property| property.name == name::INNER_MULTI_DISPATCH);
        Ok(Self {
            flag: message.flag,
            sys_flag,
            wait_store_ok: message.wait_store_ok,
            alone: sys_flag != 0 || message.delivery != Delivery::AtOnce || fans_out,
            choice: QueueChoice::of(message.destination),
            content: match body.len() {
                ..SHARED_BODY => Content::Own(bytes),
                _ => Content::Shared(Box::new(bytes.into())),
            },
            properties_len,
            unique_id_len: unique_id.as_bytes().len() as u8,
        })
    }

    /// The property string. It was made of text, so the check cannot fail.
    pub(crate) fn properties(&self) -> &str {
        std::str::from_utf8(&self.content[..usize::from(self.properties_len)]).unwrap_or_default()
    }

    pub(crate) fn unique_id(&self) -> &str {
        std::str::from_utf8(self.unique_id_bytes()).unwrap_or_default()
    }

    /// The value of the first property: text, as all properties are.
    pub(crate) fn unique_id_bytes(&self) -> &[u8] {
        let start = name::UNIQ_KEY.len() + 1;
        &self.content[start..start + usize::from(self.unique_id_len)]
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.content[usize::from(self.properties_len)..]
    }

    /// The body as a connection writes it.
    pub(crate) fn shared_body(&self) -> Body<'_> {
        match &self.content {
            Content::Own(_) => Body::Copied(self.body()),
            Content::Shared(bytes) => Body::Shared(bytes.slice(usize::from(self.properties_len)..)),
        }
    }

    /// Its memory, for another message.
    pub(crate) fn take_memory(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.content, Content::Own(Vec::new())) {
            Content::Own(bytes) => bytes,
            // Nobody else has it any more, but for a connection that was reset in the midst of it.
            Content::Shared(bytes) => bytes.try_into_mut().map_or_else(
                |_| Vec::new(),
                |mut bytes| {
                    bytes.clear();
                    bytes.into()
                },
            ),
        }
    }

    /// How many bytes a message would take in a batch, with a unique id of this length: measured, not made.
    ///
    /// # Errors
    /// As [`Self::new`] for too many properties.
    pub(crate) fn item_len_of(
        message: &Message<'_>,
        unique_id: usize,
        instance_id: Option<&str>,
    ) -> Result<usize, Error> {
        let properties = MessageProperties::of(message, instance_id).len(unique_id);
        check_properties(properties)?;
        Ok(batch::ITEM_OVERHEAD + properties + message.body.len())
    }

    /// How many bytes it takes in a batch.
    pub(crate) fn item_len(&self) -> usize {
        batch::ITEM_OVERHEAD + self.content.len()
    }

    /// How many bytes it takes in a batch with the properties that its broker adds, nearly.
    pub(crate) fn marked_item_len(&self) -> usize {
        const MARKS: usize = 80;
        self.item_len() + MARKS
    }
}

fn check_properties(len: usize) -> Result<(), Error> {
    if len <= MAX_PROPERTIES {
        return Ok(());
    }
    Err(illegal(format!(
        "the properties take {len} bytes, more than {MAX_PROPERTIES} (the broker's limit less what it adds)"
    )))
}
