//! Which answer a request gets.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::request::Request;
use super::template::{Encoding, Template};
use super::{Options, route};

const SEND_CODES: [i32; 4] = [10, 310, 320, 325];
const GET_ROUTE: i32 = 105;

/// The answers of this broker; each connection has a copy.
#[derive(Clone)]
pub(super) struct Answers {
    encoding: Encoding,
    hold: bool,
    send: Template,
    /// By number of messages, made when one comes.
    batches: HashMap<usize, Template>,
    route: Template,
    success: Template,
}

impl Answers {
    pub(super) fn new(options: &Options, brokers: &[SocketAddr]) -> Answers {
        let encoding = options.answers;
        Answers {
            encoding,
            hold: options.hold,
            send: send_answer(encoding, 1),
            batches: HashMap::new(),
            route: Template::new(encoding, &[], route::body(brokers, options.queues)),
            success: Template::new(encoding, &[], Vec::new()),
        }
    }

    #[inline]
    pub(super) fn is_send(request: Request) -> bool {
        SEND_CODES.contains(&request.code)
    }

    /// Appends the answer to `request`; everything but a send or a route request is answered with success.
    #[inline]
    pub(super) fn write(&mut self, out: &mut Vec<u8>, request: Request) {
        let template = match request.code {
            _ if Answers::is_send(request) && self.hold => return,
            _ if request.messages != 1 => {
                let made = || send_answer(self.encoding, request.messages);
                self.batches.entry(request.messages).or_insert_with(made)
            }
            _ if Answers::is_send(request) => &self.send,
            GET_ROUTE => &self.route,
            _ => &self.success,
        };
        template.write(out, request.opaque);
    }
}

/// One offset message id for each message; a batch without a unique id of its own has no transaction id.
fn send_answer(encoding: Encoding, messages: usize) -> Template {
    let ids = ["7F00000100002A9F00000000000004D2"].repeat(messages).join(",");
    let mut fields =
        vec![("queueId", "1"), ("TRACE_ON", "true"), ("MSG_REGION", "DefaultRegion"), ("msgId", &ids)];
    if messages == 1 {
        fields.push(("transactionId", "0A000005109218B4AAC205265C000001"));
    }
    fields.push(("queueOffset", "123456"));
    Template::new(encoding, &fields, Vec::new())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers(options: &Options) -> Answers {
        Answers::new(options, &[SocketAddr::from(([127, 0, 0, 1], 10911))])
    }

    fn answer(code: i32, opaque: i32) -> (serde_json::Value, Vec<u8>) {
        answer_to(code, opaque, 1)
    }

    fn answer_to(code: i32, opaque: i32, messages: usize) -> (serde_json::Value, Vec<u8>) {
        let mut out = Vec::new();
        let request = Request { frame_len: 0, code, opaque, oneway: false, messages };
        answers(&Options::default()).write(&mut out, request);
        let word = |at: usize| u32::from_be_bytes([out[at], out[at + 1], out[at + 2], out[at + 3]]) as usize;
        assert_eq!(word(0) + 4, out.len());
        let header_end = 8 + word(4);
        (serde_json::from_slice(&out[8..header_end]).unwrap(), out[header_end..].to_vec())
    }

    #[test]
    fn send_answer_has_the_six_fields() {
        let (header, body) = answer(310, -17);
        assert_eq!(
            (&header["code"], &header["flag"], &header["version"]),
            (&json!(0), &json!(1), &json!(513))
        );
        assert_eq!(header["opaque"], json!(-17));
        let fields: Vec<_> = header["extFields"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = ["queueId", "TRACE_ON", "MSG_REGION", "msgId", "transactionId", "queueOffset"];
        expected.sort_unstable();
        assert_eq!(fields, expected);
        assert!(body.is_empty());
    }

    #[test]
    fn a_batch_gets_an_id_for_each_message() {
        for messages in [3, 2, 3] {
            let (header, _) = answer_to(320, 5, messages);
            let ids = header["extFields"]["msgId"].as_str().unwrap();
            assert_eq!(ids.split(',').count(), messages);
            assert!(header["extFields"].get("transactionId").is_none());
        }
    }

    #[test]
    fn route_names_the_broker() {
        let (header, body) = answer(105, 3);
        assert_eq!(header["opaque"], json!(3));
        let route: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(route["brokerDatas"][0]["brokerAddrs"]["0"], json!("127.0.0.1:10911"));
        assert_eq!(route["queueDatas"][0]["writeQueueNums"], json!(8));
    }

    #[test]
    fn a_heartbeat_succeeds_without_fields() {
        let (header, _) = answer(34, 1);
        assert_eq!((&header["code"], header.get("extFields")), (&json!(0), None));
    }

    #[test]
    fn who_holds_answers_all_but_sends() {
        let mut answers = answers(&Options { hold: true, ..Options::default() });
        let mut written = |code, messages| {
            let mut out = Vec::new();
            answers.write(&mut out, Request { frame_len: 0, code, opaque: 1, oneway: false, messages });
            !out.is_empty()
        };
        assert_eq!(
            [written(310, 1), written(320, 5), written(34, 1), written(105, 1)],
            [false, false, true, true]
        );
    }
}
