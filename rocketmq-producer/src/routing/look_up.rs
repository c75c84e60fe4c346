//! The look-up of a topic's route: who waits for it, and in which order they go on.
//!
//! ```text
//!                wait, warm_up                          a route, or queues were there
//!   closed ──────────────────────▶ running, asks ─────────────────────────────────▶ running, lets go on
//!     ▲                             │    │    ▲                                      │  │           ▲
//!     │   no route, no answer:      │    └────┘ joined, or a deadline passed         │  └───────────┘ others joined
//!     └───── all have the error ────┘                                                │
//!                                                                nobody waits more   ▼
//!   running, asks ◀────────────── wait: no queue can be written ─────────────────── open
//! ```
//!
//! | state | `running` | `open` | a send to the topic |
//! | --- | --- | --- | --- |
//! | closed | no | no | begins a look-up, and waits for it |
//! | running | yes | no | joins those who wait, also when there are queues: it overtakes nobody |
//! | open | no | yes | takes a queue at once; waits if no queue can be written |
//!
//! One look-up at a time serves all who wait for a topic. They are in [`LookUp::waiters`](super::topic::LookUp), under whose lock
//! the state changes; each has its deadline, which the look-up keeps while name servers are silent. Whoever joins with an earlier
//! deadline than all others rings.
//!
//! Beside the state there are two marks, which close nothing:
//! - *in doubt* (`doubts.rs`): a broker is not where the route has it. The topic is asked for once more, and sends go on with
//!   the queues that are known; only those that were at that broker wait for the end of the doubt.
//! - *stale* (`refresh.rs`): refreshes leave the topic out, as nobody uses it. Whoever uses it next puts it in doubt.
//!
//! A refresh, or a doubt, may bring a route while a look-up runs. Its queues count at once, but it is the look-up that opens the
//! topic, and it fails nobody then, whatever its own answer is.

use std::sync::Arc;

use super::asking::{Found, GivenRoute};
use super::route_table::RouteTable;
use super::topic::{Origin, RouteWaiter, Topic};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::remoting::Turn;
use crate::sys::Moment;
use crate::task;

/// Waiters that are told of a route before others have the I/O thread.
const TOLD_AT_ONCE: usize = 64;

/// Rounds of sends that go on before those who only ask are told. Most topics are open before; where threads send without end
/// there is always one more that waits, and whoever asks is not put off for ever.
const ROUNDS: usize = 8;

impl RouteTable {
    /// Looks the topic up and lets the waiter go on, with queues or an error. One look-up serves all who wait.
    pub(crate) fn wait(&self, topic: &Arc<Topic>, waiter: Box<dyn RouteWaiter>) {
        self.begin_look_up(topic, Some(waiter));
    }

    /// Looks the topic up before anybody needs it.
    pub(crate) fn warm_up(&self, topic: &str) {
        let topic = self.topic(topic);
        topic.keep();
        if !topic.is_routed() {
            self.begin_look_up(&topic, None);
        }
    }

    fn begin_look_up(&self, topic: &Arc<Topic>, waiter: Option<Box<dyn RouteWaiter>>) {
        let (is_first, start) = {
            let mut look_up = topic.look_up.lock();
            let is_first = waiter.is_some_and(|waiter| look_up.waiters.join(waiter));
            topic.set_open(false);
            (is_first, !std::mem::replace(&mut look_up.running, true))
        };
        if is_first {
            topic.joined.ring();
        }
        if start && let Some(table) = self.myself.upgrade() {
            let looked_up = Arc::clone(topic);
            task::spawn(&self.runtime, table.look_up(Arc::clone(topic)), move |outcome| {
                if let Err(stopped) = outcome {
                    let text = format!("the look-up of topic {} ended: {stopped}", looked_up.name);
                    fail(&looked_up, &Error::new(ErrorCode::Internal, text).with_source(stopped));
                }
            });
        }
    }

    async fn look_up(self: Arc<Self>, topic: Arc<Topic>) {
        let found = async {
            // As long as somebody waits: a look-up of their addresses has its own pace.
            self.name_servers.wait_known().await;
            self.find(&topic).await
        };
        tokio::pin!(found);
        let result = loop {
            let check = topic.look_up.lock().waiters.next_deadline();
            tokio::select! {
                result = &mut found => break result,
                // Or one has joined, whose deadline is an earlier one.
                () = topic.joined.wait(check) => self.expire(&topic).await,
            }
        };
        self.expire(&topic).await;
        // A refresh may have brought queues meanwhile, or they were there: then a failure takes nothing away.
        let failure = result
            .and_then(|(route, origin)| self.adopt(&topic, route, origin))
            .err()
            .filter(|_| !topic.has_queues());
        if let Some(error) = failure {
            return tell(end(&topic), |waiter, deferred| waiter.unrouted(error.clone(), deferred)).await;
        }
        self.let_go_on(&topic).await;
    }

