//! Send frames of the size that a producer's have.

use rocketmq_protocol::batch;

use crate::Failure;
use crate::null_broker::BROKER_NAME;
use crate::workload::GROUP;

/// Places of the opaque and of the flag's last byte in a frame with a binary header.
const OPAQUE_AT: usize = 8 + 5;
const FLAG_AT: usize = OPAQUE_AT + 7;
const ONEWAY: u8 = 2;

const SEND: i16 = 310;
const SEND_BATCH: i16 = 320;
const UNIQUE_ID: &str = "UNIQ_KEY\u{1}0A000005109218B4AAC205265C000001\u{2}";
const WAIT: &str = "WAIT\u{1}true\u{2}";

/// One send with a binary header (protocol 1.3, 2.2): every field a producer sends, the unique id and `WAIT` as
/// properties.
pub(super) fn send_frame(topic: &str, body_len: usize) -> Vec<u8> {
    frame(SEND, topic, &[UNIQUE_ID, WAIT].concat(), &vec![b'x'; body_len])
}

/// One send of a batch (protocol 5.8): the items have the unique ids.
pub(super) fn batch_frame(topic: &str, body_len: usize, messages: usize) -> Result<Vec<u8>, Failure> {
    let mut items = Vec::new();
    let body = vec![b'x'; body_len];
    for _ in 0..messages {
        batch::push(&mut items, 0, &[UNIQUE_ID, WAIT], &body)?;
    }
    Ok(frame(SEND_BATCH, topic, WAIT, &items))
}

/// `SEND_MESSAGE_V2` or `SEND_BATCH_MESSAGE`.
fn frame(code: i16, topic: &str, properties: &str, body: &[u8]) -> Vec<u8> {
    let fields = [
        ("a", GROUP),
        ("b", topic),
        ("c", "TBW102"),
        ("d", "4"),
        ("e", "1"),
        ("f", "0"),
        ("g", "1700000000000"),
        ("h", "0"),
        ("i", properties),
        ("j", "0"),
        ("k", "false"),
        ("m", if code == SEND_BATCH { "true" } else { "false" }),
        ("n", BROKER_NAME),
    ];
    let mut map = Vec::new();
    for (name, value) in fields {
        map.extend((name.len() as u16).to_be_bytes());
        map.extend(name.as_bytes());
        map.extend((value.len() as u32).to_be_bytes());
        map.extend(value.as_bytes());
    }
    let mut header = Vec::new();
    header.extend(code.to_be_bytes());
    header.push(12);
    header.extend(473_i16.to_be_bytes());
    header.extend([0; 4 + 4 + 4]);
    header.extend((map.len() as u32).to_be_bytes());
    header.extend(map);

    let mut frame = ((4 + header.len() + body.len()) as u32).to_be_bytes().to_vec();
    frame.extend((header.len() as u32 | 1 << 24).to_be_bytes());
    frame.extend(header);
    frame.extend_from_slice(body);
    frame
}

pub(super) fn set_opaque(frame: &mut [u8], opaque: u32) {
    frame[OPAQUE_AT..OPAQUE_AT + 4].copy_from_slice(&opaque.to_be_bytes());
}

/// Has the broker not answer.
pub(super) fn set_oneway(frame: &mut [u8]) {
    frame[FLAG_AT] = ONEWAY;
}

/// Counts the whole frames in `buffer`: their number and their bytes.
pub(super) fn count_whole(buffer: &[u8]) -> (u64, usize) {
    let (mut frames, mut taken) = (0, 0);
    while let Some(len) = buffer[taken..].first_chunk::<4>() {
        let end = taken + 4 + u32::from_be_bytes(*len) as usize;
        if end > buffer.len() {
            break;
        }
        frames += 1;
        taken = end;
    }
    (frames, taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_opaque_stand_where_the_layout_says() {
        let mut frame = send_frame("bench", 256);
        set_opaque(&mut frame, 0x0102_0304);
        let len = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
        assert_eq!(len + 4, frame.len());
        assert_eq!(frame[4], 1);
        let header_len = u32::from_be_bytes([0, frame[5], frame[6], frame[7]]) as usize;
        assert_eq!(8 + header_len + 256, frame.len());
        assert_eq!(&frame[8..21], b"\x01\x36\x0c\x01\xd9\x01\x02\x03\x04\0\0\0\0");
    }

    #[test]
    fn a_batch_has_its_items_and_a_oneway_frame_its_flag() {
        let mut frame = batch_frame("bench", 256, 32).unwrap();
        let header_len = u32::from_be_bytes([0, frame[5], frame[6], frame[7]]) as usize;
        let items: Result<Vec<_>, _> = batch::iter(&frame[8 + header_len..]).collect();
        let items = items.unwrap();
        assert_eq!((items.len(), items[31].body.len()), (32, 256));
        assert_eq!(frame[8..10], [1, 64]);
        set_oneway(&mut frame);
        assert_eq!(frame[17..21], [0, 0, 0, 2]);
    }

    #[test]
    fn only_whole_frames_count() {
        let frame = send_frame("bench", 10);
        let two = [frame.clone(), frame.clone()].concat();
        assert_eq!(count_whole(&two), (2, two.len()));
        assert_eq!(count_whole(&two[..two.len() - 1]), (1, frame.len()));
        assert_eq!(count_whole(&two[..3]), (0, 0));
    }
}
