//! Where the attempts of one send go.

use std::sync::Arc;

use rocketmq_protocol::java_hash::java_string_hash;

use crate::error::{Error, ErrorCode};
use crate::hooks::guarded;
use crate::log::Log;
use crate::message::{Destination, QueueSelector};
use crate::routing::{Broker, FaultStrategy, PublishQueue, PublishQueues};
use crate::sys::Moment;

/// A destination that outlives the caller's message. All but `Any` become a fixed queue with the first choice.
pub(crate) enum QueueChoice {
    Any,
    Random,
    Named(Box<(String, i32)>),
    Hash(i32),
    /// Boxed, as it would make all others larger.
    Selector(Box<Arc<dyn QueueSelector>>),
    Chosen(Arc<Broker>, i32),
}

impl QueueChoice {
    pub(crate) fn of(destination: Destination<'_>) -> Self {
        match destination {
            Destination::Any => Self::Any,
            Destination::Random => Self::Random,
            Destination::Queue { broker, queue_id } => Self::Named(Box::new((broker.to_owned(), queue_id))),
            Destination::ShardingKey(key) => Self::Hash(java_string_hash(key)),
            Destination::ShardingNumber(number) => Self::Hash(java_number_hash(number)),
            Destination::Selector(selector) => Self::Selector(Box::new(selector.share())),
        }
    }

    pub(crate) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// The queue of the next attempt; `last` is the broker of the one before, and the strategy comes with the time.
    pub(crate) fn select(
        &mut self,
        queues: Option<&PublishQueues>,
        last: Option<&str>,
        faults: Option<(&FaultStrategy, Moment)>,
        log: &Log,
    ) -> Result<PublishQueue, Error> {
        let none = || no_route("its route has no queue that may be written".to_owned());
        let queues = queues.ok_or_else(none)?;
        let chosen = match self {
            Self::Any => return queues.select(last, faults).cloned().ok_or_else(none),
            Self::Random => queues.by_chance().ok_or_else(none)?,
            Self::Hash(hash) => queues.by_hash(*hash).ok_or_else(none)?,
            Self::Named(queue) => queues.find(&queue.0, queue.1).ok_or_else(|| missing(&queue.0, queue.1))?,
            Self::Chosen(broker, queue_id) => {
                queues.find(&broker.name, *queue_id).ok_or_else(|| missing(&broker.name, *queue_id))?
            }
            Self::Selector(_) if queues.is_empty() => return Err(none()),
            Self::Selector(selector) => select_by(selector, queues, log)?,
        };
        let chosen = chosen.clone();
        *self = Self::Chosen(Arc::clone(&chosen.broker), chosen.queue_id);
        Ok(chosen)
    }
}

impl QueueChoice {
    /// Another message of the same batch chose this queue for all of them.
    pub(crate) fn bind(&mut self, queue: &PublishQueue) {
        if !self.is_any() {
            *self = Self::Chosen(Arc::clone(&queue.broker), queue.queue_id);
        }
    }
}

fn select_by<'q>(
    selector: &Arc<dyn QueueSelector>,
    queues: &'q PublishQueues,
    log: &Log,
) -> Result<&'q PublishQueue, Error> {
    let offered = queues.refs();
    let index = guarded(log, "queue selector", || selector.select(&offered)).flatten();
    index.and_then(|index| queues.get(index)).ok_or_else(|| {
        let index = index.map_or("none".to_owned(), |index| index.to_string());
        let text = format!("the queue selector chose {index} of {} queues", offered.len());
        Error::new(ErrorCode::Forbidden, text)
    })
}

fn missing(broker: &str, queue_id: i32) -> Error {
    no_route(format!("its route has no queue {queue_id} of broker {broker} to write"))
}

fn no_route(text: String) -> Error {
    Error::new(ErrorCode::NoRoute, text)
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
