//! Credentials in the form that signs.

use std::sync::Arc;

use arc_swap::Guard;
use rocketmq_protocol::acl::{ACCESS_KEY, SECURITY_TOKEN, SIGNATURE, Signature, SigningKey};
use rocketmq_protocol::encode::{ExtFields, FieldVisitor};

use super::Credentials;

/// Signs requests with the same credentials.
pub(crate) struct Signer {
    credentials: Credentials,
    key: SigningKey,
}

/// The fields that make a request a signed one.
pub(crate) struct SignatureFields {
    signer: Current,
    signature: Signature,
}

/// The signer of the moment. Threads that have it write to nothing that others read.
pub(super) type Current = Guard<Option<Arc<Signer>>>;

impl Signer {
    pub(super) fn new(credentials: Credentials) -> Self {
        let key = SigningKey::new(credentials.secret_key());
        Self { credentials, key }
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Signs a request that has these fields, no others but those of the signature, and this body. `None`: there is no
    /// signer.
    pub(super) fn sign(current: Current, fields: &impl ExtFields, body: &[u8]) -> Option<SignatureFields> {
        let signer = current.as_ref()?;
        let signature = signer.key.sign(&Identified { fields, credentials: &signer.credentials }, &[body]);
        Some(SignatureFields { signer: current, signature })
    }
}

impl ExtFields for SignatureFields {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        if let Some(signer) = &*self.signer {
            visit_identity(&signer.credentials, visitor);
        }
        visitor.text(SIGNATURE, self.signature.as_str());
    }
}

/// The fields of a request, and who sends it.
struct Identified<'a, F> {
    fields: &'a F,
    credentials: &'a Credentials,
}

impl<F: ExtFields> ExtFields for Identified<'_, F> {
    fn visit<V: FieldVisitor + ?Sized>(&self, visitor: &mut V) {
        // Before the others: so the names of most requests come in the order in which they are signed.
        visit_identity(self.credentials, visitor);
        self.fields.visit(visitor);
    }
}

fn visit_identity<V: FieldVisitor + ?Sized>(credentials: &Credentials, visitor: &mut V) {
    visitor.text(ACCESS_KEY, credentials.access_key());
    if let Some(token) = credentials.security_token() {
        visitor.text(SECURITY_TOKEN, token);
    }
}
