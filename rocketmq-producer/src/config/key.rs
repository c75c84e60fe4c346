//! One configuration key, and the rule its values keep.

use rocketmq_protocol::topics;

use super::address_map::parse_address_map;
use super::addresses::parse_addresses;
use crate::error::{Error, ErrorCode};

/// A configuration key and all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name, for example `send.timeout.ms`.
    pub name: &'static str,
    /// What a value looks like.
    pub kind: Kind,
    /// The value of a key that is not set; empty if there is none.
    pub default: &'static str,
    /// The unit of an integer (`ms`, `bytes`, …); empty for other kinds.
    pub unit: &'static str,
    /// What the Java client calls it; empty if it has nothing like it.
    pub java: &'static str,
    /// Whether the value must not appear in logs, errors and `Debug` output.
    pub secret: bool,
    /// What the key does, in plain sentences.
    pub text: &'static str,
}

/// The kind of a key's values.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text that keeps a rule. The empty text means "not set".
    Text(Rule),
    /// A whole decimal number, both bounds included.
    Integer {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// `true` or `false`, in any case.
    Boolean,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
}

/// The rule a text keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A word for people and tools: 1 to 255 characters, none of them blank or a control character.
    Word,
    /// The name of a producer group (protocol 5.1).
    Group,
    /// The name of a topic (protocol 5.1).
    Topic,
    /// Names of topics with `;` or `,` between.
    Topics,
    /// The name of a namespace of version 1, which becomes a part of topic names.
    Namespace,
    /// A list of `host:port` with `;` or `,` between.
    Addresses,
    /// A list of `registered=used` with `;` or `,` between, each a host or `host:port`.
    AddressMap,
    /// An `http://` URL.
    HttpUrl,
    /// Whole numbers from 0 on, with `,` between.
    Numbers,
    /// What somebody is known by: 1 to 4096 characters, none of them a control character.
    Credential,
}

impl Kind {
    /// `text`, `integer`, `boolean` or `choice`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer { .. } => "integer",
            Self::Boolean => "boolean",
            Self::Choice(_) => "choice",
        }
    }
}

impl Rule {
    fn describe(self) -> &'static str {
        match self {
            Self::Word => "1 to 255 characters without blanks and control characters",
            Self::Group => "a group name: letters, digits, %, |, _ and - only",
            Self::Topic => "a topic name: letters, digits, %, |, _ and - only",
            Self::Topics => "topic names, separated by ; or ,",
            Self::Namespace => "1 to 64 letters, digits, _ and -",
            Self::Addresses => "host:port, separated by ; or , (IPv6 as [address]:port)",
            Self::AddressMap => {
                "registered=used, separated by ; or ,: each host:port, or host; registered may be *, used @name.server"
            }
            Self::HttpUrl => "a URL that starts with http://",
            Self::Numbers => "whole numbers from 0 on, separated by ,",
            Self::Credential => "1 to 4096 characters without control characters",
        }
    }

    /// Why the text breaks the rule.
    fn broken_by(self, text: &str) -> Option<String> {
        let broken = match self {
            Self::Word => {
                let bad = |c: char| c.is_whitespace() || c.is_control();
                text.chars().any(bad) || text.chars().count() > 255
            }
            Self::Group => return topics::check_group(text).err().map(|error| error.to_string()),
            Self::Topic => return topics::check_topic(text).err().map(|error| error.to_string()),
            Self::Topics => return parse_topics(text).err(),
            Self::Namespace => {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                text.is_empty() || text.len() > 64 || !text.bytes().all(legal)
            }
            Self::Addresses => match parse_addresses(text) {
                Ok(addresses) => addresses.is_empty(),
                Err(why) => return Some(why),
            },
            Self::AddressMap => return parse_address_map(text).err(),
            Self::Numbers => parse_numbers(text).is_none(),
            Self::Credential => text.chars().any(char::is_control) || text.chars().count() > 4096,
            Self::HttpUrl => !text.strip_prefix("http://").is_some_and(|rest| {
                !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(|c| c.is_ascii_graphic())
            }),
        };
        broken.then(|| format!("must be {}", self.describe()))
    }
}

impl Key {
    /// The values allowed, for people: `0 to 100`, `fail, wait`, `true, false`, or the rule of a text.
    pub fn range(&self) -> String {
        match self.kind {
            Kind::Text(rule) => rule.describe().to_owned(),
            Kind::Integer { min, max } => format!("{min} to {max}"),
            Kind::Boolean => "true, false".to_owned(),
            Kind::Choice(words) => words.join(", "),
        }
    }

