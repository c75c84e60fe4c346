//! How a request is written into the buffer of its connection: preamble, common ext fields, hooks.

use std::io;

use rocketmq_protocol::encode::{EncodeError, ExtFields, FieldVisitor, Preamble, encode_head};

use super::RemotingOptions;
use super::exchange::{Failure, FailureKind};
use super::outbound::{Body, Outbound};
use crate::hooks::{RpcRequest, guarded};

/// The protocol version we tell. Servers that shut down serve a client of this version until their sockets
/// close, where they would send a newer one away (protocol 1.9).
pub(super) const PROTOCOL_VERSION: i32 = rocketmq_protocol::version::ADVERTISED;

/// What a request needs to write itself into a channel's buffer.
#[derive(Clone, Copy)]
pub(crate) struct FrameContext<'a> {
    pub(super) options: &'a RemotingOptions,
    pub(super) address: &'a str,
    pub(super) opaque: i32,
}

impl FrameContext<'_> {
    /// Adds the whole frame to `out`; on a failure `out` is as before.
    pub(crate) fn write(
        &self,
        out: &mut Outbound,
        code: i32,
        flag: i32,
        fields: &impl ExtFields,
        body: Body<'_>,
    ) -> Result<(), Failure> {
        let preamble = Preamble {
            code,
            language: self.options.language,
            version: PROTOCOL_VERSION,
            opaque: self.opaque,
            flag,
            remark: None,
        };
        let encoding = self.options.encoding;
        let rpc = &self.options.rpc;
        if rpc.hooks.is_empty() {
            let fields = WithCommon { fields, common: &rpc.fields };
            let len = body.len();
            out.add(body, |out| encode_head(out, encoding, &preamble, &fields, len).map_err(unencodable))
        } else {
            let fields = self.hooked(code, fields, &[&body])?;
            let len = body.len();
            out.add(body, |out| encode_head(out, encoding, &preamble, &fields, len).map_err(unencodable))
        }
    }

    /// The fields of the request, the common ones, and what the hooks add.
    fn hooked(&self, code: i32, fields: &impl ExtFields, body: &[&[u8]]) -> Result<Texts, Failure> {
        let rpc = &self.options.rpc;
        let mut texts = Texts::default();
        WithCommon { fields, common: &rpc.fields }.visit(&mut texts);
        for hook in &rpc.hooks {
            let mut request = RpcRequest { address: self.address, code, fields: &mut texts.0, body };
            let asked = guarded(&self.options.log, "RPC", || hook.before_request(&mut request));
            if let Some(Err(reason)) = asked {
                return Err(Failure::because(FailureKind::Forbidden, io::Error::other(reason)));
            }
        }
        Ok(texts)
    }
}

fn unencodable(error: EncodeError) -> Failure {
    Failure::because(FailureKind::Unencodable, error)
}

/// Fields, followed by those that every request of the client instance carries.
struct WithCommon<'a, F> {
    fields: &'a F,
    common: &'a [(&'static str, String)],
}

impl<F: ExtFields> ExtFields for WithCommon<'_, F> {
    #[inline]
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        self.fields.visit(visitor);
        for (name, value) in self.common {
            visitor.text(name, value);
        }
    }
}

/// Fields as texts, for hooks.
#[derive(Default)]
struct Texts(Vec<(String, String)>);

impl FieldVisitor for Texts {
    fn text(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn int(&mut self, name: &str, value: i64) {
        self.text(name, &value.to_string());
    }
}

impl ExtFields for Texts {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        for (name, value) in &self.0 {
            visitor.text(name, value);
        }
    }
}
