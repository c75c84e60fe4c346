//! Headers as servers write them, ordinary and odd.

#![allow(clippy::unwrap_used)]

use rocketmq_protocol::DecodeError;
use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::encode::{EncodeError, NoFields, Preamble, With, encode_frame};
use rocketmq_protocol::frame::{self, HeaderEncoding, MAX_FRAME};
use rocketmq_protocol::header::{Fields, Header, HeaderReader, UNKNOWN_LANGUAGE};
use rocketmq_protocol::language::Language;
use rocketmq_protocol::requests::{GetRouteRequest, SendRequest};
use std::borrow::Cow;

const ANSWER_5_5: &str = r#"{"code":0,"extFields":{"queueId":"1","TRACE_ON":"true","MSG_REGION":"DefaultRegion","msgId":"7F00000100002A9F00000000000004D2","transactionId":"0A000005109218B4AAC205265C000001","queueOffset":"12"},"flag":1,"language":"JAVA","opaque":5,"serializeTypeCurrentRPC":"JSON","version":513}"#;

fn json(text: &str) -> Header<'_> {
    Header::decode(HeaderEncoding::Json, text.as_bytes()).unwrap()
}

#[test]
fn answers_of_one_form_are_read_without_copies() {
    let mut reader = HeaderReader::default();
    for (opaque, offset) in [(5, "12"), (6, "13"), (123_456, "9007199254740993")] {
        let text = ANSWER_5_5
            .replace("\"opaque\":5", &format!("\"opaque\":{opaque}"))
            .replace("\"queueOffset\":\"12\"", &format!("\"queueOffset\":\"{offset}\""));
        let header = reader.decode(HeaderEncoding::Json, text.as_bytes()).unwrap();
        assert_eq!(header, json(&text));
        assert_eq!((header.opaque, header.fields.get("queueOffset")), (opaque, Some(offset)));
        for part in header.fields.iter().flat_map(|(name, value)| [name, value]) {
            assert!(text.as_bytes().as_ptr_range().contains(&part.as_ptr()), "{part} is a copy");
        }
    }
}

#[test]
fn send_answer_of_5_5_is_read_without_copies() {
    let header = json(ANSWER_5_5);
    assert_eq!((header.code, header.flag, header.opaque, header.version), (0, 1, 5, 513));
    assert_eq!(header.language, Language::Java.code());
    assert!(header.is_response() && !header.is_oneway());
    let answer = SendAnswer::decode(&header.fields).unwrap();
    assert_eq!(
        answer,
        SendAnswer {
            message_id: Some("7F00000100002A9F00000000000004D2"),
            queue_id: Some(1),
            queue_offset: Some(12),
            transaction_id: Some("0A000005109218B4AAC205265C000001"),
            region_id: Some("DefaultRegion"),
            trace_on: true,
            batch_unique_id: None,
            recall_handle: None,
        }
    );
    let inside = ANSWER_5_5.as_bytes().as_ptr_range();
    assert!(inside.contains(&answer.message_id.unwrap().as_ptr()));
}

