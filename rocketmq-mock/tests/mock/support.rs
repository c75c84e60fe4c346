//! A client that knows nothing but frames: one blocking socket, requests written by hand.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rocketmq_mock::{MockCluster, MockOptions, Profile};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::encode::{NoFields, Preamble, With, encode_frame};
use rocketmq_protocol::frame::{self, HeaderEncoding};
use rocketmq_protocol::header::{Header, flag};
use rocketmq_protocol::language::Language;
use rocketmq_protocol::properties;

pub(crate) use HeaderEncoding::{Json, Rocketmq};

/// How long a test waits for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a test waits to see that something does not come.
pub(crate) const SILENCE: Duration = Duration::from_millis(150);

/// A cluster of one broker.
pub(crate) fn cluster(profile: Profile) -> MockCluster {
    MockCluster::start(MockOptions { profile, ..MockOptions::default() }).unwrap()
}

/// A cluster of one broker as 5.5.0, and a connection to it.
pub(crate) fn broker() -> (MockCluster, Wire) {
    broker_of(Profile::V5)
}

/// A cluster of one broker, and a connection to it.
pub(crate) fn broker_of(profile: Profile) -> (MockCluster, Wire) {
    let cluster = cluster(profile);
    let wire = Wire::to_broker(&cluster, "broker-0");
    (cluster, wire)
}

/// An answer, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) encoding: HeaderEncoding,
    pub(crate) code: i32,
    pub(crate) opaque: i32,
    pub(crate) flag: i32,
    pub(crate) language: u8,
    pub(crate) version: i32,
    pub(crate) remark: Option<String>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A field that must be there and a number.
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.field(name).unwrap_or_else(|| panic!("no {name} in {self:?}")).parse().unwrap()
    }

    pub(crate) fn remark(&self) -> &str {
        self.remark.as_deref().unwrap_or_default()
    }
}

/// A connection.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    pub(crate) encoding: HeaderEncoding,
    pub(crate) version: i32,
    input: Vec<u8>,
    next_opaque: i32,
}

impl Wire {
    pub(crate) fn connect(address: &str) -> Wire {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire { stream, encoding: Json, version: 473, input: Vec::new(), next_opaque: 100 }
    }

    pub(crate) fn to_broker(cluster: &MockCluster, broker: &str) -> Wire {
        Wire::connect(&cluster.broker_address(broker).unwrap())
    }

    pub(crate) fn to_name_server(cluster: &MockCluster) -> Wire {
        Wire::connect(&cluster.name_server())
    }

    /// The frame of a request, and its opaque.
    pub(crate) fn frame(
        &mut self,
        code: i32,
        flag: i32,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> (Vec<u8>, i32) {
        let opaque = self.next_opaque;
        self.next_opaque += 1;
        let preamble =
            Preamble { code, language: Language::Rust, version: self.version, opaque, flag, remark: None };
        let mut out = Vec::new();
        let fields = With { fields: &NoFields, extra: fields };
        encode_frame(&mut out, self.encoding, &preamble, &fields, &[body]).unwrap();
        (out, opaque)
    }

    /// Writes a request; its opaque.
    pub(crate) fn ask(&mut self, code: i32, fields: &[(&str, &str)], body: &[u8]) -> i32 {
        let (frame, opaque) = self.frame(code, 0, fields, body);
        self.stream.write_all(&frame).unwrap();
        opaque
    }

    pub(crate) fn oneway(&mut self, code: i32, fields: &[(&str, &str)], body: &[u8]) {
        let (frame, _) = self.frame(code, flag::ONEWAY, fields, body);
        self.stream.write_all(&frame).unwrap();
    }

    /// Writes a request and reads its answer.
    pub(crate) fn call(&mut self, code: i32, fields: &[(&str, &str)], body: &[u8]) -> Reply {
        let opaque = self.ask(code, fields, body);
        let reply = self.reply().unwrap();
        assert_eq!(reply.opaque, opaque);
        assert_eq!(reply.flag, flag::RESPONSE);
        reply
    }

    pub(crate) fn send(&mut self, send: &Send<'_>) -> Reply {
        let fields = send.fields();
        self.call(send.code, &pairs(&fields), send.body)
    }

    /// Reads the next answer.
    pub(crate) fn reply(&mut self) -> io::Result<Reply> {
        loop {
            let split = frame::split(&self.input).map_err(io::Error::other)?;
            if let Some((frame, length)) = split {
                let header = Header::decode(frame.encoding, frame.header).map_err(io::Error::other)?;
                let reply = Reply {
                    encoding: frame.encoding,
                    code: header.code,
                    opaque: header.opaque,
                    flag: header.flag,
                    language: header.language,
                    version: header.version,
                    remark: header.remark.as_deref().map(str::to_owned),
                    fields: header.fields.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
                    body: frame.body.to_vec(),
                };
                drop(header);
                self.input.drain(..length);
                return Ok(reply);
            }
            let mut part = [0; 65536];
            let count = self.stream.read(&mut part)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.input.extend_from_slice(&part[..count]);
        }
    }

    /// Whether nothing comes for a while.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.stream.set_read_timeout(Some(SILENCE)).unwrap();
        let outcome = self.reply();
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        matches!(outcome, Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }

    /// The error that ends the connection.
    pub(crate) fn end(&mut self) -> io::ErrorKind {
        self.reply().unwrap_err().kind()
    }
}

/// A send with the fields a producer gives it; change what the test is about.
#[derive(Clone)]
pub(crate) struct Send<'a> {
    pub(crate) code: i32,
    pub(crate) topic: &'a str,
    pub(crate) default_topic: &'a str,
    pub(crate) default_queues: i32,
    pub(crate) queue_id: i32,
    pub(crate) sys_flag: i32,
    pub(crate) properties: String,
    pub(crate) batch: bool,
    pub(crate) body: &'a [u8],
}

impl<'a> Send<'a> {
    pub(crate) fn to(topic: &'a str) -> Send<'a> {
        Send {
            code: request::SEND_MESSAGE_V2,
            topic,
            default_topic: "TBW102",
            default_queues: 4,
            queue_id: 0,
            sys_flag: 0,
            properties: String::new(),
            batch: false,
            body: b"hello",
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Send<'a> {
        properties::push(&mut self.properties, name, value);
        self
    }

    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let v1 = self.code == request::SEND_MESSAGE;
        let name = |long: &'static str, short: &'static str| if v1 { long } else { short };
        let mut fields = vec![
            (name("producerGroup", "a"), "PG".to_owned()),
            (name("topic", "b"), self.topic.to_owned()),
            (name("defaultTopic", "c"), self.default_topic.to_owned()),
            (name("defaultTopicQueueNums", "d"), self.default_queues.to_string()),
            (name("queueId", "e"), self.queue_id.to_string()),
            (name("sysFlag", "f"), self.sys_flag.to_string()),
            (name("bornTimestamp", "g"), "1700000000000".to_owned()),
            (name("flag", "h"), "7".to_owned()),
            (name("reconsumeTimes", "j"), "0".to_owned()),
            (name("unitMode", "k"), "false".to_owned()),
            (name("batch", "m"), self.batch.to_string()),
        ];
        if !self.properties.is_empty() {
            fields.push((name("properties", "i"), self.properties.clone()));
        }
        fields
    }
}

pub(crate) fn pairs<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
