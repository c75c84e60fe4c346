//! Routes that are in doubt: a broker cannot be reached where they have it, and may be elsewhere by now. Their topics are
//! looked up again before the next refresh.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep_until;

use super::name_servers::Found;
use super::route_table::RouteTable;
use super::topic::Topic;
use crate::log::LogTarget;
use crate::sys::{self, Moment};
use crate::task;

/// The least time between two look-ups of a topic in doubt. Up to half as much is added by chance: not all clients of a broker
/// that went away ask at the same time.
const INTERVAL: Duration = Duration::from_secs(1);

impl RouteTable {
    /// Looks the topic up again, at once or in a moment. [`Topic::looked_up_by`] tells when the answer should be there: who
    /// has no other broker waits until then.
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
            let work = async move { table.ask_again(&doubted, due).await };
            // However it ends, another doubt begins another one.
            task::spawn(&self.runtime, work, move |_| {
                let mut look_up = asked.look_up.lock();
                look_up.in_doubt = None;
                look_up.asked_again = Some(Moment::now());
            });
        }
    }

    fn interval(&self) -> Duration {
        INTERVAL.mul_f64(1.0 + sys::chance_of(0.5))
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
