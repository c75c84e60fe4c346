//! The byte vectors of the protocol's appendix A, by their numbers.

#![allow(clippy::unwrap_used)]

use rocketmq_protocol::acl::{self, SigningKey};
use rocketmq_protocol::encode::{NoFields, Preamble, With, encode_frame};
use rocketmq_protocol::frame::{self, HeaderEncoding};
use rocketmq_protocol::header::{Fields, Header};
use rocketmq_protocol::ids::{OffsetMessageId, UniqueIdGenerator};
use rocketmq_protocol::language::Language;
use rocketmq_protocol::recall::RecallHandle;
use rocketmq_protocol::record::{self, Record};
use rocketmq_protocol::requests::SendRequest;
use rocketmq_protocol::trace::{MessageKind, PubRecord};
use rocketmq_protocol::{batch, compression, java_hash, properties};

const A3: &str = "TAGS\u{1}A\u{2}WAIT\u{1}true\u{2}";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn route_request() -> (Preamble<'static>, Fields<'static>) {
    let mut fields = Fields::new();
    fields.push("topic", "T1");
    let preamble =
        Preamble { code: 105, language: Language::Rust, version: 479, opaque: 7, flag: 0, remark: None };
    (preamble, fields)
}

fn check_frame(encoding: HeaderEncoding, expected: &[u8]) {
    let (preamble, fields) = route_request();
    let mut out = Vec::new();
    encode_frame(&mut out, encoding, &preamble, &fields, &[]).unwrap();
    assert_eq!(out, expected);

    let (frame, consumed) = frame::split(expected).unwrap().unwrap();
    assert_eq!(consumed, expected.len());
    assert_eq!(frame.encoding, encoding);
    assert!(frame.body.is_empty());
    let header = Header::decode(frame.encoding, frame.header).unwrap();
    assert_eq!((header.code, header.language, header.version), (105, 12, 479));
    assert_eq!((header.opaque, header.flag, header.remark.clone()), (7, 0, None));
    assert!(header.fields == fields);
}

