//! A close under way.

use std::time::Duration;

use super::Producer;
use crate::error::Error;
use crate::sys::Moment;

/// A close that has begun: the producer takes no new sends. [`Self::finish`] ends it. Dropped before, it is as if only new sends
/// were refused: the next close, or the end of the producer, sees to what is left.
#[must_use = "what is left waits for the end of the close"]
#[derive(Debug)]
pub struct Closing {
    producer: Producer,
    /// No other close began before: this one is to end what is left.
    is_first: bool,
}

impl Closing {
    pub(super) fn begin(producer: &Producer) -> Self {
        Self { is_first: producer.engine().begin_closing(), producer: producer.clone() }
    }

    /// Waits until every accepted send has its outcome; says whether they have.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.producer.engine().sends.wait_settled(Moment::now().checked_add(timeout))
    }

    /// The rest of [`Producer::close`], in so much time.
    ///
    /// # Errors
    /// As there.
    pub fn finish(mut self, timeout: Duration) -> Result<(), Error> {
        let first = std::mem::take(&mut self.is_first);
        self.producer.engine().close(first, timeout)
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if self.is_first {
            self.producer.engine().leave_end_to_another();
        }
    }
}
