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
//! A step of a send that a program's hook holds up cannot be aborted. Its close waits [`ABORT_LIMIT`] for it and no longer;
//! the send has its outcome when the hook returns.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Engine;
use super::ask::unsettled;
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

impl Engine {
    /// Refuses new sends; `true` for the first who asks, who is to end what is left.
    pub(crate) fn begin_closing(&self) -> bool {
        self.closing.store(true, Ordering::SeqCst);
        self.sends.bounds.wake_waiters();
        self.sends.send_now();
        self.close_begun.notify_waiters();
        !self.ending.swap(true, Ordering::SeqCst)
    }

    /// The one who was the first does not end what is left: the next who asks is the first.
    pub(crate) fn leave_end_to_another(&self) {
        self.ending.store(false, Ordering::SeqCst);
    }

    /// Closes after [`Self::begin_closing`], whose answer is `first`, and waits for it. Aborts on the calling thread, so that
    /// many sends which end at once hold up nobody's I/O.
    pub(crate) fn close(&self, first: bool, timeout: Duration) -> Result<(), Error> {
        let deadline = Moment::now().checked_add(timeout);
        let settled = self.sends.wait_settled(deadline);
        if !first {
            return self.has_settled();
        }
        let is_over = self.abort_until_settled();
        self.leave_group();
        let left = self.time_to_leave(deadline);
        // Whatever comes of it, this producer has left.
        let _ = self.ask_and_wait(left, farewell(Arc::clone(&self.sends), left));
        self.closed_after(timeout, settled, is_over)
    }

    /// The same for those who do not wait.
    pub(crate) async fn closed(self: Arc<Self>, first: bool, timeout: Duration) -> Result<(), Error> {
        let deadline = Moment::now().checked_add(timeout);
        let settled = self.sends.settled_by(timeout).await;
        if !first {
            return self.has_settled();
        }
        let is_over = self.aborted_until_settled().await;
        self.leave_group();
        let left = self.time_to_leave(deadline);
        let _ = farewell(Arc::clone(&self.sends), left).await;
        self.closed_after(timeout, settled, is_over)
    }

    /// The end without anyone waiting for it. The group is free at once: the program may make its next producer now.
    pub(crate) fn end_in_background(self: &Arc<Self>) {
        self.leave_group();
        let (engine, sends) = (Arc::clone(self), Arc::clone(&self.sends));
        let end = async move {
            engine.aborted_until_settled().await;
            farewell(Arc::clone(&engine.sends), engine.sends.settings.api_timeout).await
        };
        self.ask(end, Arc::new(ToldInLog(sends)));
    }

    fn leave_group(&self) {
        self.sends.client.deregister(&self.sends.settings.wire_group);
    }

    /// Aborts until nothing is left; `false`: a step of a send is held up. Once also where no send is left: calls that look
    /// routes up end as closed.
    fn abort_until_settled(&self) -> bool {
        let begun = Moment::now();
        loop {
            self.sends.abort();
            let is_over = self.sends.bounds.wait_settled(Some(Moment::now() + ABORT_INTERVAL));
            if is_over || begun.elapsed() >= ABORT_LIMIT {
                return is_over;
            }
        }
    }

    /// The same without waiting.
    async fn aborted_until_settled(&self) -> bool {
        let begun = Moment::now();
        loop {
            self.sends.abort();
            let is_over = self.sends.bounds.settled_by(ABORT_INTERVAL).await;
            if is_over || begun.elapsed() >= ABORT_LIMIT {
                return is_over;
            }
        }
    }

    fn has_settled(&self) -> Result<(), Error> {
        if self.sends.bounds.has_outstanding() { Err(unsettled()) } else { Ok(()) }
    }

    /// How long the brokers have to hear that the group is gone.
    fn time_to_leave(&self, deadline: Option<Moment>) -> Duration {
        deadline.map_or(self.sends.settings.api_timeout, |deadline| deadline.since(Moment::now()))
    }

    /// `settled`: every send had its outcome within the timeout. `is_over`: at the latest when it was aborted.
    fn closed_after(&self, timeout: Duration, settled: bool, is_over: bool) -> Result<(), Error> {
        if settled {
            return Ok(());
        }
        let ms = timeout.as_millis();
        let text = match is_over {
            true => format!("not all sends had an outcome within {ms} ms; they ended as closed"),
            false => format!(
                "not all sends had an outcome within {ms} ms, and some have none yet: a hook of the program holds them up"
            ),
        };
        Err(Error::new(ErrorCode::Timeout, text))
    }
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
