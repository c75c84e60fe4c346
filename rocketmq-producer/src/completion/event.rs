//! What can lie in a completion queue.

use std::sync::Arc;

use crate::error::Error;
use crate::flow::InFlightShare;
use crate::receipt::Receipt;

/// Two words of the caller's, handed back untouched with the event (C keeps a function and its opaque there).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub usize, pub usize);

/// Something that a producer has to tell, once. A new kind is a variant here; the compiler then names the doors that turn
/// events into something else, those of the C library among them.
#[derive(Debug)]
pub enum Event {
    /// The outcome of a send.
    Outcome(Report),
    /// A send or a wire batch was refused as `QUEUE_FULL`, and there is room for it within the in-flight bounds now. However many
    /// were refused meanwhile, it comes once, to the queue that was to get their outcomes; and to those that asked for it
    /// ([`Producer::when_writable`](crate::Producer::when_writable), [`Producer::hear_of_room`](crate::Producer::hear_of_room)).
    Writable {
        /// [`Event::producer`].
        producer: usize,
    },
    /// The end of a look-up ([`Producer::look_up`](crate::Producer::look_up)).
    Routed(Routed),
    /// The end of a call whose caller did not wait ([`Producer::flush_queued`](crate::Producer::flush_queued) and its like).
    Done(Done),
}

/// The outcome of one accepted send. It counts against the in-flight bounds until it is dropped.
#[derive(Debug)]
pub struct Report {
    /// The words given with the send.
    pub tag: Tag,
    /// The receipt, or why there is none.
    pub result: Result<Receipt, Error>,
    pub(crate) share: InFlightShare,
}

/// The queues of a topic as they can be written, broker and number, in the Java client's order; or why there are none.
pub(crate) type Queues = Result<Vec<(String, i32)>, Error>;

/// What a look-up found.
#[derive(Debug)]
pub struct Routed {
    /// The words given with the call.
    pub tag: Tag,
    /// The topic that was asked for.
    pub topic: Arc<str>,
    /// Its queues that may be written, as broker and number, in the Java client's order; or why it has none.
    pub result: Result<Vec<(String, i32)>, Error>,
    pub(crate) producer: usize,
}

/// What a call came to.
#[derive(Debug)]
pub struct Done {
    /// The words given with the call.
    pub tag: Tag,
    /// As the call that waits returns it.
    pub result: Result<(), Error>,
    pub(crate) producer: usize,
}

impl Event {
    /// The word by which the program knows the producer that this comes from
    /// ([`Producer::set_tag`](crate::Producer::set_tag)); 0 if it gave none.
    pub fn producer(&self) -> usize {
        match self {
            Self::Outcome(report) => report.share.producer(),
            Self::Writable { producer }
            | Self::Routed(Routed { producer, .. })
            | Self::Done(Done { producer, .. }) => *producer,
        }
    }

    /// The outcome, if this is one.
    pub fn into_report(self) -> Option<Report> {
        match self {
            Self::Outcome(report) => Some(report),
            Self::Writable { .. } | Self::Routed(_) | Self::Done(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_takes_no_more_room_than_a_report() {
        assert_eq!(size_of::<Event>(), size_of::<Report>());
    }
}
