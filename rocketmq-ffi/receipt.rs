//! Receipts as plain data.

use std::ffi::c_char;
use std::mem::offset_of;
use std::ptr::{self, NonNull};

use rocketmq_producer::Receipt;

use crate::arguments::SizedStruct;

/// Stored as the broker is configured to.
pub const RMQ_SEND_OK: i32 = 0;
/// Stored; the disk flush took longer than the broker waits.
pub const RMQ_SEND_FLUSH_DISK_TIMEOUT: i32 = 1;
/// Stored; the replica took longer than the broker waits.
pub const RMQ_SEND_FLUSH_SLAVE_TIMEOUT: i32 = 2;
/// Stored; there is no usable replica.
pub const RMQ_SEND_SLAVE_NOT_AVAILABLE: i32 = 3;

/// What a broker said about a stored message. Plain data without pointers; copy it as you like.
///
/// Start with `rmq_receipt_t receipt = RMQ_RECEIPT_INIT;`. Texts end with NUL; one that has no room (no broker
/// makes one) is cut at a character.
#[repr(C)]
pub struct rmq_receipt_t {
    /// Set by `RMQ_RECEIPT_INIT`: the size of the struct in your header.
    pub struct_size: u32,
    /// How safely it is stored: one of `RMQ_SEND_*`.
    pub status: i32,
    /// The queue it went to.
    pub queue_id: i32,
    /// How many attempts were made, those that a hook refused among them.
    pub attempts: u32,
    /// Its offset in that queue; -1 if the broker sent none.
    pub queue_offset: i64,
    /// Microseconds from the call to the answer.
    pub elapsed_us: i64,
    /// The unique id made by the producer, equal over all attempts; consumers see it as the message id.
    pub message_id: [c_char; 64],
    /// The broker's id, made of its address and commit-log offset; empty if the broker sent none.
    pub offset_message_id: [c_char; 64],
    /// The broker that stored it.
    pub broker_name: [c_char; 256],
    /// Its address, `host:port`.
    pub broker_address: [c_char; 272],
    /// The topic of the message.
    pub topic: [c_char; 256],
}

impl SizedStruct for rmq_receipt_t {
    const SMALLEST: usize = offset_of!(Self, topic) + 256;

    fn initial() -> Self {
        Self {
            struct_size: 0,
            status: 0,
            queue_id: 0,
            attempts: 0,
            queue_offset: 0,
            elapsed_us: 0,
            message_id: [0; 64],
            offset_message_id: [0; 64],
            broker_name: [0; 256],
            broker_address: [0; 272],
            topic: [0; 256],
        }
    }
}

/// Writes a receipt member by member, so that the unused ends of its texts are not touched. `struct_size` is
/// left alone.
pub(crate) unsafe fn write(receipt: &Receipt, to: NonNull<rmq_receipt_t>) {
    let to = to.as_ptr();
    // SAFETY: the caller promises that `to` is valid for writes of the whole struct.
    unsafe {
        (*to).status = receipt.status() as i32;
        (*to).queue_id = receipt.queue_id();
        (*to).attempts = receipt.attempts();
        (*to).queue_offset = receipt.queue_offset();
        (*to).elapsed_us = i64::try_from(receipt.elapsed().as_micros()).unwrap_or(i64::MAX);
        write_text(receipt.message_id(), &raw mut (*to).message_id);
        write_text(receipt.offset_message_id(), &raw mut (*to).offset_message_id);
        write_text(receipt.broker_name(), &raw mut (*to).broker_name);
        write_text(receipt.broker_address(), &raw mut (*to).broker_address);
        write_text(receipt.topic(), &raw mut (*to).topic);
    }
}

/// Writes a text that ends with NUL, cut at a character if it has no room.
pub(crate) unsafe fn write_text<const N: usize>(text: &str, to: *mut [c_char; N]) {
    let len = text.floor_char_boundary(N - 1);
    // SAFETY: at most N - 1 bytes and a NUL, into an array the caller promises to be writable.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr(), to.cast(), len);
        to.cast::<c_char>().add(len).write(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rocketmq_producer::SendStatus;
    use std::ffi::CStr;

    #[test]
    fn a_text_without_room_is_cut_at_a_character() {
        let mut place = [1; 8];
        let mut written = |text| {
            // SAFETY: the array is ours, and NUL-terminated by the call.
            unsafe {
                write_text(text, &raw mut place);
                CStr::from_ptr(place.as_ptr()).to_str().unwrap().to_owned()
            }
        };
        assert_eq!(written(""), "");
        assert_eq!(written("1234567"), "1234567");
        assert_eq!(written("12345678"), "1234567");
        assert_eq!(written("123456é"), "123456");
    }

    #[test]
    fn statuses_have_the_numbers_of_the_core() {
        assert_eq!(RMQ_SEND_OK, SendStatus::SendOk as i32);
        assert_eq!(RMQ_SEND_FLUSH_DISK_TIMEOUT, SendStatus::FlushDiskTimeout as i32);
        assert_eq!(RMQ_SEND_FLUSH_SLAVE_TIMEOUT, SendStatus::FlushSlaveTimeout as i32);
        assert_eq!(RMQ_SEND_SLAVE_NOT_AVAILABLE, SendStatus::SlaveNotAvailable as i32);
    }
}
