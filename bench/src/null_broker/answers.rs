//! The bytes of the answers, ready but for the opaque.

use std::net::SocketAddr;

use serde_json::json;

use super::BROKER_NAME;
use super::request::Request;

/// What a 5.5.0 broker writes into `version`.
const VERSION: i32 = 513;
const SEND_CODES: [i32; 4] = [10, 310, 320, 325];
const GET_ROUTE: i32 = 105;
const WRITE_QUEUES: i32 = 8;

/// A frame with a JSON header, cut where the opaque stands.
struct Template {
    before_opaque: Vec<u8>,
    after_opaque: Vec<u8>,
    body: Vec<u8>,
}

impl Template {
    /// Members in the alphabetical order of the server's JSON writer; `ext_fields` is the member itself.
    fn new(ext_fields: &str, body: Vec<u8>) -> Template {
        Template {
            before_opaque: format!("{{\"code\":0,{ext_fields}\"flag\":1,\"language\":\"JAVA\",\"opaque\":")
                .into_bytes(),
            after_opaque: format!(",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":{VERSION}}}")
                .into_bytes(),
            body,
        }
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, opaque: i32) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(opaque).as_bytes();
        let header_len = self.before_opaque.len() + digits.len() + self.after_opaque.len();
        out.extend_from_slice(&((4 + header_len + self.body.len()) as u32).to_be_bytes());
        out.extend_from_slice(&(header_len as u32).to_be_bytes());
        out.extend_from_slice(&self.before_opaque);
        out.extend_from_slice(digits);
        out.extend_from_slice(&self.after_opaque);
        out.extend_from_slice(&self.body);
    }
}

/// The answers of this broker.
pub(super) struct Answers {
    send: Template,
    route: Template,
    success: Template,
}

impl Answers {
    pub(super) fn new(broker: SocketAddr) -> Answers {
        Answers {
            send: Template::new(&send_fields(1), Vec::new()),
            route: Template::new("", route(broker)),
            success: Template::new("", Vec::new()),
        }
    }

    #[inline]
    pub(super) fn is_send(request: Request) -> bool {
        SEND_CODES.contains(&request.code)
    }

    /// Appends the answer to `request`; everything but a send or a route request is answered with success.
    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>, request: Request) {
        if request.messages != 1 {
            return Template::new(&send_fields(request.messages), Vec::new()).write(out, request.opaque);
        }
        let template = match request.code {
            _ if Answers::is_send(request) => &self.send,
            GET_ROUTE => &self.route,
            _ => &self.success,
        };
        template.write(out, request.opaque);
    }
}

/// One offset message id for each message; a batch without a unique id of its own has no transaction id.
fn send_fields(messages: usize) -> String {
    let ids = ["7F00000100002A9F00000000000004D2"].repeat(messages).join(",");
    let transaction = match messages {
        1 => "\"transactionId\":\"0A000005109218B4AAC205265C000001\",",
        _ => "",
    };
    format!(
        "\"extFields\":{{\"queueId\":\"1\",\"TRACE_ON\":\"true\",\"MSG_REGION\":\"DefaultRegion\",\
         \"msgId\":\"{ids}\",{transaction}\"queueOffset\":\"123456\"}},"
    )
}

fn route(broker: SocketAddr) -> Vec<u8> {
    let queues = json!({
        "brokerName": BROKER_NAME, "perm": 6, "readQueueNums": WRITE_QUEUES,
        "writeQueueNums": WRITE_QUEUES, "topicSysFlag": 0,
    });
    let broker = json!({
        "brokerAddrs": {"0": broker.to_string()}, "brokerName": BROKER_NAME,
        "cluster": "DefaultCluster", "enableActingMaster": false,
    });
    json!({"brokerDatas": [broker], "filterServerTable": {}, "queueDatas": [queues]}).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, opaque: i32) -> (serde_json::Value, Vec<u8>) {
        answer_to(code, opaque, 1)
    }

    fn answer_to(code: i32, opaque: i32, messages: usize) -> (serde_json::Value, Vec<u8>) {
        let answers = Answers::new(SocketAddr::from(([127, 0, 0, 1], 10911)));
        let mut out = Vec::new();
        answers.write(&mut out, Request { frame_len: 0, code, opaque, oneway: false, messages });
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
        let (header, _) = answer_to(320, 5, 3);
        let ids = header["extFields"]["msgId"].as_str().unwrap();
        assert_eq!(ids.split(',').count(), 3);
        assert!(header["extFields"].get("transactionId").is_none());
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
}
