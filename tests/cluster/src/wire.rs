//! Raw requests over one blocking socket: what a server answers, field by field, with no client logic between.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rocketmq_protocol::encode::{ExtFields, FieldVisitor, Preamble, encode_frame};
use rocketmq_protocol::frame::{self, Frame, HeaderEncoding};
use rocketmq_protocol::header::{Header, flag};
use rocketmq_protocol::language::Language;

use crate::LaunchError;

/// Above every limit that a healthy server keeps: a status held back by a replica comes after 3 s (protocol 14.2).
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// One request as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// Request code.
    pub code: i32,
    /// Encoding of the header.
    pub encoding: HeaderEncoding,
    /// Protocol version ordinal it claims.
    pub version: i32,
    /// Flag bits of protocol 1.4.
    pub flag: i32,
    /// Ext fields, in the order of writing.
    pub fields: Vec<(String, String)>,
    /// Body; empty means none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request with a binary header, the newest tested version and no body.
    #[must_use]
    pub fn new(code: i32) -> Request {
        Request {
            code,
            encoding: HeaderEncoding::Rocketmq,
            version: 479,
            flag: 0,
            fields: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sets an ext field: replaces it in its place, or adds it at the end.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl ToString) -> Request {
        let value = value.to_string();
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name.to_owned(), value)),
        }
        self
    }

    /// Adds the ext fields of a header.
    #[must_use]
    pub fn header(mut self, header: &impl ExtFields) -> Request {
        header.visit(&mut Collector(&mut self.fields));
        self
    }

    /// Leaves an ext field out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Request {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self
    }

    /// Writes the header as JSON.
    #[must_use]
    pub fn json(mut self) -> Request {
        self.encoding = HeaderEncoding::Json;
        self
    }

    /// Claims another protocol version.
    #[must_use]
    pub fn version(mut self, version: i32) -> Request {
        self.version = version;
        self
    }

    /// Marks it as one-way: no answer may come.
    #[must_use]
    pub fn oneway(mut self) -> Request {
        self.flag |= flag::ONEWAY;
        self
    }
}

impl Request {
    pub(crate) fn ext_fields(&self) -> impl ExtFields {
        FieldList(&self.fields)
    }
}

struct Collector<'a>(&'a mut Vec<(String, String)>);

impl FieldVisitor for Collector<'_> {
    fn text(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn int(&mut self, name: &str, value: i64) {
        self.text(name, &value.to_string());
    }
}

struct FieldList<'a>(&'a [(String, String)]);

impl ExtFields for FieldList<'_> {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        for (name, value) in self.0 {
            visitor.text(name, value);
        }
    }
}

/// One answer, decoded by its own type byte.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Encoding of its header.
    pub encoding: HeaderEncoding,
    /// Response code.
    pub code: i32,
    /// Protocol version ordinal of the server.
    pub version: i32,
    /// Human text.
    pub remark: Option<String>,
    /// Ext fields.
    pub fields: BTreeMap<String, String>,
    /// Body; empty means none.
    pub body: Vec<u8>,
}

/// A connection to one server.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    opaque: i32,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// The socket's.
    pub fn open(address: &str) -> Result<Connection, LaunchError> {
        let what = || format!("connect to {address}");
        let stream = TcpStream::connect(address).map_err(LaunchError::io(what()))?;
        stream.set_nodelay(true).map_err(LaunchError::io(what()))?;
        stream.set_read_timeout(Some(ANSWER_LIMIT)).map_err(LaunchError::io(what()))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT)).map_err(LaunchError::io(what()))?;
        Ok(Connection { stream, received: Vec::new(), opaque: 0 })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// The socket's; an answer that cannot be decoded; an answer with another opaque or without the response bit.
    pub fn call(&mut self, request: &Request) -> Result<Answer, LaunchError> {
        self.send(request)?;
        self.answer()
    }

    /// Sends a request without waiting.
    ///
    /// # Errors
    /// The socket's; a request that fits no frame.
    pub fn send(&mut self, request: &Request) -> Result<(), LaunchError> {
        self.opaque += 1;
        let preamble = Preamble {
            code: request.code,
            language: Language::Java,
            version: request.version,
            opaque: self.opaque,
            flag: request.flag,
            remark: None,
        };
        let mut bytes = Vec::new();
        encode_frame(&mut bytes, request.encoding, &preamble, &FieldList(&request.fields), &[&request.body])
            .map_err(LaunchError::wire("encode a request"))?;
        self.send_bytes(&bytes)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The socket's.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), LaunchError> {
        self.stream.write_all(bytes).map_err(LaunchError::io("send a request"))
    }

    /// True if the server closes the connection without a byte; false if it answers anything.
    ///
    /// # Errors
    /// It does neither in time.
    pub fn is_closed_by_server(&mut self) -> Result<bool, LaunchError> {
        match self.stream.read(&mut [0]) {
            Ok(count) => Ok(count == 0),
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => Ok(true),
            Err(e) => Err(LaunchError::io("wait for the server to close")(e)),
        }
    }

    fn answer(&mut self) -> Result<Answer, LaunchError> {
        loop {
            let split = frame::split(&self.received).map_err(LaunchError::wire("split an answer"))?;
            if let Some((frame, used)) = split {
                let answer = decode(&frame, self.opaque)?;
                self.received.drain(..used);
                return Ok(answer);
            }
            let mut chunk = [0; 65_536];
            let count = self.stream.read(&mut chunk).map_err(LaunchError::io("wait for an answer"))?;
            if count == 0 {
                return Err(LaunchError::wire("wait for an answer")("the server closed the connection"));
            }
            self.received.extend_from_slice(&chunk[..count]);
        }
    }
}

fn decode(frame: &Frame<'_>, opaque: i32) -> Result<Answer, LaunchError> {
    let header =
        Header::decode(frame.encoding, frame.header).map_err(LaunchError::wire("decode an answer"))?;
    let answer = Answer {
        encoding: frame.encoding,
        code: header.code,
        version: header.version,
        remark: header.remark.as_deref().map(str::to_owned),
        fields: header.fields.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        body: frame.body.to_vec(),
    };
    if header.opaque != opaque || header.flag & flag::RESPONSE == 0 {
        let text = format!("opaque {} flag {}: {answer:?}", header.opaque, header.flag);
        return Err(LaunchError::wire(&format!("answer to request {opaque}"))(text));
    }
    Ok(answer)
}