    /// Those who come while others go on wait as well, so that nobody is overtaken; when nobody waits the topic is open.
    async fn let_go_on(&self, topic: &Topic) {
        let mut asking = Vec::new();
        for round in 1_usize.. {
            let Some(waiters) = take_waiters_or_open(topic) else { break };
            let (sending, only_asking): (Vec<_>, Vec<_>) =
                waiters.into_iter().partition(|waiter| waiter.takes_turns());
            asking.extend(only_asking);
            tell(sending, |waiter, deferred| waiter.routed(deferred)).await;
            if round >= ROUNDS {
                tell(std::mem::take(&mut asking), |waiter, deferred| waiter.routed(deferred)).await;
            }
        }
        tell(asking, |waiter, deferred| waiter.routed(deferred)).await;
    }

    /// The topic's own route or, for a topic that does not exist yet, one made from the default topic's
    /// (protocol 3.3).
    async fn find(&self, topic: &Topic) -> Result<(GivenRoute, Origin), Error> {
        let mut silent = match self.ask(topic, Origin::Own).await? {
            Found::Route(route) => return Ok((route, Origin::Own)),
            Found::Nowhere { silent } => silent,
        };
        match self.ask(topic, Origin::DefaultTopic).await? {
            Found::Route(route) => Ok((route, Origin::DefaultTopic)),
            Found::Nowhere { silent: more } => {
                silent.extend(more);
                Err(self.no_route(topic, silent))
            }
        }
    }

    /// Whoever did not answer may know the topic: then another try is worth it.
    fn no_route(&self, topic: &Topic, mut silent: Vec<Arc<str>>) -> Error {
        let text = format!(
            "topic {} does not exist, and no broker creates topics by itself (no route for {} either)",
            topic.name, self.options.default_topic
        );
        silent.sort();
        silent.dedup();
        if silent.is_empty() {
            return Error::new(ErrorCode::NoRoute, text);
        }
        let text = format!("{text}; {} did not answer, and may know it", silent.join(", "));
        Error::new(ErrorCode::NoRoute, text).worth_a_retry()
    }

    /// Asks the name servers.
    pub(super) async fn ask(&self, topic: &Topic, origin: Origin) -> Result<Found, Error> {
        let timeout = self.options.timeout;
        if origin == Origin::Own {
            return self.name_servers.route(&topic.wire_name, &topic.name, timeout).await;
        }
        let default_topic = &self.options.default_topic;
        let mut found = self.name_servers.route(default_topic, default_topic, timeout).await?;
        if let Found::Route(given) = &mut found {
            for data in &mut given.route.queue_datas {
                let nums = data.read_queue_nums.min(self.options.default_topic_queue_nums);
                data.read_queue_nums = nums;
                data.write_queue_nums = nums;
            }
        }
        Ok(found)
    }

    /// Fails the waiters whose deadline passed while the name servers were silent.
    async fn expire(&self, topic: &Topic) {
        let gone = topic.look_up.lock().waiters.take_expired(Moment::now());
        if gone.is_empty() {
            return;
        }
        let error = self.name_servers.silence(&topic.name);
        tell(gone, |waiter, deferred| waiter.unrouted(error.clone(), deferred)).await;
    }
}

/// The look-up has ended without a route: so have those who wait for it. Who comes now asks anew.
fn fail(topic: &Topic, error: &Error) {
    let mut deferred = Deferred::default();
    for waiter in end(topic) {
        waiter.unrouted(error.clone(), &mut deferred);
    }
}

/// The look-up has ended. Gives those who waited for it.
fn end(topic: &Topic) -> Vec<Box<dyn RouteWaiter>> {
    let mut look_up = topic.look_up.lock();
    look_up.running = false;
    look_up.waiters.take_all()
}

/// Tells them, some at a time: there may be thousands, and others need the I/O thread too.
pub(super) async fn tell(
    waiters: Vec<Box<dyn RouteWaiter>>,
    one: impl Fn(Box<dyn RouteWaiter>, &mut Deferred),
) {
    let mut turn = Turn::default();
    let mut waiters = waiters.into_iter().peekable();
    while waiters.peek().is_some() {
        let mut deferred = Deferred::default();
        waiters.by_ref().take(TOLD_AT_ONCE).for_each(|waiter| one(waiter, &mut deferred));
        drop(deferred);
        turn.give_way(Moment::now()).await;
    }
}

/// Those who wait for the look-up that succeeded; when nobody does it has ended, and the topic is open.
fn take_waiters_or_open(topic: &Topic) -> Option<Vec<Box<dyn RouteWaiter>>> {
    let mut look_up = topic.look_up.lock();
    if look_up.waiters.is_empty() {
        look_up.running = false;
        topic.set_open(true);
        return None;
    }
    Some(look_up.waiters.take_all())
}

#[cfg(test)]
#[path = "look_up_tests.rs"]
mod tests;
