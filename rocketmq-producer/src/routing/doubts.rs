//! Routes that are in doubt: a broker cannot be reached where they have it, and may be elsewhere by now. Their topics are
//! looked up again before the next refresh.
//!
//! ```text
//!            doubt                 its time has come            the answer, or none
//!   settled ───────▶ in doubt: due ─────────────────▶ in doubt: asks ─────────────▶ settled
//!                       │     ▲                          │     ▲
//!                       └─────┘ a doubter joins, or its  └─────┘
//!                               deadline passes
//! ```
//!
//! Sends that failed at such a broker, and would go there again, are the *doubters*: with the doubt they go on, whatever the
//! answer was, for the broker may be back where it was.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep_until;

use super::asking::Found;
use super::look_up::tell;
use super::route_table::RouteTable;
use super::topic::{RouteWaiter, Topic};
use crate::deferred::Deferred;
use crate::log::LogTarget;
use crate::sys::{self, Moment};
use crate::task;

/// The least time between two look-ups of a topic in doubt. Up to half as much is added by chance: not all clients of a broker
/// that went away ask at the same time.
const INTERVAL: Duration = Duration::from_secs(1);

impl RouteTable {
    /// Looks the topic up again, at once or in a moment.
    pub(crate) fn doubt(&self, topic: &Arc<Topic>) {
        let due = {
            let mut look_up = topic.look_up.lock();
            if look_up.in_doubt.is_some() {
                return;
            }
            let now = Moment::now();
            let due = look_up.asked_again.map_or(now, |asked| (asked + self.interval()).max(now));
            look_up.in_doubt = Some(due);
            due
        };
        if let Some(table) = self.myself.upgrade() {
            let (doubted, asked) = (Arc::clone(topic), Arc::clone(topic));
            let work = async move { table.settle(&doubted, due).await };
            task::spawn(&self.runtime, work, move |outcome| {
                if outcome.is_err() {
                    let mut deferred = Deferred::default();
                    settled(&asked, due).into_iter().for_each(|doubter| doubter.routed(&mut deferred));
                }
            });
        }
    }

    /// Lets the doubter go on at the end of the doubt, or at its deadline. It comes back if the topic is not in doubt.
    pub(crate) fn wait_settled<W: RouteWaiter + 'static>(
        &self,
        topic: &Topic,
        doubter: Box<W>,
    ) -> Result<(), Box<W>> {
        let is_first = {
            let mut look_up = topic.look_up.lock();
            if look_up.in_doubt.is_none() {
                return Err(doubter);
            }
            look_up.doubters.join(doubter)
        };
        if is_first {
            topic.doubters_joined.ring();
        }
        Ok(())
    }

    fn interval(&self) -> Duration {
        INTERVAL.mul_f64(1.0 + sys::chance_of(0.5))
    }

    async fn settle(&self, topic: &Topic, due: Moment) {
        let asked = self.ask_again(topic, due);
        tokio::pin!(asked);
        loop {
            let check = topic.look_up.lock().doubters.next_deadline();
            tokio::select! {
                () = &mut asked => break,
                () = topic.doubters_joined.wait(check) => {
                    let late = topic.look_up.lock().doubters.take_expired(Moment::now());
                    tell(late, |doubter, deferred| doubter.routed(deferred)).await;
                }
            }
        }
        tell(settled(topic, due), |doubter, deferred| doubter.routed(deferred)).await;
    }

    async fn ask_again(&self, topic: &Topic, due: Moment) {
        sleep_until(due.into()).await;
        // The brokers that may make the topic stay in its route until the next refresh, should one have made it meanwhile.
        let origin = topic.look_up.lock().origin;
        let answer = self.ask(topic, origin).await;
        // Of what cannot be asked, and of what is not known, the sends and the next refresh tell. A refresh may have brought the
        // topic's own route meanwhile, which that of the default topic does not replace.
        if let Ok(Found::Route(route)) = answer
            && let Err(error) = self.adopt_again(topic, route, origin)
        {
            self.log.warn(LogTarget::Routing, || format!("route in doubt: {}", error.message()));
        }
    }
}

/// The doubt that was due then is over, and another one may begin. Gives the doubters.
fn settled(topic: &Topic, due: Moment) -> Vec<Box<dyn RouteWaiter>> {
    let mut look_up = topic.look_up.lock();
    if look_up.in_doubt != Some(due) {
        return Vec::new();
    }
    look_up.in_doubt = None;
    look_up.asked_again = Some(Moment::now());
    look_up.doubters.take_all()
}
