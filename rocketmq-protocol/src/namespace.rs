//! Namespaces of version 1: topics and groups carry them in their names (protocol 3.6).

use std::borrow::Cow;

use crate::topics::{DLQ_PREFIX, RETRY_PREFIX, is_system};

/// Groups with this prefix belong to the system and stand outside of namespaces.
const SYSTEM_GROUP_PREFIX: &str = "CID_RMQ_SYS_";

/// The name inside the namespace: `NS%name`, `%RETRY%NS%group`, `%DLQ%NS%group`. Names of the system and names that
/// are inside already stay as they are.
pub fn wrap<'a>(namespace: &str, name: &'a str) -> Cow<'a, str> {
    if is_system(name) || name.starts_with(SYSTEM_GROUP_PREFIX) {
        return name.into();
    }
    let (prefix, rest) = split_prefix(name);
    if is_inside(namespace, rest) { name.into() } else { format!("{prefix}{namespace}%{rest}").into() }
}

/// The name without the namespace it is in, if it is in it.
pub fn unwrap<'a>(namespace: &str, name: &'a str) -> Cow<'a, str> {
    let (prefix, rest) = split_prefix(name);
    if !is_inside(namespace, rest) {
        return name.into();
    }
    let bare = &rest[namespace.len() + 1..];
    if prefix.is_empty() { bare.into() } else { format!("{prefix}{bare}").into() }
}

fn is_inside(namespace: &str, rest: &str) -> bool {
    rest.strip_prefix(namespace).is_some_and(|rest| rest.starts_with('%'))
}

/// The prefix of retry and dead-letter topics, and what follows it.
fn split_prefix(name: &str) -> (&str, &str) {
    let prefix = [RETRY_PREFIX, DLQ_PREFIX].into_iter().find(|prefix| name.starts_with(prefix));
    name.split_at(prefix.map_or(0, str::len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_wrapped_once_and_come_back() {
        for (bare, wrapped) in [
            ("Orders", "NS%Orders"),
            ("%RETRY%group", "%RETRY%NS%group"),
            ("%DLQ%group", "%DLQ%NS%group"),
            ("NSX%Orders", "NS%NSX%Orders"),
            ("NS", "NS%NS"),
        ] {
            assert_eq!(wrap("NS", bare), wrapped);
            assert_eq!(wrap("NS", wrapped), wrapped, "once");
            assert_eq!(unwrap("NS", wrapped), bare);
            assert_eq!(unwrap("NS", bare), bare);
        }
    }

    #[test]
    fn the_system_stands_outside() {
        for name in ["TBW102", "SCHEDULE_TOPIC_XXXX", "rmq_sys_x", "CID_RMQ_SYS_TRANS"] {
            assert_eq!(wrap("NS", name), name);
        }
    }
}