#[test]
fn spelling_does_not_matter() {
    let expected = json(r#"{"code":7,"extFields":{"name":"a b"},"opaque":-12,"remark":"no"}"#);
    for same in [
        " {\n\"code\" : 7 , \"extFields\" : { \"name\" : \"a b\" } , \"opaque\" : -12, \"remark\":\"no\"}\r\n",
        r#"{"remark":"\u006eo","opaque":-12,"extFields":{"name":"a\u0020b"},"code":7}"#,
        r#"{"code":1,"code":7,"extFields":{"name":"a b","gone":null},"opaque":-12,"remark":"no"}"#,
        r#"{"code":7,"unknown":{"deep":[1,{"x":null}]},"extFields":{"name":"a b"},"opaque":-12,"remark":"no","version":null}"#,
        r#"{"code":7,"extFields":{"name":"a b"},"language":"COBOL","opaque":-12,"remark":"no"}"#,
        r#"{"code":7,"extFields":{"name":"a b"},"language":null,"opaque":-12,"remark":"no"}"#,
    ] {
        assert_eq!(json(same), expected, "{same}");
    }
    assert_eq!(expected.language, UNKNOWN_LANGUAGE);
}

#[test]
fn numbers_and_truth_values_in_ext_fields_are_texts() {
    let header = json(r#"{"code":2147483647,"opaque":-2147483648,"extFields":{"a":1,"b":true,"c":-5}}"#);
    assert_eq!((header.code, header.opaque), (i32::MAX, i32::MIN));
    assert_eq!(header.fields.get("a"), Some("1"));
    assert_eq!(header.fields.get_bool("b").unwrap(), Some(true));
    assert_eq!(header.fields.get_i64("c").unwrap(), Some(-5));
}

#[test]
fn remark_with_escapes_and_broken_utf8_is_kept_readable() {
    let header = json(r#"{"code":1,"remark":"line\n\"quoted\" \u4e2d"}"#);
    assert_eq!(header.remark.as_deref(), Some("line\n\"quoted\" 中"));
    let broken = b"{\"code\":1,\"remark\":\"\xff!\"}";
    let header = Header::decode(HeaderEncoding::Json, broken).unwrap();
    assert_eq!(header.remark.as_deref(), Some("\u{fffd}!"));
}

#[test]
fn illegal_json_is_an_error_with_its_cause() {
    for text in [
        "",
        "[]",
        "{",
        "{}x",
        r#"{"code":}"#,
        r#"{"code":01}"#,
        r#"{"code":1.5}"#,
        r#"{"code":99999999999}"#,
        r#"{"code":1,}"#,
        r#"{"code":1 "flag":1}"#,
        r#"{"extFields":{"a":{}}}"#,
        r#"{"extFields":{"a":"b",}}"#,
        "{\"remark\":\"a\nb\"}",
        r#"{"remark":"open"#,
    ] {
        let error = Header::decode(HeaderEncoding::Json, text.as_bytes()).unwrap_err();
        assert!(matches!(error, DecodeError::Json { .. }), "{text}: {error}");
        assert!(std::error::Error::source(&error).is_some());
    }
    assert_eq!(json("{}"), Header::default());
}

#[test]
fn last_of_equal_fields_wins_and_zero_lengths_are_absent() {
    let mut fields = Fields::new();
    fields.push("a", "first");
    fields.push("gone", "");
    let preamble = Preamble {
        code: 310,
        language: Language::Cpp,
        version: 473,
        opaque: -1,
        flag: 2,
        remark: Some("remark"),
    };
    let mut out = vec![9];
    let with = With { fields: &fields, extra: &[("a", "second")] };
    encode_frame(&mut out, HeaderEncoding::Rocketmq, &preamble, &with, &[b"bo", b"dy"]).unwrap();
    let (frame, consumed) = frame::split(&out[1..]).unwrap().unwrap();
    assert_eq!(consumed, out.len() - 1);
    assert_eq!(frame.body, b"body");
    let header = Header::decode(frame.encoding, frame.header).unwrap();
    assert_eq!(header.fields.get("a"), Some("second"));
    assert_eq!(header.fields.get("gone"), None);
    assert_eq!(header.fields.len(), 2);
    assert_eq!(header.remark.as_deref(), Some("remark"));
    assert_eq!((header.opaque, header.language), (-1, 1));
    assert!(header.is_oneway());
}

#[test]
fn binary_lengths_beyond_the_header_are_errors() {
    let mut header = vec![0; 21];
    header[13..17].copy_from_slice(&i32::MAX.to_be_bytes());
    assert!(matches!(
        Header::decode(HeaderEncoding::Rocketmq, &header),
        Err(DecodeError::Truncated { needed: 0x7fff_ffff, available: 4, .. })
    ));
    header[13..17].copy_from_slice(&(-1_i32).to_be_bytes());
    let error = Header::decode(HeaderEncoding::Rocketmq, &header).unwrap_err();
    assert_eq!(error.to_string(), "malformed binary header: negative length -1");
}

#[test]
fn bad_prefixes_are_told_as_soon_as_they_are_there() {
    let too_long = (MAX_FRAME as u32 - 3).to_be_bytes();
    assert!(matches!(frame::split(&too_long), Err(DecodeError::FrameTooLong { .. })));
    let longest = (MAX_FRAME as u32 - 4).to_be_bytes();
    assert_eq!(frame::total_len(&longest).unwrap(), Some(MAX_FRAME));
    assert_eq!(frame::split(&longest).unwrap(), None);
    for short in [-1_i32, 0, 3] {
        assert!(matches!(frame::split(&short.to_be_bytes()), Err(DecodeError::FrameTooShort { .. })));
    }
    assert!(matches!(frame::split(&[0, 0, 0, 9, 2, 0, 0, 0]), Err(DecodeError::UnknownHeaderEncoding(2))));
    assert!(matches!(
        frame::split(&[0, 0, 0, 9, 0, 0, 0, 6]),
        Err(DecodeError::HeaderTooLong { header: 6, frame: 5 })
    ));
    assert_eq!(frame::split(&[0, 0, 0]).unwrap(), None);
}

#[test]
fn what_cannot_be_written_leaves_the_buffer_alone() {
    let preamble =
        Preamble { code: 40_000, language: Language::Java, version: 1, opaque: 0, flag: 0, remark: None };
    let mut out = vec![1, 2, 3];
    let binary = encode_frame(&mut out, HeaderEncoding::Rocketmq, &preamble, &NoFields, &[]);
    assert_eq!(binary, Err(EncodeError::CodeTooLarge(40_000)));
    let body = vec![0; MAX_FRAME];
    let json = encode_frame(&mut out, HeaderEncoding::Json, &preamble, &NoFields, &[&body]);
    assert!(matches!(json, Err(EncodeError::FrameTooLong { max: MAX_FRAME, .. })));
    let name = "n".repeat(40_000);
    let mut fields = Fields::new();
    fields.push(name, "value");
    let preamble = Preamble { code: 1, ..preamble };
    let long = encode_frame(&mut out, HeaderEncoding::Rocketmq, &preamble, &fields, &[]);
    assert!(matches!(long, Err(EncodeError::FieldTooLong { len: 40_000, .. })));
    assert_eq!(out, [1, 2, 3]);
}

#[test]
fn a_bad_field_is_named_with_its_value() {
    let mut fields = Fields::new();
    fields.push("queueId", "one");
    let error = fields.get_i32("queueId").unwrap_err();
    assert_eq!(error.to_string(), r#"ext field queueId is "one", expected a 32-bit decimal number"#);
    assert_eq!(fields.require("topic").unwrap_err().to_string(), "ext field topic is missing");
    assert!(SendAnswer::decode(&fields).is_err());
    assert!(GetRouteRequest::decode(&fields).is_err());
}

#[test]
fn both_send_headers_carry_the_same() {
    let request = SendRequest {
        producer_group: Cow::Borrowed("group"),
        topic: "topic".into(),
        default_topic: "TBW102".into(),
        default_topic_queue_nums: 4,
        queue_id: -1,
        sys_flag: 0x301,
        born_timestamp: 1_700_000_000_000,
        flag: 7,
        properties: "TAGS\u{1}A\u{2}".into(),
        reconsume_times: 1,
        unit_mode: true,
        max_reconsume_times: Some(16),
        batch: true,
        broker_name: Some("broker-a".into()),
    };
    for encoding in [HeaderEncoding::Json, HeaderEncoding::Rocketmq] {
        let preamble =
            Preamble { code: 310, language: Language::Rust, version: 473, opaque: 1, flag: 0, remark: None };
        let mut out = Vec::new();
        encode_frame(&mut out, encoding, &preamble, &request.v1(), &[]).unwrap();
        let second = out.len();
        encode_frame(&mut out, encoding, &preamble, &request.v2(), &[]).unwrap();
        let (frame, consumed) = frame::split(&out).unwrap().unwrap();
        assert_eq!(consumed, second);
        let header = Header::decode(encoding, frame.header).unwrap();
        assert_eq!(header.fields.get("bname"), Some("broker-a"));
        assert_eq!(SendRequest::decode_v1(&header.fields).unwrap(), request);
        let (frame, _) = frame::split(&out[second..]).unwrap().unwrap();
        let header = Header::decode(encoding, frame.header).unwrap();
        assert_eq!(header.fields.get("n"), Some("broker-a"));
        assert_eq!(SendRequest::decode_v2(&header.fields).unwrap(), request);
    }
}

#[test]
fn a_send_header_needs_no_group_and_its_last_value_of_a_name_counts() {
    let needed =
        [("b", "topic"), ("c", "TBW102"), ("d", "4"), ("e", "none"), ("f", "0"), ("g", "1"), ("h", "0")];
    let mut fields = Fields::new();
    for (name, value) in needed {
        fields.push(name, value);
    }
    let error = SendRequest::decode_v2(&fields).unwrap_err();
    assert_eq!(error.to_string(), r#"ext field e is "none", expected a 32-bit decimal number"#);
    for (name, value) in [("e", "3"), ("o", "1"), ("", "2"), ("aa", "3")] {
        fields.push(name, value);
    }
    let expected = SendRequest {
        topic: "topic".into(),
        default_topic: "TBW102".into(),
        default_topic_queue_nums: 4,
        queue_id: 3,
        born_timestamp: 1,
        ..SendRequest::default()
    };
    assert_eq!(SendRequest::decode_v2(&fields).unwrap(), expected);
    for (without, _) in needed {
        let mut rest = Fields::new();
        for (name, value) in fields.iter().filter(|(name, _)| *name != without) {
            rest.push(name, value);
        }
        let error = SendRequest::decode_v2(&rest).unwrap_err();
        assert_eq!(error.to_string(), format!("ext field {without} is missing"));
    }
    assert_eq!(SendRequest::decode_v1(&fields).unwrap_err().to_string(), "ext field topic is missing");
}
