//! Configuration: one table of keys, the values a caller sets, and the typed snapshot a producer reads.
//!
//! Everything that is said about a key (its kind, range, default, text) is said once, in [`table::TABLE`]:
//! validation, the C and Python key listings and the manual are printed from there.

mod address_map;
mod addresses;
mod ban_table;
mod compression;
mod key;
mod manual;
mod nearest;
mod settings;
mod table;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::auth::CredentialsProvider;
use crate::error::{Error, ErrorCode};
use crate::hooks::{CheckForbiddenHook, RpcHook, SendHooks, SendMessageHook};
use crate::log::LogSink;

pub(crate) use address_map::{AddressMap, parse_address_map};
pub(crate) use addresses::parse_addresses;
pub(crate) use ban_table::BanTable;
pub(crate) use compression::Compression;
pub use key::{Key, Kind, Rule};
pub use manual::manual;
pub(crate) use settings::{Backoff, Batching, InFlightFull, Settings, SocketOptions};
use table::TABLE;

/// What a producer is to be: values by key, each checked when it is set.
///
/// A configuration is plain data: it may be cloned, sent to other threads and used for several producers. A
/// producer reads it once, at its creation; later changes do not reach it.
#[derive(Clone)]
pub struct Config {
    /// Wiped at their end: some are secrets.
    values: Vec<Option<Zeroizing<Box<str>>>>,
    log: Option<Arc<dyn LogSink>>,
    send_hooks: SendHooks,
    rpc_hooks: Vec<Arc<dyn RpcHook>>,
    credentials_provider: Option<Arc<dyn CredentialsProvider>>,
}

impl Config {
    /// A configuration in which every key has its default.
    pub fn new() -> Self {
        Self {
            values: vec![None; TABLE.len()],
            log: None,
            send_hooks: SendHooks::default(),
            rpc_hooks: Vec::new(),
            credentials_provider: None,
        }
    }

    /// Sets a key. Kind and range are checked at once; numbers and choices are stored in their usual spelling.
    /// An empty text puts the key back to its default.
    ///
    /// # Errors
    ///
    /// `UNKNOWN_KEY` names the nearest key there is. `INVALID_VALUE` names the key, the value (unless the key
    /// is secret) and the rule that it breaks. The configuration is unchanged then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let position = position(key)?;
        let key = &TABLE[position];
        self.values[position] = match key.kind {
            Kind::Text(_) if value.is_empty() => None,
            _ => Some(Zeroizing::new(key.check(value)?.into_boxed_str())),
        };
        Ok(())
    }

    /// The value of a key: as set, else its default, else (a text without default) nothing. That of a secret key is shown as
    /// `***`.
    ///
    /// # Errors
    ///
    /// `UNKNOWN_KEY` names the nearest key there is.
    pub fn get(&self, key: &str) -> Result<Option<String>, Error> {
        let position = position(key)?;
        Ok(self.value(position).map(|value| TABLE[position].shown(value).to_owned()))
    }

    /// All keys, in the order of the manual.
    pub fn keys() -> &'static [Key] {
        TABLE
    }

    /// Where log lines of producers made from this configuration go; `None` is the standard error stream, for
    /// warnings and errors only. See [`LogSink`] for what a sink must keep to, and the key `log.level`.
    pub fn set_log(&mut self, sink: Option<Arc<dyn LogSink>>) {
        self.log = sink;
    }

    /// Adds a hook that may refuse attempts; hooks are asked in the order they were added.
    pub fn add_check_forbidden_hook(&mut self, hook: Arc<dyn CheckForbiddenHook>) {
        self.send_hooks.forbidden.push(hook);
    }

    /// Adds a hook that sees each attempt of a send and its outcome.
    pub fn add_send_message_hook(&mut self, hook: Arc<dyn SendMessageHook>) {
        self.send_hooks.messages.push(hook);
    }

    /// Adds a hook that sees each request and its answer. Producers that share a client instance have the hooks of the
    /// one that made it.
    pub fn add_rpc_hook(&mut self, hook: Arc<dyn RpcHook>) {
        self.rpc_hooks.push(hook);
    }

    /// Where the credentials come from, in place of `access.key` and `secret.key`. Producers that share a client instance must
    /// have the same one.
    pub fn set_credentials_provider(&mut self, provider: Option<Arc<dyn CredentialsProvider>>) {
        self.credentials_provider = provider;
    }

    fn value(&self, position: usize) -> Option<&str> {
        let default = TABLE[position].default;
        self.values[position].as_ref().map(|value| &***value).or((!default.is_empty()).then_some(default))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// The values that were set; those of secret keys are masked.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = TABLE.iter().zip(&self.values);
        f.debug_map()
            .entries(set.filter_map(|(key, value)| Some((key.name, key.shown(value.as_ref()?)))))
            .finish()
    }
}

