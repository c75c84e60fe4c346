//! Properties, names, ids, compression: the rules beside the vectors.

#![allow(clippy::unwrap_used)]

use rocketmq_protocol::compression::{decompress, lz4, zlib};
use rocketmq_protocol::ids::{OffsetMessageId, UniqueIdGenerator};
use rocketmq_protocol::properties;
use rocketmq_protocol::sys_flag::CompressionType;
use rocketmq_protocol::topics::{self, NameRule, check_group, check_topic};
use rocketmq_protocol::{codes, recall::RecallHandle};

#[test]
fn property_reader_follows_java() {
    let text = "a\u{1}1\u{2}\u{1}nameless\u{2}empty\u{1}\u{2}bare\u{2}\u{2}a\u{1}x\u{1}y";
    assert_eq!(properties::iter(text).collect::<Vec<_>>(), [("a", "1"), ("a", "x\u{1}y")]);
    assert_eq!(properties::get(text, "a"), Some("x\u{1}y"));
    assert_eq!(properties::get(text, "empty"), None);
    assert!(
        properties::is_plain("käse") && !properties::is_plain("a\u{2}") && !properties::is_plain("\u{1}")
    );
    assert!(properties::is_reserved("UNIQ_KEY") && properties::is_reserved("1ST_POP_TIME"));
    assert!(!properties::is_reserved("__SHARDINGKEY") && !properties::is_reserved("mine"));
}

#[test]
fn names_are_checked() {
    let rule = |name: &str| check_topic(name).unwrap_err().rule;
    assert_eq!(check_topic("%RETRY%ok-1_2|3"), Ok(()));
    assert_eq!(check_topic(&"t".repeat(127)), Ok(()));
    assert_eq!(rule(" "), NameRule::Blank);
    assert_eq!(rule(""), NameRule::Blank);
    assert_eq!(rule(&"t".repeat(128)), NameRule::TooLong { len: 128, max: 127 });
    assert_eq!(rule("a.b"), NameRule::IllegalCharacter);
    assert_eq!(rule("中"), NameRule::IllegalCharacter);
    assert_eq!(check_group(&"g".repeat(255)), Ok(()));
    assert_eq!(check_group(&"g".repeat(256)).unwrap_err().rule, NameRule::TooLong { len: 256, max: 255 });
    let error = check_group("DEFAULT_PRODUCER").unwrap_err();
    assert_eq!(error.to_string(), "producer group \"DEFAULT_PRODUCER\" is reserved, choose another");
    assert!(topics::is_system("TBW102") && !topics::is_send_forbidden("TBW102"));
    assert!(topics::is_system("rmq_sys_x") && topics::is_send_forbidden("SCHEDULE_TOPIC_XXXX"));
    assert!(!topics::is_system("T1"));
}

#[test]
fn unique_ids_tell_the_time_and_begin_an_era_when_the_clock_is_set_back() {
    let ids = UniqueIdGenerator::new("fe80::1".parse().unwrap(), 0x1_0002, 1);
    let month_start = 10_000_000;
    let ends_of = |now: u64| ids.next(now, month_start).as_str()[36..].to_owned();
    // Before the month's start it is the month's start. After 65,536 ids the time goes on.
    assert_eq!(
        ids.next(month_start - 5, month_start).as_str(),
        "FE800000000000000000000000000001000200000001000000000000"
    );
    for _ in 0..u16::MAX {
        ids.next(month_start, month_start);
    }
    assert_eq!(ends_of(month_start), "00000001000000010000");
    // After day 24 the time takes the top bit.
    assert_eq!(ends_of(month_start + 0x9000_0000), "00000001900000000000");
    assert_eq!(ends_of(month_start + 0x9000_0000 - 1_000), "00000001900000000001");
    assert_eq!(ends_of(month_start + 0x9000_0000 - 1_001), "000000028FFFFC170000");
    assert_eq!(ends_of(month_start), "00000003000000000000");
}

#[test]
fn offset_ids_are_read_by_their_length() {
    let v6 = OffsetMessageId { address: "[fe80::1]:10911".parse().unwrap(), offset: 255 };
    assert_eq!(v6.to_string(), "FE80000000000000000000000000000100002A9F00000000000000FF");
    assert_eq!(v6.to_string().parse::<OffsetMessageId>().unwrap(), v6);
    assert_eq!(v6.to_string().to_lowercase().parse::<OffsetMessageId>().unwrap(), v6);
    for bad in ["", "0", "7F00000100002A9F00000000000004D", "7F0000010FFFFFFF00000000000004D2", "中"] {
        assert!(bad.parse::<OffsetMessageId>().is_err(), "{bad}");
    }
    assert!("+F00000100002A9F00000000000004D2".parse::<OffsetMessageId>().is_err());
}

#[test]
fn compressed_bodies_come_back_within_their_limit() {
    let body: Vec<u8> = (0..300_000_u32).flat_map(|n| (n % 251).to_be_bytes()).collect();
    for (kind, compressed) in
        [(CompressionType::Zlib, zlib(&body, 5).unwrap()), (CompressionType::Lz4, lz4(&body).unwrap())]
    {
        assert!(compressed.len() < body.len());
        assert_eq!(decompress(kind, &compressed, body.len()).unwrap(), body);
        let error = decompress(kind, &compressed, body.len() - 1).unwrap_err();
        assert!(error.to_string().contains("more than 1199999 bytes"), "{error}");
        assert!(decompress(kind, &compressed[..compressed.len() / 2], body.len()).is_err());
        assert!(decompress(kind, b"nonsense", 100).is_err());
    }
    assert!(decompress(CompressionType::Zstd, b"", 0).is_err());
}

#[test]
fn compression_type_bits() {
    for (kind, bits) in
        [(CompressionType::Zlib, 0x301), (CompressionType::Lz4, 0x101), (CompressionType::Zstd, 0x201)]
    {
        assert_eq!(kind.bits(), bits);
        assert_eq!(CompressionType::of(bits | 0x4), Some(kind));
    }
    assert_eq!(CompressionType::of(0x1), Some(CompressionType::Zlib));
    assert_eq!(CompressionType::of(0x300), None);
    assert_eq!(CompressionType::of(0x701), None);
}

#[test]
fn recall_handles_that_are_none() {
    for bad in ["", "!", "djE=", "djIgVDEgYiAxIHU=", "djEgVDEgYiB4IHU="] {
        assert!(bad.parse::<RecallHandle>().is_err(), "{bad}");
    }
}

#[test]
fn codes_have_names() {
    assert_eq!(codes::response_name(codes::response::GO_AWAY), Some("GO_AWAY"));
    assert_eq!(codes::request_name(310), Some("SEND_MESSAGE_V2"));
    assert_eq!(codes::response_name(-5), None);
}
