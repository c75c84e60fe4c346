//! The credentials that a producer begins with.

use std::sync::Arc;

use super::reader::Reader;
use crate::auth::{Credentials, CredentialsProvider};
use crate::error::{Error, ErrorCode};

/// The credentials of the keys, if they are set: both or none, and none beside a provider.
pub(super) fn credentials(
    reader: &Reader<'_>,
    provider: Option<&Arc<dyn CredentialsProvider>>,
) -> Result<Option<Credentials>, Error> {
    let (access_key, secret_key) = (reader.optional_text("access.key")?, reader.optional_text("secret.key")?);
    let token = reader.optional_text("security.token")?;
    let refused =
        |set: &str, why: &str| Err(Error::new(ErrorCode::InvalidValue, format!("{set} is set, {why}")));
    match (access_key, secret_key) {
        (Some(_), Some(_)) if provider.is_some() => {
            refused("access.key", "and a provider gives the credentials")
        }
        (Some(access_key), Some(secret_key)) => {
            let credentials = Credentials::new(access_key, secret_key)?;
            Ok(Some(credentials.with_security_token(token.unwrap_or_default())))
        }
        (Some(_), None) => refused("access.key", "and secret.key is not"),
        (None, Some(_)) => refused("secret.key", "and access.key is not"),
        (None, None) if token.is_some() => refused("security.token", "and access.key is not"),
        (None, None) => Ok(None),
    }
}
