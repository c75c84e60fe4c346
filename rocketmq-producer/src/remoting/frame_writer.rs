//! How a request is written into the buffer of its connection: preamble, its own ext fields, the common ones, the extra ones.

use rocketmq_protocol::encode::{EncodeError, ExtFields, FieldVisitor, Preamble, encode_head};

use super::RemotingOptions;
use super::body::Body;
use super::exchange::{Failure, FailureKind};
use super::outbound::Outbound;
use super::prepare::ExtraFields;

/// The protocol version we tell. Servers that shut down serve a client of this version until their sockets
/// close, where they would send a newer one away (protocol 1.9).
pub(super) const PROTOCOL_VERSION: i32 = rocketmq_protocol::version::ADVERTISED;

/// Where a request writes its frame, under the lock of its connection.
pub(crate) struct FrameWriter<'a> {
    pub(super) options: &'a RemotingOptions,
    pub(super) extra: &'a ExtraFields,
    pub(super) opaque: i32,
    pub(super) out: &'a mut Outbound,
}

impl FrameWriter<'_> {
    /// Adds the whole frame, with the extra fields behind its own.
    pub(crate) fn write(
        self,
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
        let fields = AllFields { own: fields, common: &self.options.rpc.fields, extra: self.extra };
        let len = body.len();
        self.out.add(body, |out| encode_head(out, encoding, &preamble, &fields, len).map_err(unencodable))
    }
}

fn unencodable(error: EncodeError) -> Failure {
    Failure::because(FailureKind::Unencodable, error)
}

/// The fields of a request, those that every request of the client instance carries, and the extra ones.
pub(super) struct AllFields<'a, F> {
    pub(super) own: &'a F,
    pub(super) common: &'a [(&'static str, String)],
    pub(super) extra: &'a ExtraFields,
}

impl<F: ExtFields> ExtFields for AllFields<'_, F> {
    #[inline]
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        self.own.visit(visitor);
        for (name, value) in self.common {
            visitor.text(name, value);
        }
        self.extra.visit(visitor);
    }
}
