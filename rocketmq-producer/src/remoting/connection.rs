//! The I/O task of one connection: connects (`connect.rs`), then reads, writes and watches the deadlines, round after round
//! (`rounds.rs`), until the end. What a read brought goes to those who wait for it (`frames.rs`).
//!
//! What has ended is told with no lock held, and what that makes due is done once in each round.

mod connect;
mod frames;
mod rounds;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::header::HeaderReader;
use tokio::time::sleep_until;

use self::connect::connect;
use super::channel::Channel;
use super::exchange::{Failure, FailureKind};
use super::inbound::Inbound;
use super::reach::LONGEST_PAUSE;
use super::stream::Stream;
use crate::deferred::Deferred;
use crate::log::LogTarget;
use crate::sys::Moment;

/// Deadlines are looked at no more often than this, however many there are.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// Lives as long as one connection. The channel starts it when a request needs a connection.
pub(super) async fn run(channel: Arc<Channel>, epoch: u64) {
    let (failure, was_useful) = match connect(&channel, epoch).await {
        Ok(stream) => {
            let begun = Moment::now();
            let mut connection = Connection {
                channel: Arc::clone(&channel),
                epoch,
                stream: Arc::new(stream),
                inbound: Inbound::new(Arc::clone(&channel.options.inbound)),
                headers: HeaderReader::default(),
                deferred: Deferred::default(),
                replies: Vec::new(),
                alive: Moment::now(),
                heard: false,
                silent_since: None,
                has_answered: false,
                waits_for_read: false,
                was_read: false,
                has_unread: false,
                is_blocked: false,
            };
            let failure = connection.open().await;
            // Else the peer is no more than a port that is open, and connecting again at once leads nowhere.
            (failure, connection.has_answered || begun.elapsed() > LONGEST_PAUSE)
        }
        Err(cause) => (Failure::because(FailureKind::Connect, cause), false),
    };
    channel.end(epoch, &failure, was_useful);
    while channel.tell_failed(&mut Deferred::default()) {
        tokio::task::yield_now().await;
    }
}

struct Connection {
    channel: Arc<Channel>,
    epoch: u64,
    stream: Arc<Stream>,
    inbound: Inbound,
    headers: HeaderReader,
    deferred: Deferred,
    /// Replies to the requests of the peer's that one read brought.
    replies: Vec<u8>,
    /// When the peer was last heard of, or took bytes after it had taken none.
    alive: Moment,
    /// Something was read that the channel does not know of.
    heard: bool,
    /// Since when a request that timed out had waited with nothing heard of the peer.
    silent_since: Option<Moment>,
    has_answered: bool,
    /// One-way messages wait until something was read.
    waits_for_read: bool,
    /// What they waited for was read.
    was_read: bool,
    /// Whole frames are left of the last read.
    has_unread: bool,
    /// The socket takes no more now.
    is_blocked: bool,
}

impl Connection {
    /// Serves the open socket to its end; returns why it ended.
    async fn open(&mut self) -> Failure {
        let news = {
            let mut state = self.channel.state.lock();
            if !state.is_current(self.epoch) {
                return Failure::new(FailureKind::Aborted);
            }
            state.open(Arc::clone(&self.stream));
            state.reach.opened(self.channel.address(), self.stream.peer_address())
        };
        if let Some(news) = news {
            self.channel.options.log.info(LogTarget::Remoting, || news);
        }
        if let Some(events) = self.channel.events.upgrade() {
            events.opened(&self.channel);
        }
        let Err(failure) = self.serve().await;
        failure
    }
}

/// What is over its deadline has failed; says when to look again. Tells since when the oldest of that was on its way.
fn check_deadlines(channel: &Channel) -> Option<Moment> {
    let now = Moment::now();
    let mut state = channel.state.lock();
    let found = state.expire(now);
    state.next_check = state.next_deadline().map(|deadline| deadline.max(now + CHECK_INTERVAL));
    found
}

async fn until(moment: Option<Moment>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

fn lost(error: io::Error) -> Failure {
    Failure::because(FailureKind::Lost, error)
}
