//! What is made of a request before its connection is locked: the ext fields beyond its own. Here the program's hooks are
//! called, and then the request is signed.
//!
//! ```text
//! no lock                                       the connection's lock
//! Exchange::prepare ─▶ ExtraFields ─────────▶ Exchange::append ─▶ bytes with the opaque number
//! ```
//!
//! A request that waits for its connection is prepared when the connection is there. What was made stays with it when that
//! connection ends before it is written, so a hook sees it once. A client instance without hooks and credentials prepares nothing.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rocketmq_protocol::encode::{ExtFields, FieldVisitor};

use super::RemotingOptions;
use super::exchange::{Exchange, Failure, FailureKind};
use super::frame_writer::AllFields;
use crate::auth::SignatureFields;
use crate::hooks::{RpcRequest, guarded};

/// The ext fields of a request beyond its own and those that every request of its client instance carries.
#[derive(Default)]
pub(crate) struct ExtraFields {
    of_hooks: Vec<(String, String)>,
    signature: Option<SignatureFields>,
}

impl ExtraFields {
    /// What a request has that needs no preparation.
    pub(super) const NONE: Self = Self { of_hooks: Vec::new(), signature: None };
}

impl ExtFields for ExtraFields {
    #[inline]
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        for (name, value) in &self.of_hooks {
            visitor.text(name, value);
        }
        if let Some(signature) = &self.signature {
            signature.visit(visitor);
        }
    }
}

/// Where a request is prepared for. No lock is held.
#[derive(Clone, Copy)]
pub(crate) struct Preparation<'a> {
    options: &'a RemotingOptions,
    address: &'a str,
}

impl<'a> Preparation<'a> {
    pub(super) fn new(options: &'a RemotingOptions, address: &'a str) -> Self {
        Self { options, address }
    }

    /// Lets the exchange prepare itself. A panic in that is a failure.
    pub(super) fn of(self, exchange: &mut dyn Exchange) -> Result<ExtraFields, Failure> {
        catch_unwind(AssertUnwindSafe(|| exchange.prepare(self)))
            .unwrap_or_else(|payload| Err(Failure::panicked(payload)))
    }

    /// What hooks add to a request with these fields and this body, and the signature over all of it.
    pub(crate) fn extra_fields(
        self,
        code: i32,
        fields: &impl ExtFields,
        body: &[u8],
    ) -> Result<ExtraFields, Failure> {
        let of_hooks = match self.options.rpc.hooks.is_empty() {
            true => Vec::new(),
            false => self.fields_of_hooks(code, fields, body)?,
        };
        let mut extra = ExtraFields { of_hooks, signature: None };
        if self.options.signing.is_on() {
            let fields = AllFields { own: fields, common: &self.options.rpc.fields, extra: &extra };
            let signature = self.options.signing.sign(&fields, body);
            extra.signature =
                Some(signature.map_err(|error| Failure::because(FailureKind::NoCredentials, error))?);
        }
        Ok(extra)
    }

    fn fields_of_hooks(
        self,
        code: i32,
        fields: &impl ExtFields,
        body: &[u8],
    ) -> Result<Vec<(String, String)>, Failure> {
        let rpc = &self.options.rpc;
        let mut texts = Texts::default();
        fields.visit(&mut texts);
        for (name, value) in &rpc.fields {
            texts.text(name, value);
        }
        let own = texts.0.len();
        for hook in &rpc.hooks {
            let mut request = RpcRequest { address: self.address, code, fields: &mut texts.0, body: &[body] };
            let asked = guarded(&self.options.log, "RPC", || hook.before_request(&mut request));
            if let Some(Err(reason)) = asked {
                return Err(Failure::because(FailureKind::Forbidden, io::Error::other(reason)));
            }
        }
        Ok(texts.0.split_off(own))
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
