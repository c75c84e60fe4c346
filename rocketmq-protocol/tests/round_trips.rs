//! What is written is read back; what is broken is an error and nothing worse.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::{char, option};
use rocketmq_protocol::answers::{HeartbeatAnswer, OffsetAnswer, RecallAnswer, SendAnswer};
use rocketmq_protocol::encode::{Preamble, encode_frame};
use rocketmq_protocol::frame::{self, HeaderEncoding};
use rocketmq_protocol::header::{Fields, Header, HeaderReader};
use rocketmq_protocol::heartbeat::HeartbeatData;
use rocketmq_protocol::ids::OffsetMessageId;
use rocketmq_protocol::language::Language;
use rocketmq_protocol::record::{self, Record};
use rocketmq_protocol::requests::*;
use rocketmq_protocol::route::bounds::MAX_QUEUES;
use rocketmq_protocol::route::{BrokerData, ClusterInfo, QueueData, TopicRoute};
use rocketmq_protocol::sys_flag::CompressionType;
use rocketmq_protocol::{batch, compression, properties, recall::RecallHandle};

fn encoding() -> impl Strategy<Value = HeaderEncoding> {
    prop_oneof![Just(HeaderEncoding::Json), Just(HeaderEncoding::Rocketmq)]
}

/// Text with everything that JSON escapes, and more.
fn text() -> impl Strategy<Value = String> {
    let escaped = prop_oneof![Just('"'), Just('\\'), char::range('\0', ' ')];
    vec(prop_oneof![4 => any::<char>(), 3 => escaped, 8 => char::range('a', 'z')], 1..40)
        .prop_map(String::from_iter)
}

/// Text without the separators of properties.
fn plain() -> impl Strategy<Value = String> {
    let any = any::<char>().prop_filter("separator", |c| *c > '\u{2}');
    vec(prop_oneof![char::range(' ', '~'), any], 1..20).prop_map(String::from_iter)
}

fn language() -> impl Strategy<Value = Language> {
    (0..Language::ALL.len()).prop_map(|at| Language::ALL[at])
}

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn route() -> impl Strategy<Value = TopicRoute> {
    let nums = || 0..=MAX_QUEUES;
    let queues = btree_map(text(), (nums(), nums(), any::<i32>(), any::<i32>()), 0..4);
    let broker = (text(), btree_map(any::<i64>(), text(), 0..4), any::<bool>(), option::of(text()));
    (option::of(text()), queues, btree_map(text(), broker, 0..4)).prop_map(|(conf, queues, brokers)| {
        TopicRoute {
            order_topic_conf: conf,
            queue_datas: queues
                .into_iter()
                .map(|(broker_name, (read_queue_nums, write_queue_nums, perm, topic_sys_flag))| QueueData {
                    broker_name,
                    read_queue_nums,
                    write_queue_nums,
                    perm,
                    topic_sys_flag,
                })
                .collect(),
            broker_datas: brokers
                .into_iter()
                .map(|(broker_name, (cluster, broker_addrs, enable_acting_master, zone_name))| BrokerData {
                    broker_name,
                    cluster,
                    broker_addrs,
                    enable_acting_master,
                    zone_name,
                })
                .collect(),
            topic_queue_mapping_by_broker: None,
        }
    })
}

/// Every reader over one input; the test is that all of them return.
fn read_everything(bytes: &[u8]) {
    for encoding in [HeaderEncoding::Json, HeaderEncoding::Rocketmq] {
        if let Ok(header) = Header::decode(encoding, bytes) {
            let fields = &header.fields;
            let _ = SendAnswer::decode(fields);
            let _ = OffsetAnswer::decode(fields);
            let _ = HeartbeatAnswer::decode(fields);
            let _ = RecallAnswer::decode(fields);
            let _ = SendRequest::decode_v1(fields);
            let _ = SendRequest::decode_v2(fields);
            let _ = EndTransactionRequest::decode(fields);
            let _ = CheckTransactionStateRequest::decode(fields);
            let _ = ReplyMessageRequest::decode(fields);
        }
    }
    let _ = frame::split(bytes);
    batch::iter(bytes).for_each(drop);
    record::iter(bytes).for_each(drop);
    let _ = TopicRoute::parse(bytes);
    let _ = ClusterInfo::parse(bytes);
    let _ = HeartbeatData::from_json(bytes);
    for kind in [CompressionType::Zlib, CompressionType::Lz4] {
        let _ = compression::decompress(kind, bytes, 1 << 16);
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = text.parse::<RecallHandle>();
    let _ = text.parse::<OffsetMessageId>();
    properties::iter(&text).for_each(drop);
}

fn sample_record<'a>(
    topic: &'a str,
    body: &'a [u8],
    text: &'a str,
    hosts: [SocketAddr; 2],
    n: i64,
) -> Record<'a> {
    Record {
        body_crc: record::body_crc(body),
        queue_id: n as i32,
        flag: (n >> 3) as i32,
        queue_offset: n,
        physical_offset: n ^ 0xFFFF,
        sys_flag: (n as i32 & !0x30)
            | (i32::from(hosts[0].is_ipv6()) << 4)
            | (i32::from(hosts[1].is_ipv6()) << 5),
        born_timestamp: n >> 1,
        born_host: hosts[0],
        store_timestamp: n >> 2,
        store_host: hosts[1],
        reconsume_times: (n >> 4) as i32,
        prepared_transaction_offset: n >> 5,
        body,
        topic: topic.into(),
        properties: text.into(),
    }
}

