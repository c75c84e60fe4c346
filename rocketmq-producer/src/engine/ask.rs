//! What a program asks its producer for, which the I/O thread has to see to.
//!
//! *To ask* is to run a future on the I/O thread and to hand its result to a door, once, whatever becomes of the future. Any
//! door will do: a thread that waits, a queue of events, a Rust future. So a call exists once, as a future, and how its caller
//! hears of the end is the caller's choice. Something new that a producer asks a broker for is such a future, too.

use std::future::Future;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rocketmq_protocol::topics;

use super::Engine;
use crate::completion::{Complete, LAST_RESORT, Queues};
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::routing::RouteWaiter;
use crate::send::{RouteWait, illegal};
use crate::task::{self, Stopped};

/// Where the result of a call goes.
pub(crate) type Door<T> = Arc<dyn Complete<Result<T, Error>>>;

impl Engine {
    /// Runs `work` on the I/O thread and hands its result to the door; `INTERNAL` if it has none.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
        door: Door<T>,
    ) {
        task::spawn(self.io(), work, move |outcome| {
            door.complete(outcome.unwrap_or_else(|cause| Err(stopped(cause))), &mut Deferred::default());
        });
    }

    /// The same for a thread that waits. The result comes within the limit, unless the I/O thread is held up.
    pub(crate) fn ask_and_wait<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        wait(limit, |door| {
            self.ask(work, door);
            Ok(())
        })
    }

    /// Waits until a name server has answered, or until the close.
    pub(crate) async fn ready(self: Arc<Self>, timeout: Duration) -> Result<(), Error> {
        let closed = self.close_begun.notified();
        tokio::pin!(closed);
        // Before the look at the flag, so that a close between the two is not missed.
        closed.as_mut().enable();
        if self.is_closing() {
            return Err(Error::closed());
        }
        let topic = &self.sends.settings.create_topic_key;
        tokio::select! {
            ready = self.sends.client.name_servers.wait_ready(topic, timeout) => ready,
            () = closed => Err(Error::closed()),
        }
    }

    /// Waits until every accepted send has its outcome.
    pub(crate) async fn flushed(self: Arc<Self>, timeout: Duration) -> Result<(), Error> {
        self.sends.send_now();
        match self.sends.settled_by(timeout).await {
            true => Ok(()),
            false => Err(unsettled()),
        }
    }

    /// Hands the queues of a topic to the door, looked up if need be: at once, if they are known.
    pub(crate) fn look_up(
        &self,
        topic: &str,
        timeout: Duration,
        door: impl FnOnce(&Arc<str>) -> Arc<dyn Complete<Queues>>,
    ) -> Result<(), Error> {
        topics::check_topic(topic).map_err(|error| illegal(error.to_string()))?;
        let deadline = self.span(Some(timeout))?.deadline;
        let topic = self.sends.client.routes.topic(topic);
        let door = door(&topic.name);
        let waiter = Box::new(RouteWait::new(Arc::clone(&topic), deadline, self.sends.producer, door));
        // Whoever asks sends nothing that might overtake others.
        if topic.has_queues() {
            waiter.routed(&mut Deferred::default());
        } else {
            self.sends.client.routes.wait(&topic, waiter);
        }
        Ok(())
    }

    /// The queues of a topic, looked up if need be.
    pub(crate) fn queues(&self, topic: &str, timeout: Duration) -> Queues {
        wait(timeout, |door| self.look_up(topic, timeout, |_| door))
    }
}

/// Waits for what comes to the door that `begin` gets.
fn wait<T: Send + 'static>(
    limit: Duration,
    begin: impl FnOnce(Door<T>) -> Result<(), Error>,
) -> Result<T, Error> {
    let (sender, receiver) = mpsc::channel();
    begin(Arc::new(sender))?;
    receiver.recv_timeout(limit.saturating_add(LAST_RESORT)).unwrap_or_else(|cause| match cause {
        RecvTimeoutError::Timeout => {
            Err(Error::new(ErrorCode::Timeout, "the I/O thread is held up: by a hook or a log sink?"))
        }
        RecvTimeoutError::Disconnected => Err(stopped(Stopped::Dropped)),
    })
}

fn stopped(cause: Stopped) -> Error {
    Error::new(ErrorCode::Internal, cause.to_string()).with_source(cause)
}

/// The time of a flush or a close is over.
pub(crate) fn unsettled() -> Error {
    Error::new(ErrorCode::Timeout, "the time is over, and sends are still without an outcome")
}
