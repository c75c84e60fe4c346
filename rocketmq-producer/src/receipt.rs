//! What a broker said about a stored message.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::codes::response;

use crate::broker_address::BrokerAddress;

/// How safely a stored message is stored (protocol 2.3). Numbers are part of the ABI.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendStatus {
    /// Stored as the broker is configured to.
    SendOk = 0,
    /// Stored; the disk flush took longer than the broker waits.
    FlushDiskTimeout = 1,
    /// Stored; the replica took longer than the broker waits.
    FlushSlaveTimeout = 2,
    /// Stored; there is no usable replica.
    SlaveNotAvailable = 3,
}

impl SendStatus {
    /// The status of a response code, if that code means «stored».
    pub(crate) fn from_response(code: i32) -> Option<Self> {
        match code {
            response::SUCCESS => Some(Self::SendOk),
            response::FLUSH_DISK_TIMEOUT => Some(Self::FlushDiskTimeout),
            response::FLUSH_SLAVE_TIMEOUT => Some(Self::FlushSlaveTimeout),
            response::SLAVE_NOT_AVAILABLE => Some(Self::SlaveNotAvailable),
            _ => None,
        }
    }

    /// The name as C and Python spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendOk => "SEND_OK",
            Self::FlushDiskTimeout => "FLUSH_DISK_TIMEOUT",
            Self::FlushSlaveTimeout => "FLUSH_SLAVE_TIMEOUT",
            Self::SlaveNotAvailable => "SLAVE_NOT_AVAILABLE",
        }
    }
}

/// The receipt of a stored message.
#[derive(Clone)]
pub struct Receipt {
    pub(crate) status: SendStatus,
    pub(crate) topic: Arc<str>,
    pub(crate) broker: Arc<BrokerAddress>,
    pub(crate) message_id: IdText,
    pub(crate) offset_message_id: IdText,
    pub(crate) queue_id: i32,
    pub(crate) queue_offset: i64,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
}

impl Receipt {
    /// How safely it is stored.
    pub fn status(&self) -> SendStatus {
        self.status
    }

    /// The topic the caller named.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The unique id made by the producer, equal over all attempts; consumers see it as message id.
    pub fn message_id(&self) -> &str {
        self.message_id.as_str()
    }

    /// The broker's id: store address and commit-log offset (protocol 5.10); empty if the broker sent none.
    pub fn offset_message_id(&self) -> &str {
        self.offset_message_id.as_str()
    }

    /// The broker that stored it.
    pub fn broker_name(&self) -> &str {
        &self.broker.name
    }

    /// Its address, `host:port`.
    pub fn broker_address(&self) -> &str {
        &self.broker.address
    }

    /// The queue it went to, as the broker says.
    pub fn queue_id(&self) -> i32 {
        self.queue_id
    }

    /// Its offset in that queue; −1 if the broker sent none. Delayed messages show the parked record's.
    pub fn queue_offset(&self) -> i64 {
        self.queue_offset
    }

    /// How often the message was handed to a connection.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// From the call to the answer.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("status", &self.status)
            .field("topic", &self.topic())
            .field("broker", &self.broker_name())
            .field("queue_id", &self.queue_id)
            .field("queue_offset", &self.queue_offset)
            .field("message_id", &self.message_id())
            .field("offset_message_id", &self.offset_message_id())
            .field("attempts", &self.attempts)
            .field("elapsed", &self.elapsed)
            .finish()
    }
}

/// A message id kept in place: a receipt allocates nothing for the usual 32 characters; those of IPv6
/// addresses have 56.
#[derive(Clone)]
pub(crate) enum IdText {
    Inline { len: u8, text: InlineText },
    Heap(Box<str>),
}

const INLINE: usize = 32;

/// Aligned, so that a check of it looks at whole words.
#[derive(Clone, Copy)]
#[repr(align(8))]
pub(crate) struct InlineText([u8; INLINE]);

const _: () = assert!(size_of::<IdText>() <= 40);

impl IdText {
    pub(crate) fn new(id: &str) -> Self {
        Self::of_bytes(id.as_bytes())
    }

    /// Of bytes that are text: whoever reads it checks that again.
    pub(crate) fn of_bytes(id: &[u8]) -> Self {
        if id.len() > INLINE {
            return Self::Heap(String::from_utf8_lossy(id).into());
        }
        let mut text = InlineText([0; INLINE]);
        text.0[..id.len()].copy_from_slice(id);
        Self::Inline { len: id.len() as u8, text }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Inline { len, text } => {
                std::str::from_utf8(&text.0[..usize::from(*len)]).unwrap_or_default()
            }
            Self::Heap(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_length_come_back() {
        for id in ["", "7F00000100002A9F00000000000004D2", &"A".repeat(33), &"B".repeat(56)] {
            assert_eq!(IdText::new(id).as_str(), id);
        }
    }

    #[test]
    fn only_the_four_stored_codes_are_statuses() {
        let stored: Vec<i32> = (-1..2000).filter(|code| SendStatus::from_response(*code).is_some()).collect();
        assert_eq!(stored, [0, 10, 11, 12]);
    }
}
