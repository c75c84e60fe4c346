//! When a message is delivered, of the keywords that say so.

use rocketmq_producer::{Delivery, Error};

use crate::destination::only_one;
use crate::keywords::Arguments;

/// The keywords as they were passed; 0 is not set.
#[derive(Clone, Copy)]
pub(crate) struct DeliveryKeywords {
    pub(crate) delay_level: i32,
    pub(crate) delay_seconds: i64,
    pub(crate) delay_ms: i64,
    pub(crate) deliver_at_ms: i64,
}

impl DeliveryKeywords {
    pub(crate) fn of(arguments: &Arguments<'_, '_>) -> Self {
        Self {
            delay_level: arguments.delay_level,
            delay_seconds: arguments.delay_seconds,
            delay_ms: arguments.delay_ms,
            deliver_at_ms: arguments.deliver_at_ms,
        }
    }

    /// The one delivery the keywords ask for.
    ///
    /// # Errors
    /// `MESSAGE_ILLEGAL` if two of them are set.
    pub(crate) fn delivery(self) -> Result<Delivery, Error> {
        let mut set = self.named().into_iter().filter(|(_, value)| *value != 0);
        let Some((name, _)) = set.next() else {
            return Ok(Delivery::AtOnce);
        };
        if let Some((other, _)) = set.next() {
            return Err(only_one(name, other));
        }
        Ok(match self {
            Self { delay_level, .. } if delay_level != 0 => Delivery::Level(delay_level),
            Self { delay_seconds, .. } if delay_seconds != 0 => Delivery::AfterSeconds(delay_seconds),
            Self { delay_ms, .. } if delay_ms != 0 => Delivery::AfterMillis(delay_ms),
            Self { deliver_at_ms, .. } => Delivery::AtMillis(deliver_at_ms),
        })
    }

    /// Every keyword with its value, in the order of the signature.
    pub(crate) fn named(self) -> [(&'static str, i64); 4] {
        [
            ("delay_level", i64::from(self.delay_level)),
            ("delay_seconds", self.delay_seconds),
            ("delay_ms", self.delay_ms),
            ("deliver_at_ms", self.deliver_at_ms),
        ]
    }
}

impl From<Delivery> for DeliveryKeywords {
    fn from(delivery: Delivery) -> Self {
        let none = Self { delay_level: 0, delay_seconds: 0, delay_ms: 0, deliver_at_ms: 0 };
        match delivery {
            Delivery::AtOnce => none,
            Delivery::Level(delay_level) => Self { delay_level, ..none },
            Delivery::AfterSeconds(delay_seconds) => Self { delay_seconds, ..none },
            Delivery::AfterMillis(delay_ms) => Self { delay_ms, ..none },
            Delivery::AtMillis(deliver_at_ms) => Self { deliver_at_ms, ..none },
        }
    }
}
