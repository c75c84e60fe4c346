//! The turns that connections take on the I/O thread, so that none of them has it for itself.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use crate::sys::Moment;

/// How long a connection, or whoever else has much to do on the I/O thread, works before others come. A deadline is late by
/// one turn of each peer that has something to do without end.
pub(super) const TURN: Duration = Duration::from_millis(1);

/// A task's turn.
#[derive(Default)]
pub(crate) struct Turn {
    /// `None`: the task waited just now.
    began: Option<Moment>,
}

impl Turn {
    /// Lets others go first if this turn has lasted long enough by `now`.
    pub(crate) async fn give_way(&mut self, now: Moment) {
        let began = *self.began.get_or_insert(now);
        if now.since(began) >= TURN {
            tokio::task::yield_now().await;
            self.began = None;
        }
    }

    /// Waits for an event. If there was a wait, others have had their turn meanwhile.
    pub(crate) async fn wait<T>(&mut self, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        poll_fn(|context| {
            let polled = event.as_mut().poll(context);
            if polled.is_pending() {
                self.began = None;
            }
            polled
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use tokio::runtime::Builder;
    use tokio::task::LocalSet;

    use super::*;

    #[test]
    fn others_come_when_a_turn_is_over_and_not_before() {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let others = Rc::new(Cell::new(0));
        let count = Rc::clone(&others);
        LocalSet::new().block_on(&runtime, async move {
            let (now, mut turn) = (Moment::now(), Turn::default());
            let other = tokio::task::spawn_local(async move { count.set(count.get() + 1) });
            turn.give_way(now).await;
            turn.give_way(now + TURN / 2).await;
            turn.wait(std::future::ready(())).await;
            assert_eq!(others.get(), 0, "nothing was waited for");
            turn.give_way(now + TURN).await;
            assert_eq!(others.get(), 1);
            assert!(other.await.is_ok());
            turn.give_way(now + TURN).await;
            turn.wait(tokio::task::yield_now()).await;
            assert!(turn.began.is_none(), "a wait ends the turn");
        });
    }
}
