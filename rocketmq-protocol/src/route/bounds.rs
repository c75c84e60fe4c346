//! How much a route may hold. A route comes from the network: whatever a count in it says, no more than this is made of
//! it, and a route beyond a bound is refused before anything is allocated for it. Brokers and name servers keep no such
//! bounds of their own, so each stands well above what clusters have.

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use crate::DecodeError;

/// Bytes of a route's text. A broker takes some 300 of them, and the largest clusters have some hundred brokers.
pub const MAX_ROUTE_BYTES: usize = 4 << 20;

/// Broker names of one route, and items of an order configuration. A producer may have a connection to each.
pub const MAX_BROKERS: usize = 4096;

/// Addresses of one broker name: a master and its slaves, of which there are a few.
pub const MAX_ADDRESSES: usize = 128;

/// Queues of a topic on one broker. Each is a folder of files there; some thousand are the most that is heard of.
pub const MAX_QUEUES: i32 = 65_536;

/// Queues of a topic on all its brokers, 16 bytes each at a producer: a thousand on each of some hundred brokers.
pub const MAX_TOPIC_QUEUES: usize = 262_144;

/// Bytes of one text: a name of a broker, cluster or zone, or an address. Brokers are named after hosts, and the name of a
/// host has at most 255.
pub const MAX_TEXT: usize = 512;

/// The count, if it is one that may be.
pub(super) fn queue_count(broker: &str, what: &str, count: i32) -> Result<i32, DecodeError> {
    if (0..=MAX_QUEUES).contains(&count) {
        return Ok(count);
    }
    Err(refused(format!("{what} of broker {broker} is {count}, which is not 0 to {MAX_QUEUES}")))
}

/// The text, if it is not too long.
pub(super) fn text(what: &str, text: String) -> Result<String, DecodeError> {
    if text.len() <= MAX_TEXT {
        return Ok(text);
    }
    Err(refused(format!(
        "{what} has {} bytes, more than {MAX_TEXT}: {}",
        text.len(),
        crate::error::quote(&text)
    )))
}

/// The sum of the queues of a topic, if they are not too many.
pub(super) fn topic_queues(counts: impl Iterator<Item = i32>) -> Result<(), DecodeError> {
    let sum: i64 = counts.map(i64::from).sum();
    if usize::try_from(sum).is_ok_and(|sum| sum <= MAX_TOPIC_QUEUES) {
        return Ok(());
    }
    Err(refused(format!("the topic has {sum} queues, more than {MAX_TOPIC_QUEUES}")))
}

/// The items of an order configuration: broker names and their queues, in order. What is no such item is left out, as the
/// Java client does.
pub(super) fn order(order: &str) -> impl Iterator<Item = (&str, i32)> {
    let items = order.split(';').filter_map(|item| item.split_once(':'));
    items.filter_map(|(broker, count)| Some((broker, count.trim().parse().ok()?)))
}

/// An order configuration, if it has not too many items or queues.
pub(super) fn check_order(conf: &str) -> Result<(), DecodeError> {
    let items = order(conf).count();
    if items > MAX_BROKERS {
        return Err(refused(format!("orderTopicConf has {items} items, more than {MAX_BROKERS}")));
    }
    for (broker, count) in order(conf) {
        if broker.len() > MAX_TEXT {
            return text("a broker name of orderTopicConf", broker.to_owned()).map(drop);
        }
        queue_count(broker, "orderTopicConf", count)?;
    }
    topic_queues(order(conf).map(|(_, count)| count))
}

pub(super) fn refused(detail: String) -> DecodeError {
    DecodeError::malformed("topic route", detail)
}

/// A list of brokers or of their queues; null is as good as none. Items beyond the bound are counted, not made.
pub(super) fn brokers<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    source: D,
) -> Result<Option<Vec<T>>, D::Error> {
    struct List<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Option<Vec<T>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while list.len() < MAX_BROKERS {
                let Some(item) = items.next_element()? else { return Ok(Some(list)) };
                list.push(item);
            }
            let mut count = list.len();
            while items.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            if count > MAX_BROKERS {
                return Err(Error::custom(format!("a list of {count} brokers, more than {MAX_BROKERS}")));
            }
            Ok(Some(list))
        }
    }

    source.deserialize_any(List(PhantomData))
}

/// The addresses of a broker by the texts of their ids; null is as good as none.
pub(super) fn addresses<'de, D: Deserializer<'de>>(
    source: D,
) -> Result<Option<BTreeMap<String, Option<String>>>, D::Error> {
    struct Addresses;

    impl<'de> Visitor<'de> for Addresses {
        type Value = Option<BTreeMap<String, Option<String>>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("addresses by id")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut addresses = BTreeMap::new();
            let mut count = 0;
            while count < MAX_ADDRESSES {
                let Some((id, address)) = entries.next_entry()? else { return Ok(Some(addresses)) };
                addresses.insert(id, address);
                count += 1;
            }
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                count += 1;
            }
            if count > MAX_ADDRESSES {
                let text = format!("a broker with {count} addresses, more than {MAX_ADDRESSES}");
                return Err(Error::custom(text));
            }
            Ok(Some(addresses))
        }
    }

    source.deserialize_any(Addresses)
}
