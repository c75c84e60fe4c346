//! Prints what reading a send answer, and writing and reading a send request cost, in ns:
//! `cargo run --release --example header_speed`.

use std::hint::black_box;
use std::time::Instant;

use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::encode::{Preamble, encode_frame};
use rocketmq_protocol::frame::{self, HeaderEncoding};
use rocketmq_protocol::header::{Header, HeaderReader};
use rocketmq_protocol::language::Language;
use rocketmq_protocol::requests::SendRequest;

const BATCHES: u32 = 2_000;
const ROUNDS: u32 = 200;
const ANSWER: &str = r#"{"code":0,"extFields":{"queueId":"1","TRACE_ON":"true","MSG_REGION":"DefaultRegion","msgId":"7F00000100002A9F00000000000004D2","transactionId":"0A000005109218B4AAC205265C000001","queueOffset":"12"},"flag":1,"language":"JAVA","opaque":5,"serializeTypeCurrentRPC":"JSON","version":513}"#;

/// The least of many short batches, per round: other load on the machine does not count.
fn measure(name: &str, mut round: impl FnMut()) {
    let mut least = f64::INFINITY;
    for _ in 0..BATCHES {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| round());
        least = least.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
    }
    println!("{name:<56} {least:7.1} ns");
}

fn main() {
    let unusual = ANSWER.replace("\"code\"", "\"x\":0,\"code\"");
    let preamble =
        Preamble { code: 310, language: Language::Rust, version: 473, opaque: 7, flag: 0, remark: None };
    let request = SendRequest {
        producer_group: "orders".into(),
        topic: "topic".into(),
        default_topic: "TBW102".into(),
        default_topic_queue_nums: 4,
        born_timestamp: 1_700_000_000_000,
        properties: "UNIQ_KEY\u{1}0A000005109218B4AAC205265C000001\u{2}WAIT\u{1}true\u{2}".into(),
        broker_name: Some("broker-0".into()),
        ..SendRequest::default()
    };
    let body = [7; 256];

    measure("JSON send answer: header", || {
        black_box(Header::decode(HeaderEncoding::Json, black_box(ANSWER.as_bytes())).is_ok());
    });
    measure("JSON send answer: header and fields", || {
        let header = Header::decode(HeaderEncoding::Json, black_box(ANSWER.as_bytes()));
        black_box(header.is_ok_and(|header| SendAnswer::decode(&header.fields).is_ok()));
    });
    let mut reader = HeaderReader::default();
    measure("JSON send answer, form known: header", || {
        black_box(reader.decode(HeaderEncoding::Json, black_box(ANSWER.as_bytes())).is_ok());
    });
    measure("JSON send answer, form known: header and fields", || {
        let header = reader.decode(HeaderEncoding::Json, black_box(ANSWER.as_bytes()));
        black_box(header.is_ok_and(|header| SendAnswer::decode(&header.fields).is_ok()));
    });
    measure("JSON send answer, unusual form: header", || {
        black_box(Header::decode(HeaderEncoding::Json, black_box(unusual.as_bytes())).is_ok());
    });
    let mut out = Vec::with_capacity(4096);
    for encoding in [HeaderEncoding::Rocketmq, HeaderEncoding::Json] {
        measure(&format!("send request of 256 bytes, {encoding}: write"), || {
            out.clear();
            let written = encode_frame(&mut out, encoding, &preamble, &black_box(&request).v2(), &[&body]);
            black_box(written.is_ok());
        });
        let frame = out.clone();
        measure(&format!("send request of 256 bytes, {encoding}: read"), || {
            if let Ok(Some((frame, _))) = frame::split(black_box(&frame)) {
                black_box(Header::decode(frame.encoding, frame.header).is_ok());
            }
        });
        measure(&format!("send request of 256 bytes, {encoding}: read fields too"), || {
            if let Ok(Some((frame, _))) = frame::split(black_box(&frame)) {
                let header = Header::decode(frame.encoding, frame.header);
                black_box(header.is_ok_and(|header| SendRequest::decode_v2(&header.fields).is_ok()));
            }
        });
    }
}
