//! Offset message ids of mock brokers.

use std::net::{IpAddr, SocketAddr};

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The id of the record at `offset` of the broker at `address` (protocol 5.10). Written by hand because every answer
/// to a send needs one, and formatting would cost more than all the rest of the answer.
pub(crate) fn offset_message_id(address: SocketAddr, offset: i64) -> String {
    let mut text = String::with_capacity(32);
    match address.ip() {
        IpAddr::V4(ip) => push_hex(&mut text, &ip.octets()),
        IpAddr::V6(ip) => push_hex(&mut text, &ip.octets()),
    }
    push_hex(&mut text, &u32::from(address.port()).to_be_bytes());
    push_hex(&mut text, &offset.to_be_bytes());
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use rocketmq_protocol::ids::OffsetMessageId;

    use super::*;

    #[test]
    fn the_text_is_that_of_the_protocol() {
        for address in ["127.0.0.1:10911", "[::1]:65535"] {
            let address: SocketAddr = address.parse().unwrap();
            let id = OffsetMessageId { address, offset: 0x0123_4567_89AB };
            assert_eq!(offset_message_id(address, id.offset), id.to_string());
        }
    }
}
