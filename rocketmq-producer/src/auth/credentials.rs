//! What a cluster knows a client by.

use std::fmt;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorCode};

/// An access key and its secret: of ACL 1, or name and password of a user of ACL 2. Wiped from memory when it is dropped; `Debug`
/// shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key: Zeroizing<String>,
    secret_key: Zeroizing<String>,
    security_token: Option<Zeroizing<String>>,
    expires: Option<SystemTime>,
}

impl Credentials {
    /// Credentials without an end.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if one of the two is empty.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<String>) -> Result<Self, Error> {
        let (access_key, secret_key) = (Zeroizing::new(access_key.into()), Zeroizing::new(secret_key.into()));
        for (name, value) in [("access key", &access_key), ("secret key", &secret_key)] {
            if value.is_empty() {
                let text = format!("the {name} of credentials is empty");
                return Err(Error::new(ErrorCode::InvalidArgument, text));
            }
        }
        Ok(Self { access_key, secret_key, security_token: None, expires: None })
    }

    /// The same with the token that came with temporary ones; an empty one is none.
    #[must_use]
    pub fn with_security_token(mut self, security_token: impl Into<String>) -> Self {
        let token = Zeroizing::new(security_token.into());
        self.security_token = (!token.is_empty()).then_some(token);
        self
    }

    /// The same with their end: a provider is asked again when a fifth of their time is left.
    #[must_use]
    pub fn expiring_at(mut self, expires: SystemTime) -> Self {
        self.expires = Some(expires);
        self
    }

    pub(super) fn access_key(&self) -> &str {
        &self.access_key
    }

    pub(super) fn secret_key(&self) -> &str {
        &self.secret_key
    }

    pub(super) fn security_token(&self) -> Option<&str> {
        self.security_token.as_ref().map(|token| token.as_str())
    }

    pub(super) fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// Whether a cluster sees the same in both.
    pub(super) fn sign_alike(&self, other: &Self) -> bool {
        let keys_are = self.access_key == other.access_key && self.secret_key == other.secret_key;
        keys_are && self.security_token == other.security_token
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}
