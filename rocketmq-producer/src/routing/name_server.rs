//! One name server: a question, and what its answer or silence means.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rocketmq_protocol::DecodeError;
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::requests::GetRouteRequest;
use rocketmq_protocol::route::TopicRoute;
use rocketmq_protocol::route::bounds::MAX_ROUTE_BYTES;
use tokio::sync::{Semaphore, oneshot};

use super::bounds::LARGE_ROUTE;
use crate::auth::Refusal;
use crate::error::{Error, ErrorCode};
use crate::remoting::{Answer, Channel, Failure, FailureKind, call};
use crate::sync::Mutex;
use crate::sys::Moment;
use crate::task;

/// How long a server that did not answer is taken to be still in trouble.
const IN_TROUBLE: Duration = Duration::from_secs(30);

/// Questions to one server that have no answer yet. More wait for their turn, so that a program which begins with ten thousand
/// topics does not overwhelm it; a server that answers has this many in no time, and a silent one holds up only its own.
const ASKED_AT_ONCE: usize = 64;

pub(super) struct NameServer {
    channel: Arc<Channel>,
    /// When the server last did not answer; `None` if it has answered since.
    failed: Mutex<Option<Moment>>,
    /// The log says already that the server lacks what others know.
    told: AtomicBool,
    /// Who wants to ask waits here for a place among those that have no answer yet.
    asking: Semaphore,
    /// Large routes are read one at a time: a thread for each topic would be too many.
    reading: tokio::sync::Mutex<()>,
}

