//! A close under way.

use std::fmt;
use std::time::Duration;

use super::Producer;
use crate::engine::Closer;
use crate::error::Error;
use crate::sys::Moment;

/// A close that has begun: the producer takes no new sends. [`Self::finish`] ends it. Dropped before, it is as if only new sends
/// were refused: another close, or the end of the producer, sees to what is left.
#[must_use = "what is left waits for the end of the close"]
pub struct Closing {
    /// Gone before the producer, which ends with its last handle unless somebody closes it.
    closer: Closer,
    producer: Producer,
}

impl Closing {
    pub(super) fn begin(producer: &Producer) -> Self {
        Self { closer: Closer::begin(producer.engine()), producer: producer.clone() }
    }

    /// Waits until every accepted send has its outcome; says whether they have. In a forked child, which hears of none: `false`
    /// at once.
    pub fn wait(&self, timeout: Duration) -> bool {
        let engine = self.producer.engine();
        !engine.is_forked() && engine.sends.wait_settled(Moment::now().checked_add(timeout))
    }

    /// The rest of [`Producer::close`], in so much time.
    ///
    /// # Errors
    /// As there.
    pub fn finish(self, timeout: Duration) -> Result<(), Error> {
        self.producer.engine().check_fork()?;
        self.closer.close(timeout)
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closing").field("producer", &self.producer).finish_non_exhaustive()
    }
}
