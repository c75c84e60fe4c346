//! Asking the name servers for a route: which one is asked, and what happens when it does not answer or does not know.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rocketmq_protocol::route::TopicRoute;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::name_server::NameServer;
use super::name_servers::NameServers;
use crate::error::{Error, ErrorCode};
use crate::log::LogTarget;
use crate::sys::Moment;

/// While someone waits for the first answer: how long one round may take, and the pause after a failed one.
const READY_PATIENCE: Duration = Duration::from_secs(3);
const READY_PAUSE: Duration = Duration::from_millis(50);

/// How long the other servers have to answer when one does not know a topic; less if they did not answer lately.
const SECOND_OPINION: Duration = Duration::from_secs(1);
const SECOND_OPINION_IN_TROUBLE: Duration = Duration::from_millis(500);

/// What the name servers say of a topic.
pub(crate) enum Found {
    Route(GivenRoute),
    /// None that answered knows the topic; these did not answer, and may.
    Nowhere {
        silent: Vec<Arc<str>>,
    },
}

/// A route, and the address of the name server that gave it.
pub(crate) struct GivenRoute {
    pub(super) route: TopicRoute,
    pub(super) name_server: Arc<str>,
}

impl NameServers {
    /// Waits until a name server has answered, whatever it said: asks for a topic again and again if none has.
    pub(crate) async fn wait_ready(&self, topic: &str, timeout: Duration) -> Result<(), Error> {
        let deadline = Moment::now().checked_add(timeout);
        let left = || deadline.map_or(READY_PATIENCE, |deadline| deadline.since(Moment::now()));
        loop {
            if self.have_answered() {
                return Ok(());
            }
            match self.route(topic, topic, left().min(READY_PATIENCE)).await {
                Ok(_) => return Ok(()),
                Err(error) if left().is_zero() => return Err(error),
                Err(_) => sleep(READY_PAUSE.min(left())).await,
            }
        }
    }

    /// The route of a topic, if a name server that answers knows it. Every server is tried once, the one that knew something
    /// last first; each gets a fair share of the time. Errors call the topic as `shown`.
    pub(crate) async fn route(&self, topic: &str, shown: &str, timeout: Duration) -> Result<Found, Error> {
        let deadline = Moment::now() + timeout;
        // Whoever waits for a route is going to send a signed request.
        self.remoting.signing().ready(deadline).await?;
        let servers = self.servers.load_full();
        let first = self.chosen.load(Ordering::Relaxed);
        let mut refusals: Vec<(Arc<str>, Error)> = Vec::new();
        for turn in 0..servers.len() {
            let index = first.wrapping_add(turn) % servers.len();
            let server = &servers[index];
            let left = (servers.len() - turn) as u32;
            let share = match left > 1 && server.is_resting() {
                // Between two tries to connect: others are asked at once.
                true => Duration::ZERO,
                false => deadline.since(Moment::now()) / left,
            };
            match server.route(topic, share).await {
                Ok(Some(route)) => return Ok(self.found(server, route)),
                Ok(None) => {
                    self.choose(server);
                    // It may have been restarted, and not have heard of all brokers yet.
                    let others = (1..servers.len() - turn).map(|more| (index + more) % servers.len());
                    let others = others.map(|other| Arc::clone(&servers[other])).collect();
                    return Ok(match second_opinion(others, topic, deadline).await {
                        Ok((knowing, route)) => {
                            self.tell_lacking(server, &knowing, shown);
                            self.found(&knowing, route)
                        }
                        Err(mut silent) => {
                            silent.extend(refusals.into_iter().map(|(address, _)| address));
                            Found::Nowhere { silent }
                        }
                    });
                }
                Err(error) => {
                    // It has answered, though not well.
                    if error.code() == ErrorCode::Protocol || error.broker_code().is_some() {
                        self.choose(server);
                    }
                    refusals.push((Arc::clone(server.address()), error));
                }
            }
        }
        self.want_looked_up();
        let texts: Vec<_> =
            refusals.iter().map(|(address, error)| format!("{address}: {}", error.message())).collect();
        Err(match refusals.pop() {
            Some((_, error)) => error
                .with_message(format!("the route of topic {shown} cannot be asked: {}", texts.join("; "))),
            None => self.unknown(),
        })
    }

    fn found(&self, server: &Arc<NameServer>, route: TopicRoute) -> Found {
        self.choose(server);
        Found::Route(GivenRoute { route, name_server: Arc::clone(server.address()) })
    }

    fn tell_lacking(&self, lacking: &NameServer, knowing: &NameServer, shown: &str) {
        if lacking.begin_telling() {
            self.log.warn(LogTarget::Routing, || {
                format!(
                    "name server {} does not know topic {shown}, which {} knows: it may have been restarted, or \
                     brokers cannot reach it",
                    lacking.address(),
                    knowing.address()
                )
            });
        }
    }
}

/// Asks these at once. The first that knows the topic, with what it knows; else those that did not say whether they do.
async fn second_opinion(
    servers: Vec<Arc<NameServer>>,
    topic: &str,
    deadline: Moment,
) -> Result<(Arc<NameServer>, TopicRoute), Vec<Arc<str>>> {
    let mut asked = JoinSet::new();
    let mut silent: Vec<_> = servers.iter().map(|server| Arc::clone(server.address())).collect();
    for server in servers {
        let wait_limit = if server.is_well() { SECOND_OPINION } else { SECOND_OPINION_IN_TROUBLE };
        let timeout = wait_limit.min(deadline.since(Moment::now()));
        let topic = topic.to_owned();
        asked.spawn(async move {
            let answer = server.route(&topic, timeout).await;
            (server, answer)
        });
    }
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok((server, Ok(Some(route)))) => return Ok((server, route)),
            Ok((server, Ok(None))) => silent.retain(|address| address != server.address()),
            Ok((_, Err(_))) | Err(_) => {}
        }
    }
    Err(silent)
}