fn position(name: &str) -> Result<usize, Error> {
    TABLE.iter().position(|key| key.name == name).ok_or_else(|| {
        let nearest = nearest::nearest(TABLE, name);
        Error::new(
            ErrorCode::UnknownKey,
            format!("no configuration key {}; the nearest is {nearest}", key::quoted(name)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_got_and_the_rest_has_its_default() {
        let mut config = Config::new();
        config.set("send.timeout.ms", "+250").unwrap();
        config.set("in.flight.full", "WAIT").unwrap();
        assert_eq!(config.get("send.timeout.ms").unwrap().as_deref(), Some("250"));
        assert_eq!(config.get("in.flight.full").unwrap().as_deref(), Some("wait"));
        assert_eq!(config.get("retry.times").unwrap().as_deref(), Some("2"));
        assert_eq!(config.get("unit.name").unwrap(), None);
    }

    #[test]
    fn an_empty_text_is_the_default_and_an_empty_number_is_an_error() {
        let mut config = Config::new();
        config.set("create.topic.key", "other").unwrap();
        config.set("create.topic.key", "").unwrap();
        assert_eq!(config.get("create.topic.key").unwrap().as_deref(), Some("TBW102"));
        assert_eq!(config.set("retry.times", "").unwrap_err().code(), ErrorCode::InvalidValue);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let error = Config::new().set("send.timeout", "1").unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownKey);
        assert!(error.message().contains("\"send.timeout\""), "{error}");
        assert!(error.message().ends_with(" send.timeout.ms"), "{error}");
        assert_eq!(Config::new().get("nope").unwrap_err().code(), ErrorCode::UnknownKey);
    }

    #[test]
    fn a_refused_value_names_key_value_and_range_and_changes_nothing() {
        let mut config = Config::new();
        config.set("retry.times", "7").unwrap();
        let error = config.set("retry.times", "many").unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidValue);
        for part in ["retry.times", "\"many\"", "0 to 100"] {
            assert!(error.message().contains(part), "{error}");
        }
        assert_eq!(config.get("retry.times").unwrap().as_deref(), Some("7"));
    }

    #[test]
    fn debug_shows_what_was_set() {
        let mut config = Config::new();
        config.set("client.ip", "10.0.0.1").unwrap();
        assert_eq!(format!("{config:?}"), r#"{"client.ip": "10.0.0.1"}"#);
    }

    #[test]
    fn every_default_keeps_its_own_rule_and_names_are_distinct() {
        for key in Config::keys() {
            assert!(!key.text.is_empty(), "{}", key.name);
            assert_eq!(TABLE.iter().filter(|other| other.name == key.name).count(), 1, "{}", key.name);
            if !key.default.is_empty() {
                assert_eq!(key.check(key.default).unwrap(), key.default, "{}", key.name);
            } else {
                assert!(matches!(key.kind, Kind::Text(_)), "{} needs a default", key.name);
            }
        }
    }
}
