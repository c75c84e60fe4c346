//! Where the attempts of one send go.

use rocketmq_protocol::java_hash::java_string_hash;

use crate::message::Destination;
use crate::routing::{FaultStrategy, PublishQueue, PublishQueues};

/// A destination that outlives the caller's message.
pub(super) enum Target {
    Any,
    Queue(Box<(String, i32)>),
    Hash(i32),
}

impl Target {
    pub(super) fn of(destination: Destination<'_>) -> Self {
        match destination {
            Destination::Any => Self::Any,
            Destination::Queue { broker, queue_id } => Self::Queue(Box::new((broker.to_owned(), queue_id))),
            Destination::ShardingKey(key) => Self::Hash(java_string_hash(key)),
            Destination::ShardingNumber(number) => Self::Hash(java_number_hash(number)),
        }
    }

    /// The queue of the next attempt; `last` is the broker of the one before.
    pub(super) fn select<'q>(
        &self,
        queues: &'q PublishQueues,
        last: Option<&str>,
        faults: Option<&FaultStrategy>,
    ) -> Option<&'q PublishQueue> {
        match self {
            Self::Any => queues.select(last, faults),
            Self::Queue(queue) => queues.find(&queue.0, queue.1),
            Self::Hash(hash) => queues.by_hash(*hash),
        }
    }

    /// Why there is no such queue.
    pub(super) fn missing(&self) -> String {
        match self {
            Self::Any | Self::Hash(_) => "its route has no queue that may be written".to_owned(),
            Self::Queue(queue) => {
                format!("its route has no queue {} of broker {} to write", queue.1, queue.0)
            }
        }
    }
}

/// `hashCode` of an `Integer` where the number is one, else of a `Long`.
fn java_number_hash(number: i64) -> i32 {
    i32::try_from(number).unwrap_or((number ^ (number >> 32)) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_hash_as_in_java() {
        for (number, hash) in
            [(0, 0), (7, 7), (-7, -7), (i64::from(i32::MIN), i32::MIN), (1 << 32, 1), (-(1 << 40), -256)]
        {
            assert_eq!(java_number_hash(number), hash, "{number}");
        }
    }
}