impl NameServer {
    pub(super) fn new(channel: Arc<Channel>) -> Self {
        Self {
            channel,
            failed: Mutex::default(),
            told: AtomicBool::new(false),
            asking: Semaphore::new(ASKED_AT_ONCE),
            reading: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn address(&self) -> &Arc<str> {
        self.channel.address()
    }

    /// The route of a topic; `None`: it knows no such topic. The error is at this server.
    pub(super) async fn route(&self, topic: &str, timeout: Duration) -> Result<Option<TopicRoute>, Error> {
        let deadline = Moment::now() + timeout;
        let Ok(place) = tokio::time::timeout(timeout, self.asking.acquire()).await else {
            let text =
                format!("not asked within {} ms: too many questions are before it", timeout.as_millis());
            return Err(Error::new(ErrorCode::NameServer, text).at(Arc::clone(self.address())));
        };
        let left = deadline.since(Moment::now());
        let fields =
            GetRouteRequest { topic: topic.to_owned().into(), accept_standard_json_only: Some(true) };
        let outcome = call(&self.channel, request::GET_ROUTEINFO_BY_TOPIC, fields, Vec::new(), left).await;
        // It has answered: what is read of it here is no question any more.
        drop(place);
        match &outcome {
            Ok(_) => *self.failed.lock() = None,
            Err(failure) if failure.kind == FailureKind::Timeout && !is_fair(left, timeout) => {}
            Err(_) => *self.failed.lock() = Some(Moment::now()),
        }
        let route = match outcome {
            Ok(answer) => self.understood(answer).await,
            Err(failure) => Err(unanswered(&failure, left)),
        };
        if matches!(route, Ok(Some(_))) {
            self.told.store(false, Ordering::Relaxed);
        }
        route.map_err(|error| error.at(Arc::clone(self.address())))
    }

    #[cfg(test)]
    pub(super) fn is_forgotten(&self) -> bool {
        self.channel.is_forgotten()
    }

    /// Whether the server could not be connected to, and it is not yet time for another try.
    pub(super) fn is_resting(&self) -> bool {
        self.channel.is_resting()
    }

    /// Whether the server has answered lately, or was never asked.
    pub(super) fn is_well(&self) -> bool {
        self.failed.lock().is_none_or(|failed| failed.elapsed() >= IN_TROUBLE)
    }

    /// Whether nobody was told yet, since it last knew a topic, that it lacks what others know.
    pub(super) fn begin_telling(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    async fn understood(&self, answer: Answer) -> Result<Option<TopicRoute>, Error> {
        match answer.code {
            response::SUCCESS => self.read(answer.body).await.map(Some).map_err(|error| {
                Error::new(ErrorCode::Protocol, format!("route not understood: {error}")).with_source(error)
            }),
            response::TOPIC_NOT_EXIST => Ok(None),
            code => Err(match Refusal::of(code, answer.remark.as_deref()) {
                Some(refusal) => refusal.into_error(code, answer.remark.as_deref()),
                None => Error::answered(ErrorCode::NameServer, code, answer.remark.as_deref(), true),
            }),
        }
    }

    /// Reads a route, away from the I/O thread if it is a large one. What is too large is refused at once, and not kept until it
    /// is its turn.
    async fn read(&self, body: Bytes) -> Result<TopicRoute, DecodeError> {
        if (LARGE_ROUTE..=MAX_ROUTE_BYTES).contains(&body.len()) {
            let _turn = self.reading.lock().await;
            let (sender, route) = oneshot::channel();
            let copy = body.clone();
            // Nobody listens any more when the look-up was given up.
            let reader = task::thread(
                "rmq-route",
                move || TopicRoute::parse(&copy),
                |parsed| drop(sender.send(parsed)),
            );
            if reader.is_ok()
                && let Ok(Ok(route)) = route.await
            {
                return route;
            }
        }
        // It is little, or far too much, or there is no thread.
        TopicRoute::parse(&body)
    }
}

/// Whether the server had so much of the question's time that its silence says something of it: the question may have waited
/// most of that for its place.
fn is_fair(left: Duration, whole: Duration) -> bool {
    !left.is_zero() && left >= whole / 2
}

fn unanswered(failure: &Failure, waited: Duration) -> Error {
    let cause = failure.cause_text();
    let text = match failure.kind {
        FailureKind::Connect => format!("no connection ({cause})"),
        FailureKind::Timeout => format!("no answer within {} ms", waited.as_millis()),
        FailureKind::Silent => format!("no answer ({cause})"),
        FailureKind::Lost => format!("connection lost ({cause})"),
        FailureKind::Garbage => format!("not a RocketMQ name server ({cause})"),
        FailureKind::Backlog => format!("overloaded ({cause})"),
        FailureKind::Memory => format!("no memory for the request ({cause})"),
        FailureKind::Unencodable => format!("request too large ({cause})"),
        FailureKind::Forbidden => format!("refused by a hook ({cause})"),
        FailureKind::NoCredentials => format!("not asked ({cause})"),
        FailureKind::Panicked => format!("not asked ({cause})"),
        FailureKind::Aborted => "given up".to_owned(),
    };
    Error::new(ErrorCode::NameServer, text).with_shared_source(failure.cause.clone())
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::remoting::Remoting;

    #[test]
    fn a_large_route_is_read_on_a_thread_of_its_own() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let remoting = Remoting::for_tests(runtime.handle().clone());
        let server = NameServer::new(remoting.channel("h:1"));
        let route = |blanks: usize| Bytes::from(format!("{}{{}}", " ".repeat(blanks)));
        let is_read_at_once = |body: Bytes| {
            let read = std::pin::pin!(server.read(body));
            matches!(read.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(_)))
        };
        assert!((0..10).all(|_| is_read_at_once(route(LARGE_ROUTE - 3))));
        // The thread may be done before it is looked at, but not each time.
        assert!((0..1000).any(|_| !is_read_at_once(route(3 << 20))));
        let read = runtime.block_on(server.read(route(3 << 20))).expect("a route");
        assert_eq!(read, TopicRoute::default());
    }

    #[test]
    fn a_server_that_had_no_time_for_an_answer_is_not_in_trouble() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let remoting = Remoting::for_tests(runtime.handle().clone());
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = silent.local_addr().expect("an address").to_string();
        let server = NameServer::new(remoting.channel(&address));
        let ask = |time| runtime.block_on(server.route("T", time)).expect_err("silent");
        ask(Duration::ZERO);
        assert!(server.is_well());
        // On a busy machine it may have most of the time, or little.
        while server.is_well() {
            ask(Duration::from_millis(20));
        }
        ask(Duration::ZERO);
        assert!(!server.is_well(), "nor does that end it");
        let second = Duration::from_secs(1);
        assert!(is_fair(second, second) && !is_fair(second / 3, second));
    }

    #[test]
    fn a_route_beyond_its_bound_is_refused_before_it_waits_for_its_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let remoting = Remoting::for_tests(runtime.handle().clone());
        let server = NameServer::new(remoting.channel("h:1"));
        let _turn = server.reading.try_lock().expect("nobody reads");
        let read = |len: usize| {
            let read = std::pin::pin!(server.read(Bytes::from(vec![b' '; len])));
            read.poll(&mut Context::from_waker(Waker::noop()))
        };
        assert!(read(MAX_ROUTE_BYTES).is_pending());
        assert!(matches!(read(MAX_ROUTE_BYTES + 1), Poll::Ready(Err(_))));
    }
}