proptest! {
    #[test]
    fn frames(
        encoding in encoding(),
        code in 0..=32_767_i32, version in 0..=32_767_i32, opaque: i32, flag: i32, language in language(),
        remark in option::of(text()),
        pairs in vec((text(), text()), 0..20),
        body in vec(any::<u8>(), 0..200),
        next in vec(any::<u8>(), 0..9),
    ) {
        let mut fields = Fields::new();
        for (name, value) in &pairs {
            fields.push(name.as_str(), value.as_str());
        }
        let preamble = Preamble { code, language, version, opaque, flag, remark: remark.as_deref() };
        let mut out = Vec::new();
        let (front, back) = body.split_at(body.len() / 2);
        encode_frame(&mut out, encoding, &preamble, &fields, &[front, back]).unwrap();
        let length = out.len();
        out.extend_from_slice(&next);

        let (frame, consumed) = frame::split(&out).unwrap().unwrap();
        prop_assert_eq!(consumed, length);
        prop_assert_eq!(frame::total_len(&out).unwrap(), Some(length));
        prop_assert_eq!(frame.body, body);
        let header = Header::decode(frame.encoding, frame.header).unwrap();
        prop_assert_eq!((header.code, header.version, header.opaque), (code, version, opaque));
        prop_assert_eq!((header.flag, header.language), (flag, language.code()));
        prop_assert_eq!(&header.remark.as_deref(), &remark.as_deref());
        prop_assert!(header.fields == fields);

        for end in 0..length {
            prop_assert_eq!(frame::split(&out[..end]).unwrap(), None);
        }
        for end in 0..frame.header.len() {
            prop_assert!(Header::decode(encoding, &frame.header[..end]).is_err());
        }
    }

    /// The one-pass JSON reader and the full one agree: an unknown member sends the bytes to the full one.
    #[test]
    fn json_readers_agree(code: i32, opaque: i32, pairs in vec((plain(), plain()), 0..6), remark in plain()) {
        let quote = |text: &str| serde_json::to_string(text).unwrap();
        let fields: Vec<_> = pairs.iter().map(|(n, v)| format!("{}:{}", quote(n), quote(v))).collect();
        let members = format!(
            r#""code":{code},"extFields":{{{}}},"opaque":{opaque},"remark":{}"#, fields.join(","), quote(&remark)
        );
        let ordinary = format!("{{{members}}}");
        let unusual = format!("{{\"unknown\":0,{members}}}");
        let one = Header::decode(HeaderEncoding::Json, ordinary.as_bytes()).unwrap();
        let other = Header::decode(HeaderEncoding::Json, unusual.as_bytes()).unwrap();
        prop_assert_eq!((one.code, one.opaque, &one.remark), (other.code, other.opaque, &other.remark));
        prop_assert!(one.fields == other.fields);
    }

    /// A reader that remembers the form of earlier headers reads what one without memory reads, from headers of the
    /// same form with other values, of other forms, and from ones that lost or changed a byte.
    #[test]
    fn a_reader_with_a_memory_agrees(
        names in vec(plain(), 0..5),
        headers in vec((0..2_i32, any::<i32>(), vec(plain(), 5), any::<bool>()), 1..8),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..8),
    ) {
        let quote = |text: &str| serde_json::to_string(text).unwrap();
        let mut reader = HeaderReader::default();
        for ((code, opaque, values, in_front), (place, byte, is_lost)) in headers.iter().zip(damage.iter().cycle()) {
            let pairs = names.iter().zip(values).map(|(n, v)| format!("{}:{}", quote(n), quote(v)));
            let fields = pairs.collect::<Vec<_>>().join(",");
            let header = match in_front {
                true => format!(r#"{{"opaque":{opaque},"code":{code},"flag":1,"extFields":{{{fields}}}}}"#),
                false => format!(r#"{{"code":{code},"extFields":{{{fields}}},"flag":1,"opaque":{opaque}}}"#),
            };
            let mut damaged = header.clone().into_bytes();
            let at = place.index(damaged.len());
            match is_lost {
                true => drop(damaged.remove(at)),
                false => damaged[at] = *byte,
            }
            for bytes in [header.as_bytes(), &damaged, header.as_bytes()] {
                let remembered = reader.decode(HeaderEncoding::Json, bytes);
                let anew = Header::decode(HeaderEncoding::Json, bytes);
                prop_assert_eq!(remembered.ok(), anew.ok(), "{}", String::from_utf8_lossy(bytes));
            }
        }
    }

    #[test]
    fn property_strings(pairs in vec((plain(), plain()), 0..10)) {
        let mut text = String::new();
        for (name, value) in &pairs {
            properties::push(&mut text, name, value);
        }
        let read: Vec<_> = properties::iter(&text).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        prop_assert_eq!(&read, &pairs);
        let without_last = text.strip_suffix('\u{2}').unwrap_or(&text);
        prop_assert_eq!(properties::iter(without_last).count(), pairs.len());
        let wanted: BTreeMap<_, _> = pairs.into_iter().collect();
        for (name, value) in &wanted {
            prop_assert_eq!(properties::get(&text, name), Some(value.as_str()));
        }
    }

    #[test]
    fn batches(items in vec((any::<i32>(), text(), vec(any::<u8>(), 0..50)), 1..8), cut in 1_usize..20) {
        let mut out = Vec::new();
        for (flag, properties, body) in &items {
            batch::push(&mut out, *flag, &[properties], body).unwrap();
        }
        let read: Vec<_> = batch::iter(&out).collect::<Result<_, _>>().unwrap();
        let read: Vec<_> = read.into_iter().map(|i| (i.flag, i.properties.into_owned(), i.body.to_vec())).collect();
        prop_assert_eq!(read, items);
        let cut = &out[..out.len() - cut];
        prop_assert!(batch::iter(cut).last().is_some_and(|item| item.is_err()));
    }

    #[test]
    fn records(
        topic in "[a-z]{1,200}", body in vec(any::<u8>(), 0..60), text in text(),
        born in address(), store in address(), number: i64,
    ) {
        let record = sample_record(&topic, &body, &text, [born, store], number);
        let mut out = Vec::new();
        record.encode(&mut out).unwrap();
        let length = out.len();
        record.encode(&mut out).unwrap();
        let read: Vec<_> = record::iter(&out).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(&read[..], &[record.clone(), record][..]);
        for end in 0..length {
            prop_assert!(Record::decode(&out[..end]).is_err());
        }
    }

    #[test]
    fn routes(route in route()) {
        prop_assert_eq!(&TopicRoute::parse(&route.to_json(true)).unwrap(), &route);
        prop_assert_eq!(&TopicRoute::parse(&route.to_json(false)).unwrap(), &route);
    }

    #[test]
    fn offset_ids(address in address(), offset: i64) {
        let id = OffsetMessageId { address, offset };
        prop_assert_eq!(id.to_string().parse::<OffsetMessageId>().unwrap(), id);
    }

    #[test]
    fn random_bytes_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
    }

    #[test]
    fn damaged_frames_records_and_routes_are_survived(
        encoding in encoding(), route in route(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index,
        text in text(),
    ) {
        let host = SocketAddr::from(([10, 0, 0, 5], 1));
        let mut record = Vec::new();
        sample_record("topic", b"body", &text, [host, host], 5).encode(&mut record).unwrap();
        let mut items = Vec::new();
        batch::push(&mut items, 1, &[&text], b"body").unwrap();
        let request = SendRequest { topic: text.as_str().into(), ..SendRequest::default() };
        let preamble =
            Preamble { code: 310, language: Language::Rust, version: 1, opaque: 1, flag: 0, remark: Some(&text) };
        let mut header = Vec::new();
        encode_frame(&mut header, encoding, &preamble, &request.v2(), &[]).unwrap();
        header.drain(..8);
        let inputs = [
            record, items, header, route.to_json(true), route.to_json(false),
            compression::zlib(text.as_bytes(), 5).unwrap(), compression::lz4(text.as_bytes()).unwrap(),
        ];
        for mut input in inputs {
            let position = at.index(input.len());
            input[position] = byte;
            read_everything(&input);
            read_everything(&input[..cut.index(input.len())]);
        }
    }
}

/// Lengths near the limits of their fields, without the bytes they announce.
#[test]
fn announced_lengths_without_bytes_are_errors() {
    for length in [i32::MAX, i32::MIN, -1, 0, 3, 4, 5, 1 << 24] {
        for tail in [0, 4, 16, 64] {
            let mut bytes = length.to_be_bytes().to_vec();
            bytes.resize(4 + tail, 0x7f);
            read_everything(&bytes);
            assert!(Record::decode(&bytes).is_err());
            assert!(batch::iter(&bytes).next().is_some_and(|item| item.is_err()));
        }
    }
}

/// JSON nested deeper than a stack holds: skipped where it may be skipped, an error where it is needed.
#[test]
fn deep_nesting_is_survived() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{0:", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        read_everything(format!("{{\"unknown\":{deep}}}").as_bytes());
        let header = format!("{{\"extFields\":{{\"a\":{deep}}}}}");
        assert!(Header::decode(HeaderEncoding::Json, header.as_bytes()).is_err());
        let route = format!("{{\"brokerDatas\":{deep}}}");
        assert!(TopicRoute::parse(route.as_bytes()).is_err());
    }
}
