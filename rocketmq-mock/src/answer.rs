//! Answers, and how they become frames.

use std::borrow::Cow;

use rocketmq_protocol::answers::{
    HeartbeatAnswer, OffsetAnswer, QueryMessageAnswer, SendAnswer, StoreTimeAnswer,
};
use rocketmq_protocol::codes::response;
use rocketmq_protocol::encode::{EncodeError, ExtFields, FieldVisitor, Preamble, encode_frame};
use rocketmq_protocol::frame::HeaderEncoding;
use rocketmq_protocol::header::flag;
use rocketmq_protocol::language::Language;

use crate::options::Profile;

/// Region every mock broker says it is in.
pub(crate) const REGION: &str = "DefaultRegion";
/// What brokers leave in the remark of some successes (protocol 1.6).
pub(crate) const REMARK_LEFT_OVER: &str = "not set any response code";

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) remark: Option<Cow<'static, str>>,
    pub(crate) fields: AnswerFields,
    pub(crate) body: Vec<u8>,
    /// Made off the normal path: in the server's own header encoding, whatever the request's (protocol 1.1).
    pub(crate) off_path: bool,
}

/// The ext fields of an answer.
#[derive(Debug)]
pub(crate) enum AnswerFields {
    None,
    Heartbeat(HeartbeatAnswer),
    Offset(OffsetAnswer),
    StoreTime(StoreTimeAnswer),
    Query(QueryMessageAnswer),
    Send(SendFields),
}

/// The ext fields of an answer to a send; region and trace switch come with them.
#[derive(Debug, Default)]
pub(crate) struct SendFields {
    pub(crate) message_id: Option<String>,
    pub(crate) queue_id: Option<i32>,
    pub(crate) queue_offset: Option<i64>,
    pub(crate) transaction_id: Option<String>,
    pub(crate) recall_handle: Option<String>,
    pub(crate) batch_unique_id: Option<String>,
}

impl Answer {
    /// Code 0, nothing else.
    pub(crate) fn success() -> Answer {
        Answer::with_fields(AnswerFields::None)
    }

    /// Code 0 with ext fields.
    pub(crate) fn with_fields(fields: AnswerFields) -> Answer {
        Answer { code: response::SUCCESS, remark: None, fields, body: Vec::new(), off_path: false }
    }

    /// Code 0 with a body.
    pub(crate) fn with_body(body: Vec<u8>) -> Answer {
        Answer { body, ..Answer::success() }
    }

    /// A refusal on the normal path.
    pub(crate) fn refusal(code: i32, remark: impl Into<Cow<'static, str>>) -> Answer {
        Answer { code, remark: Some(remark.into()), ..Answer::success() }
    }

    /// An answer made before any processor.
    pub(crate) fn before_processor(code: i32, remark: Option<Cow<'static, str>>) -> Answer {
        Answer { code, remark, off_path: true, ..Answer::success() }
    }

    /// What becomes of an exception in a processor: code 1 and a text of it.
    pub(crate) fn exception(text: impl Into<Cow<'static, str>>) -> Answer {
        Answer::before_processor(response::SYSTEM_ERROR, Some(text.into()))
    }

    /// The answer to a request code a server does not know.
    pub(crate) fn unsupported(code: i32) -> Answer {
        let remark = format!(" request type {code} not supported");
        Answer::refusal(response::REQUEST_CODE_NOT_SUPPORTED, remark)
    }

    /// The header encoding a server of this version answers in.
    pub(crate) fn encoding(&self, profile: Profile, request: HeaderEncoding) -> HeaderEncoding {
        match profile {
            Profile::V4_9 if !self.off_path => request,
            _ => HeaderEncoding::Json,
        }
    }

    /// Appends the answer's frame.
    pub(crate) fn encode(
        &self,
        out: &mut Vec<u8>,
        profile: Profile,
        encoding: HeaderEncoding,
        opaque: i32,
    ) -> Result<(), EncodeError> {
        let preamble = Preamble {
            code: self.code,
            language: Language::Java,
            version: profile.version(),
            opaque,
            flag: flag::RESPONSE,
            remark: self.remark.as_deref(),
        };
        encode_frame(out, encoding, &preamble, &self.fields, &[&self.body])
    }
}

impl ExtFields for AnswerFields {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        match self {
            AnswerFields::None => {}
            AnswerFields::Heartbeat(fields) => fields.visit(visitor),
            AnswerFields::Offset(fields) => fields.visit(visitor),
            AnswerFields::StoreTime(fields) => fields.visit(visitor),
            AnswerFields::Query(fields) => fields.visit(visitor),
            AnswerFields::Send(fields) => SendAnswer {
                message_id: fields.message_id.as_deref(),
                queue_id: fields.queue_id,
                queue_offset: fields.queue_offset,
                transaction_id: fields.transaction_id.as_deref(),
                region_id: Some(REGION),
                trace_on: true,
                batch_unique_id: fields.batch_unique_id.as_deref(),
                recall_handle: fields.recall_handle.as_deref(),
            }
            .visit(visitor),
        }
    }
}
