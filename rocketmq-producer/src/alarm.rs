//! The clock of a task that works through deadlines: the lanes', the pauses', the look-ups'.
//!
//! Such a task looks at its own list, does what is due, and waits for the next time on it. Whoever puts an earlier time on the
//! list, or ends the task, rings. A ring while the task is not waiting is kept for its next wait, so none is missed.

use tokio::sync::Notify;
use tokio::time::sleep_until;

use crate::sys::Moment;

#[derive(Default)]
pub(crate) struct Alarm(Notify);

impl Alarm {
    /// The list has changed: the task is to look again. Any thread may call this, and never waits.
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits until the time, without one for ever, or until somebody rings. For one task at a time. What is dropped before
    /// its end has used up no ring.
    pub(crate) async fn wait(&self, until: Option<Moment>) {
        let Some(until) = until else { return self.0.notified().await };
        tokio::select! {
            () = sleep_until(until.into()) => {}
            () = self.0.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::*;

    fn is_over(wait: impl Future<Output = ()>) -> bool {
        pin!(wait).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[tokio::test]
    async fn it_goes_off_at_its_time_or_when_it_is_rung_also_beforehand() {
        let alarm = Alarm::default();
        let far = || Some(Moment::now() + Duration::from_secs(3600));
        for until in [None, far()] {
            assert!(!is_over(alarm.wait(until)), "nothing has happened");
            alarm.ring();
            alarm.ring();
            assert!(is_over(alarm.wait(until)), "rung before the wait");
            assert!(!is_over(alarm.wait(until)), "two rings are one");
        }
        let soon = Moment::now() + Duration::from_millis(1);
        alarm.wait(Some(soon)).await;
        assert!(Moment::now() >= soon);
    }
}
