//! How a producer ends.
//!
//! ```text
//!         close, or the last handle is dropped          all have their outcomes,
//!                        │                               or the time is over            farewell
//!   open ────────────────┴──────────▶ closing ───────────────────────▶ aborted ───────────────────▶ left
//! ```
//!
//! | state | a send | sends under way | `flush` | `wait_ready`, `queues` | `stats` |
//! | --- | --- | --- | --- | --- | --- |
//! | open | accepted | go on | waits | wait | answers |
//! | closing | `CLOSED` | go on, and linger no longer | waits | `CLOSED` | answers |
//! | aborted | `CLOSED` | end as `CLOSED` at their next step | finds nothing left | `CLOSED` | answers |
//! | left | `CLOSED` | there are none | finds nothing left | `CLOSED` | answers |
//!
//! A send that is accepted while the close begins is seen by one of the two: it is counted before it looks at the flag, and
//! the close sets the flag before it looks at the count.
//!
//! Several may close at the same time. Whoever's time is over first aborts what is left, for all of them; so a close that nobody
//! waits for any more keeps none of them open.
//!
//! A step of a send that a program's hook holds up cannot be aborted. Its close waits [`ABORT_LIMIT`] for it and no longer;
//! the send has its outcome when the hook returns.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Engine;
use crate::completion::Complete;
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::log::LogTarget;
use crate::send::SendContext;
use crate::sys::Moment;

/// While a close waits for sends that are between two steps, it looks again this often.
const ABORT_INTERVAL: Duration = Duration::from_millis(5);

/// A close waits for sends that it has aborted no longer than this.
const ABORT_LIMIT: Duration = Duration::from_secs(5);

/// One of those who close, from its begin to its end.
pub(crate) struct Closer {
    engine: Arc<Engine>,
    /// Sends had been cut off before it began: it hears of its own time only.
    comes_after_cut: bool,
}

impl Closer {
    /// Refuses new sends.
    pub(crate) fn begin(engine: &Arc<Engine>) -> Self {
        engine.closers.fetch_add(1, Ordering::SeqCst);
        engine.refuse_sends();
        let comes_after_cut = engine.cut_off.load(Ordering::SeqCst);
        Self { engine: Arc::clone(engine), comes_after_cut }
    }

    /// Waits for the end. Aborts on the calling thread, so that many sends which end at once hold up nobody's I/O.
    pub(crate) fn close(self, timeout: Duration) -> Result<(), Error> {
        let engine = &self.engine;
        let deadline = Moment::now().checked_add(timeout);
        let settled = engine.sends.wait_settled(deadline);
        let outcome = self.at_the_end_of_time(settled, timeout);
        let is_over = engine.abort_until_settled(self.patience());
        if engine.leaves_group() {
            let left = engine.time_to_leave(deadline);
            // Whatever comes of it, this producer has left.
            let _ = engine.ask_and_wait(left, farewell(Arc::clone(&engine.sends), left));
        }
        if is_over { outcome } else { Err(held_up(timeout)) }
    }

    /// The same for those who do not wait.
    pub(crate) async fn closed(self, timeout: Duration) -> Result<(), Error> {
        let engine = &self.engine;
        let deadline = Moment::now().checked_add(timeout);
        let settled = engine.sends.settled_by(timeout).await;
        let outcome = self.at_the_end_of_time(settled, timeout);
        let is_over = engine.aborted_until_settled(self.patience()).await;
        if engine.leaves_group() {
            let left = engine.time_to_leave(deadline);
            let _ = farewell(Arc::clone(&engine.sends), left).await;
        }
        if is_over { outcome } else { Err(held_up(timeout)) }
    }

    /// `settled`: every send has its outcome. If not, what is left is cut off now, for all who close.
    fn at_the_end_of_time(&self, settled: bool, timeout: Duration) -> Result<(), Error> {
        let text = if !settled {
            self.engine.cut_off.store(true, Ordering::SeqCst);
            let ms = timeout.as_millis();
            format!("not all sends had an outcome within {ms} ms; they ended as closed")
        } else if !self.comes_after_cut && self.engine.cut_off.load(Ordering::SeqCst) {
            "sends ended as closed: another close had less time".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorCode::Timeout, text))
    }

    /// How long it waits for sends that are aborted. The one who cut them off has waited long enough.
    fn patience(&self) -> Duration {
        if self.comes_after_cut { Duration::ZERO } else { ABORT_LIMIT }
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        self.engine.closers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Engine {
    fn refuse_sends(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.sends.bounds.wake_waiters();
        self.sends.send_now();
        self.close_begun.notify_waiters();
    }

    /// The last handle is dropped: the end without anyone waiting for it, unless somebody closes, who sees to it. The group is
    /// free at once: the program may make its next producer now.
    pub(crate) fn end_in_background(self: &Arc<Self>) {
        self.refuse_sends();
        if self.closers.load(Ordering::SeqCst) > 0 || !self.leaves_group() {
            return;
        }
        let (engine, sends) = (Arc::clone(self), Arc::clone(&self.sends));
        let end = async move {
            engine.aborted_until_settled(ABORT_LIMIT).await;
            farewell(Arc::clone(&engine.sends), engine.sends.settings.api_timeout).await
        };
        self.ask(end, Arc::new(ToldInLog(sends)));
    }

    /// Frees the group; `true` for the first who does, who is to tell the brokers.
    fn leaves_group(&self) -> bool {
        let is_first = !self.has_left.swap(true, Ordering::SeqCst);
        if is_first {
            self.sends.client.deregister(&self.sends.settings.wire_group);
        }
        is_first
    }

    /// Aborts until nothing is left; `false`: a step of a send is held up. Once also where no send is left: calls that look
    /// routes up end as closed.
    fn abort_until_settled(&self, patience: Duration) -> bool {
        let begun = Moment::now();
        loop {
            self.sends.abort();
            let is_over = self.sends.bounds.wait_settled(Some(Moment::now() + ABORT_INTERVAL));
            if is_over || begun.elapsed() >= patience {
                return is_over;
            }
        }
    }

    /// The same without waiting.
    async fn aborted_until_settled(&self, patience: Duration) -> bool {
        let begun = Moment::now();
        loop {
            self.sends.abort();
            let is_over = self.sends.bounds.settled_by(ABORT_INTERVAL).await;
            if is_over || begun.elapsed() >= patience {
                return is_over;
            }
        }
    }

    /// How long the brokers have to hear that the group is gone.
    fn time_to_leave(&self, deadline: Option<Moment>) -> Duration {
        deadline.map_or(self.sends.settings.api_timeout, |deadline| deadline.since(Moment::now()))
    }
}

fn held_up(timeout: Duration) -> Error {
    let ms = timeout.as_millis();
    let text = format!(
        "not all sends had an outcome within {ms} ms, and some have none yet: a hook of the program holds them up"
    );
    Error::new(ErrorCode::Timeout, text)
}

/// Tells the brokers that the group is gone.
async fn farewell(sends: Arc<SendContext>, timeout: Duration) -> Result<(), Error> {
    sends.client.tell_unregistered(&sends.settings.wire_group, timeout).await;
    Ok(())
}

/// The door of an end that nobody waits for.
struct ToldInLog(Arc<SendContext>);

impl Complete<Result<(), Error>> for ToldInLog {
    fn complete(&self, outcome: Result<(), Error>, _: &mut Deferred) {
        if let Err(error) = outcome {
            let text = || format!("the end of group {}: {error}", self.0.settings.group);
            self.0.client.log.error(LogTarget::Producer, text);
            self.0.abort();
        }
    }
}