    /// The value in its usual spelling, or `INVALID_VALUE`.
    pub(super) fn check(&self, value: &str) -> Result<String, Error> {
        let any_case = |words: &[&str]| {
            let word = words.iter().find(|word| word.eq_ignore_ascii_case(value));
            word.map(|word| (*word).to_owned()).ok_or_else(|| format!("must be one of {}", self.range()))
        };
        match self.kind {
            Kind::Text(rule) => match rule.broken_by(value) {
                None => Ok(value.to_owned()),
                Some(why) => Err(why),
            },
            Kind::Integer { min, max } => match value.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
                _ => Err(format!("must be a whole number, {} {}", self.range(), self.unit)
                    .trim_end()
                    .to_owned()),
            },
            Kind::Boolean => any_case(&["true", "false"]),
            Kind::Choice(words) => any_case(words),
        }
        .map_err(|why| self.refuse(value, &why))
    }

    /// `INVALID_VALUE` for this key: `name = "value": why`.
    pub(super) fn refuse(&self, value: &str, why: &str) -> Error {
        let (name, value) = (self.name, quoted(self.shown(value)));
        Error::new(ErrorCode::InvalidValue, format!("{name} = {value}: {why}"))
    }

    /// The value as people may see it.
    pub(super) fn shown<'a>(&self, value: &'a str) -> &'a str {
        if self.secret { "***" } else { value }
    }
}

/// The topics of a list as [`Rule::Topics`] has it; the error says which one is wrong and why.
pub(super) fn parse_topics(list: &str) -> Result<Vec<String>, String> {
    let names = list.split([';', ',']).map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| topics::check_topic(name).map(|()| name.to_owned()).map_err(|error| error.to_string()))
        .collect()
}

/// The numbers of a list as [`Rule::Numbers`] has it.
pub(super) fn parse_numbers(list: &str) -> Option<Vec<u32>> {
    list.split(',').map(|number| number.trim().parse().ok()).collect()
}

/// A caller's text for a message: quoted, control characters escaped, cut at 100 characters.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: Kind) -> Key {
        Key { name: "k", kind, default: "", unit: "", java: "", secret: false, text: "" }
    }

    #[track_caller]
    fn refused(kind: Kind, value: &str) {
        let error = key(kind).check(value).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidValue);
        assert!(error.message().starts_with("k = "), "{error}");
    }

    #[test]
    fn integers_keep_both_bounds() {
        let kind = Kind::Integer { min: 1, max: 9 };
        assert_eq!(key(kind).check("1").unwrap(), "1");
        assert_eq!(key(kind).check("09").unwrap(), "9");
        for value in ["0", "10", "-1", "1.0", " 1", "", "99999999999999999999"] {
            refused(kind, value);
        }
    }

    #[test]
    fn words_are_known_in_any_case_and_nothing_else_is() {
        assert_eq!(key(Kind::Boolean).check("True").unwrap(), "true");
        assert_eq!(key(Kind::Choice(&["fail", "wait"])).check("Fail").unwrap(), "fail");
        refused(Kind::Boolean, "yes");
        refused(Kind::Choice(&["fail", "wait"]), "");
    }

    #[test]
    fn texts_keep_their_rule() {
        assert_eq!(key(Kind::Text(Rule::Group)).check("orders-1_%|").unwrap(), "orders-1_%|");
        assert!(key(Kind::Text(Rule::HttpUrl)).check("http://names:8080/rocketmq/nsaddr").is_ok());
        refused(Kind::Text(Rule::Group), "two words");
        refused(Kind::Text(Rule::Group), "DEFAULT_PRODUCER");
        refused(Kind::Text(Rule::Topic), "a/b");
        refused(Kind::Text(Rule::Topics), "a;b/c");
        refused(Kind::Text(Rule::Namespace), "a%b");
        refused(Kind::Text(Rule::Namespace), &"n".repeat(65));
        refused(Kind::Text(Rule::Word), "a\0b");
        refused(Kind::Text(Rule::Word), &"x".repeat(256));
        refused(Kind::Text(Rule::Addresses), "host");
        refused(Kind::Text(Rule::Addresses), " ; ");
        refused(Kind::Text(Rule::AddressMap), "a:1");
        for url in ["https://names/", "names:8080", "http://", "http:///x", "http://a b/"] {
            refused(Kind::Text(Rule::HttpUrl), url);
        }
    }

    #[test]
    fn a_secret_value_is_never_shown() {
        let secret = Key { secret: true, ..key(Kind::Boolean) };
        let error = secret.check("hunter2").unwrap_err();
        assert!(!error.message().contains("hunter2"), "{error}");
        assert_eq!(secret.shown("hunter2"), "***");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let error = key(Kind::Boolean).check(&"é".repeat(5000)).unwrap_err();
        assert!(error.message().len() < 400, "{error}");
    }
}