#[test]
fn a1_binary_frame() {
    let expected = hex("00000026 01000022 0069 0c 01df 00000007 00000000 00000000 0000000d
         0005 746f706963 00000002 5431");
    check_frame(HeaderEncoding::Rocketmq, &expected);
}

#[test]
fn a2_json_frame() {
    let mut expected = hex("00000080 0000007c");
    expected.extend_from_slice(
        br#"{"code":105,"extFields":{"topic":"T1"},"flag":0,"language":"RUST","opaque":7,"serializeTypeCurrentRPC":"JSON","version":479}"#,
    );
    check_frame(HeaderEncoding::Json, &expected);
}

fn a3_properties() -> String {
    let mut text = String::new();
    properties::push(&mut text, "TAGS", "A");
    properties::push(&mut text, "WAIT", "true");
    text
}

#[test]
fn a3_property_string() {
    assert_eq!(a3_properties().as_bytes(), hex("54414753 01 41 02 57414954 01 74727565 02"));
    assert_eq!(properties::iter(A3).collect::<Vec<_>>(), [("TAGS", "A"), ("WAIT", "true")]);
}

#[test]
fn a4_batch_item() {
    let mut expected = hex("00000029 00000000 00000000 00000000 00000002 6869 0011");
    expected.extend_from_slice(A3.as_bytes());
    let mut out = Vec::new();
    batch::push(&mut out, 0, &[A3], b"hi").unwrap();
    assert_eq!(out, expected);
    let items: Vec<_> = batch::iter(&expected).collect::<Result<_, _>>().unwrap();
    assert_eq!(items, [batch::BatchItem { flag: 0, body: b"hi", properties: A3.into() }]);
}

#[test]
fn a5_offset_message_id() {
    let id = OffsetMessageId { address: "127.0.0.1:10911".parse().unwrap(), offset: 1234 };
    assert_eq!(id.to_string(), "7F00000100002A9F00000000000004D2");
    assert_eq!("7F00000100002A9F00000000000004D2".parse::<OffsetMessageId>().unwrap(), id);
}

#[test]
fn a6_unique_id() {
    const DAY: u64 = 24 * 3600 * 1000;
    let month_start = 1_698_796_800_000;
    let ids = UniqueIdGenerator::new("10.0.0.5".parse().unwrap(), 4242, 0x18B4_AAC2);
    let first = ids.next(month_start + DAY, month_start);
    let second = ids.next(month_start + DAY, month_start);
    assert_eq!(first.as_str(), "0A000005109218B4AAC205265C000000");
    assert_eq!(second.as_str(), "0A000005109218B4AAC205265C000001");
}

#[test]
fn a7a_hmac() {
    let signature = SigningKey::new("12345678").sign(&NoFields, &[b"Rocket", b"MQ"]);
    assert_eq!(signature.as_str(), "IUc8rrO/0gDch8CjObLQsW2rsiA=");
}

#[test]
fn a7b_signature_of_a_route_request() {
    let (_, fields) = route_request();
    let signed = With { fields: &fields, extra: &[(acl::ACCESS_KEY, "ak")] };
    let signature = SigningKey::new("sk").sign(&signed, &[]);
    assert_eq!(signature.as_str(), "9VPuTHRkgwQkbcY5/m5xrQF1GFI=");
}

#[test]
fn a7c_signature_of_a_send() {
    let request = SendRequest {
        producer_group: "PG".into(),
        topic: "T1".into(),
        default_topic: "TBW102".into(),
        default_topic_queue_nums: 4,
        queue_id: 2,
        born_timestamp: 1_700_000_000_000,
        properties: A3.into(),
        broker_name: Some("broker-a".into()),
        ..SendRequest::default()
    };
    let extra = [(acl::ACCESS_KEY, "ak"), (acl::SIGNATURE, "an older one")];
    let signature = SigningKey::new("sk").sign(&With { fields: &request.v2(), extra: &extra }, &[b"hi"]);
    assert_eq!(signature.as_str(), "sIYUQ+xTcoUzNL68YldpR+iJx28=");
}

#[test]
fn a8_record() {
    let mut expected = hex("00000070 daa320a7 58932aac 00000002 00000000 0000000000000009
         00000000000004d2 00000000 0000018bcfe56800 0a000005 0000c350 0000018bcfe56805
         7f000001 00002a9f 00000000 0000000000000000 00000002 6869 02 5431 0011");
    expected.extend_from_slice(A3.as_bytes());
    let record = Record {
        body_crc: record::body_crc(b"hi"),
        queue_id: 2,
        flag: 0,
        queue_offset: 9,
        physical_offset: 1234,
        sys_flag: 0,
        born_timestamp: 1_700_000_000_000,
        born_host: "10.0.0.5:50000".parse().unwrap(),
        store_timestamp: 1_700_000_000_005,
        store_host: "127.0.0.1:10911".parse().unwrap(),
        reconsume_times: 0,
        prepared_transaction_offset: 0,
        body: b"hi",
        topic: "T1".into(),
        properties: A3.into(),
    };
    assert_eq!(record.body_crc, 0x5893_2AAC);
    let mut out = Vec::new();
    record.encode(&mut out).unwrap();
    assert_eq!(out, expected);
    assert_eq!(Record::decode(&expected).unwrap(), (record.clone(), 112));
    assert_eq!(record.offset_message_id().to_string(), "7F00000100002A9F00000000000004D2");
}

#[test]
fn a9_java_string_hash() {
    let cases = [
        ("TagA", 2_598_919, 3),
        ("order-1", -1_207_111_310, 2),
        ("order-100", -392_797_454, 2),
        ("\u{4E2D}", 20_013, 1),
    ];
    for (text, hash, index) in cases {
        assert_eq!(java_hash::java_string_hash(text), hash, "{text}");
        assert_eq!(java_hash::select_by_hash(hash, 4), Some(index), "{text}");
    }
    assert_eq!(java_hash::select_by_hash(i32::MIN, 1), Some(0));
    assert_eq!(java_hash::select_by_hash(5, 0), None);
}

#[test]
fn a10_recall_handle() {
    const TEXT: &str = "djEgVDEgYnJva2VyLWEgMTcwMDAwMDAwMTAwMCBBQzExMDAwMTAwMDYxMjM0NTY3OEFCQ0RFRjAwMDAwMA==";
    let handle = RecallHandle {
        topic: "T1".into(),
        broker_name: "broker-a".into(),
        timestamp_ms: 1_700_000_001_000,
        unique_id: "AC110001000612345678ABCDEF000000".into(),
    };
    assert_eq!(handle.to_string(), TEXT);
    assert_eq!(TEXT.parse::<RecallHandle>().unwrap(), handle);
    assert_eq!(TEXT.trim_end_matches('=').parse::<RecallHandle>().unwrap(), handle);
}

#[test]
fn a11_lz4_frame_header() {
    assert_eq!(&compression::lz4(b"body").unwrap()[..7], hex("04224d18 60 70 73"));
}

#[test]
fn a12_zlib_header() {
    let compressed = compression::zlib(b"body", compression::DEFAULT_LEVEL).unwrap();
    assert_eq!(&compressed[..2], hex("785e"));
}

#[test]
fn a13_crc_property() {
    let mut text = String::new();
    properties::push_crc(&mut text, 123);
    assert_eq!(text, "__CRC32#\u{1}3210000000\u{2}");
}

#[test]
fn a14_trace_record() {
    let record = PubRecord {
        timestamp_ms: 1_700_000_000_000,
        region_id: "DefaultRegion",
        group: "PG",
        topic: "T1",
        message_id: "MID",
        tags: Some("A"),
        keys: Some("K1"),
        store_host: "127.0.0.1:10911",
        body_length: 2,
        cost_ms: 3,
        kind: MessageKind::Normal,
        offset_message_id: "OMID",
        success: true,
    };
    let mut text = String::new();
    record.encode(&mut text);
    let fields = [
        "Pub",
        "1700000000000",
        "DefaultRegion",
        "PG",
        "T1",
        "MID",
        "A",
        "K1",
        "127.0.0.1:10911",
        "2",
        "3",
        "0",
        "OMID",
        "true",
    ];
    assert_eq!(text, fields.join("\u{1}") + "\u{2}");
}
