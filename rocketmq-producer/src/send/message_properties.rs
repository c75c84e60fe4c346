//! The properties that travel with a message, in the order in which they travel. Writing them and measuring them is the same
//! walk, so what was measured is what is made.

use rocketmq_protocol::properties::{self, name};

use crate::message::{Delivery, Destination, Message};

/// The properties of one message but its unique id, which comes before them.
pub(super) struct MessageProperties<'m> {
    message: &'m Message<'m>,
    instance_id: Option<&'m str>,
}

#[derive(Clone, Copy)]
enum Value<'v> {
    Text(&'v str),
    /// Several words with a blank between.
    Words(&'v [&'v str]),
    Number(i64),
}

impl<'m> MessageProperties<'m> {
    /// `instance_id` is the namespace of the producer, which goes before that of the message.
    pub(super) fn of(message: &'m Message<'m>, instance_id: Option<&'m str>) -> Self {
        Self { message, instance_id: instance_id.or(message.instance_id) }
    }

    /// How many bytes they take, with a unique id of this length.
    pub(super) fn len(&self, unique_id: usize) -> usize {
        let mut len = pair_len(name::UNIQ_KEY, unique_id);
        self.walk(|name, value| len += pair_len(name, value.len()));
        len
    }

    /// Appends them behind the unique id.
    pub(super) fn write(&self, unique_id: &str, out: &mut String) {
        properties::push(out, name::UNIQ_KEY, unique_id);
        self.walk(|name, value| match value {
            Value::Text(text) => properties::push(out, name, text),
            Value::Words(words) => properties::push(out, name, &words.join(" ")),
            Value::Number(number) => properties::push(out, name, &number.to_string()),
        });
    }

    fn walk(&self, mut see: impl FnMut(&str, Value<'_>)) {
        let message = self.message;
        see(name::WAIT, Value::Text(if message.wait_store_ok { "true" } else { "false" }));
        if let Some(tags) = message.tags {
            see(name::TAGS, Value::Text(tags));
        }
        match message.keys {
            [] => {}
            [key] => see(name::KEYS, Value::Text(key)),
            keys => see(name::KEYS, Value::Words(keys)),
        }
        match message.delivery {
            Delivery::AtOnce => {}
            Delivery::Level(level) => see(name::DELAY, Value::Number(i64::from(level))),
            Delivery::AfterSeconds(seconds) => see(name::TIMER_DELAY_SEC, Value::Number(seconds)),
            Delivery::AfterMillis(millis) => see(name::TIMER_DELAY_MS, Value::Number(millis)),
            Delivery::AtMillis(time) => see(name::TIMER_DELIVER_MS, Value::Number(time)),
        }
        if let Some(instance_id) = self.instance_id {
            see(name::INSTANCE_ID, Value::Text(instance_id));
        }
        if let Some(buyer_id) = message.buyer_id {
            see(name::BUYER_ID, Value::Text(buyer_id));
        }
        if let Destination::ShardingKey(key) = message.destination {
            see(name::SHARDING_KEY, Value::Text(key));
        }
        for property in message.properties {
            see(property.name, Value::Text(property.value));
        }
    }
}

impl Value<'_> {
    fn len(self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Words(words) => words.iter().map(|word| word.len() + 1).sum::<usize>().saturating_sub(1),
            Self::Number(number) => {
                let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
                digits + usize::from(number < 0)
            }
        }
    }
}

/// The name, the value, and a separator behind each.
fn pair_len(name: &str, value: usize) -> usize {
    name.len() + value + 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::Property;

    fn delivery() -> impl Strategy<Value = Delivery> {
        prop_oneof![
            Just(Delivery::AtOnce),
            any::<i32>().prop_map(Delivery::Level),
            any::<i64>().prop_map(Delivery::AfterSeconds),
            any::<i64>().prop_map(Delivery::AfterMillis),
            prop_oneof![any::<i64>(), Just(0), Just(i64::MIN)].prop_map(Delivery::AtMillis),
        ]
    }

    proptest! {
        #[test]
        fn what_was_measured_is_what_is_made(
            texts in proptest::collection::vec("[a-zä]{0,9}", 8),
            keys in proptest::collection::vec("[a-z]{0,5}", 0..4),
            delivery in delivery(),
            set in any::<[bool; 5]>(),
        ) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let given = |index: usize| set[index].then_some(texts[index].as_str());
            let own = [Property { name: &texts[5], value: &texts[6] }];
            let mut message = Message::new("T", b"body");
            message.tags = given(0);
            message.keys = &keys;
            message.delivery = delivery;
            message.instance_id = given(1);
            message.buyer_id = given(2);
            message.wait_store_ok = set[3];
            message.properties = if set[4] { &own } else { &[] };
            if set[3] {
                message.destination = Destination::ShardingKey(&texts[7]);
            }
            let properties = MessageProperties::of(&message, given(4));
            let mut text = String::new();
            properties.write("0123456789", &mut text);
            prop_assert_eq!(properties.len(10), text.len());
        }
    }
}
