//! The name servers: which one is asked, and what happens when it does not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use rocketmq_protocol::DecodeError;
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::requests::GetRouteRequest;
use rocketmq_protocol::route::TopicRoute;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::bounds::LARGE_ROUTE;
use crate::error::{Error, ErrorCode};
use crate::remoting::{Answer, Channel, Failure, FailureKind, Remoting, call};
use crate::sys::{self, Moment};

/// While someone waits for the first answer: how long one round may take, and the pause after a failed one.
const READY_PATIENCE: Duration = Duration::from_secs(3);
const READY_PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct NameServers {
    remoting: Arc<Remoting>,
    channels: ArcSwap<Vec<Arc<Channel>>>,
    /// The one that answered last; it is asked until it fails.
    chosen: AtomicUsize,
    /// Whether any has answered yet.
    answered: AtomicBool,
    reading: tokio::sync::Mutex<()>,
}

impl NameServers {
    pub(crate) fn new(remoting: Arc<Remoting>, addresses: &[String], start: usize) -> Self {
        let servers = Self {
            remoting,
            channels: ArcSwap::default(),
            chosen: AtomicUsize::new(start),
            answered: AtomicBool::new(false),
            reading: tokio::sync::Mutex::default(),
        };
        servers.set(addresses);
        servers
    }

    /// A new list; requests under way go on.
    pub(crate) fn set(&self, addresses: &[String]) {
        let channels = addresses.iter().map(|address| self.remoting.channel(address)).collect();
        self.channels.store(Arc::new(channels));
    }

    pub(crate) fn addresses(&self) -> Vec<Arc<str>> {
        self.channels.load().iter().map(|channel| Arc::clone(channel.address())).collect()
    }

    /// Waits until a name server has answered, whatever it said: asks for a topic again and again if none has.
    pub(crate) async fn wait_ready(&self, topic: &str, timeout: Duration) -> Result<(), Error> {
        let deadline = Moment::now().checked_add(timeout);
        let left = || deadline.map_or(READY_PATIENCE, |deadline| deadline.since(Moment::now()));
        loop {
            if self.answered.load(Ordering::Relaxed) {
                return Ok(());
            }
            match self.route(topic, topic, left().min(READY_PATIENCE)).await {
                Ok(_) => return Ok(()),
                Err(error) if left().is_zero() => return Err(error),
                Err(_) => sleep(READY_PAUSE.min(left())).await,
            }
        }
    }

    /// The route of a topic; `None`: the name server does not know the topic. Every server is tried once,
    /// the one that answered last first; each gets a fair share of the time. Errors call the topic as `shown`.
    pub(crate) async fn route(
        &self,
        topic: &str,
        shown: &str,
        timeout: Duration,
    ) -> Result<Option<TopicRoute>, Error> {
        let channels = self.channels.load_full();
        let deadline = Moment::now() + timeout;
        let first = self.chosen.load(Ordering::Relaxed);
        let mut refusals = Vec::new();
        let mut last = None;
        for turn in 0..channels.len() {
            let index = first.wrapping_add(turn) % channels.len();
            let channel = &channels[index];
            let left = (channels.len() - turn) as u32;
            let share = deadline.since(Moment::now()) / left;
            let fields =
                GetRouteRequest { topic: topic.to_owned().into(), accept_standard_json_only: Some(true) };
            let outcome = call(channel, request::GET_ROUTEINFO_BY_TOPIC, fields, Vec::new(), share).await;
            let error = match outcome {
                Ok(answer) => {
                    self.chosen.store(index, Ordering::Relaxed);
                    self.answered.store(true, Ordering::Relaxed);
                    match self.understood(answer).await {
                        Ok(route) => return Ok(route),
                        Err(error) => error,
                    }
                }
                Err(failure) => unanswered(&failure, share),
            };
            refusals.push(format!("{}: {}", channel.address(), error.message()));
            last = Some(error.at(Arc::clone(channel.address())));
        }
        Err(match last {
            Some(error) => {
                let text = format!("the route of topic {shown} cannot be asked: {}", refusals.join("; "));
                error.with_message(text)
            }
            None => Error::new(
                ErrorCode::NoNameServer,
                "no name server address is known yet: the look-up at name.server.url has given none",
            ),
        })
    }

    async fn understood(&self, answer: Answer) -> Result<Option<TopicRoute>, Error> {
        match answer.code {
            response::SUCCESS => {
                // One at a time: a thread for each topic would be too many.
                let _turn = self.reading.lock().await;
                read(answer.body).await.map(Some).map_err(|error| {
                    Error::new(ErrorCode::Protocol, format!("route not understood: {error}"))
                        .with_source(error)
                })
            }
            response::TOPIC_NOT_EXIST => Ok(None),
            code => Err(Error::answered(ErrorCode::NameServer, code, answer.remark.as_deref(), true)),
        }
    }
}

/// Away from the I/O thread if there is much of it.
async fn read(body: Bytes) -> Result<TopicRoute, DecodeError> {
    if body.len() >= LARGE_ROUTE {
        let (sender, route) = oneshot::channel();
        let copy = body.clone();
        // Nobody listens any more when the look-up was given up.
        let reader = sys::spawn_quiet("rmq-route", move || drop(sender.send(TopicRoute::parse(&copy))));
        if reader.is_ok()
            && let Ok(route) = route.await
        {
            return route;
        }
    }
    // It is little, or there is no thread.
    TopicRoute::parse(&body)
}

fn unanswered(failure: &Failure, waited: Duration) -> Error {
    let cause = failure.cause_text();
    let text = match failure.kind {
        FailureKind::Connect => format!("no connection ({cause})"),
        FailureKind::Timeout => format!("no answer within {} ms", waited.as_millis()),
        FailureKind::Lost => format!("connection lost ({cause})"),
        FailureKind::Garbage => format!("not a RocketMQ name server ({cause})"),
        FailureKind::Backlog => format!("overloaded ({cause})"),
        FailureKind::Unencodable => format!("request too large ({cause})"),
        FailureKind::Forbidden => format!("refused by a hook ({cause})"),
        FailureKind::Aborted => "given up".to_owned(),
    };
    Error::new(ErrorCode::NameServer, text).with_shared_source(failure.cause.clone())
}
