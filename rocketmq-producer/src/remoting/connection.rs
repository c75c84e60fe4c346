//! The I/O task of one connection: connects, then reads, writes and watches the deadlines until the end.
//!
//! Each round it writes what is there, if that is its part, fails what is over its deadline, gives way to other connections when its
//! turn is over, and waits for what comes first: something to read, room to write, a call for its attention, or the time of its next
//! look. What has ended by then is told with no lock held, and what that makes due is done once in each round.

mod connect;
mod frames;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::header::HeaderReader;
use tokio::time::sleep_until;

use self::connect::connect;
use super::channel::Channel;
use super::exchange::{Failure, FailureKind};
use super::inbound::Inbound;
use super::limits;
use super::reach::LONGEST_PAUSE;
use super::stream::{Stream, closed_by_peer};
use super::turn::Turn;
use super::writing::Written;
use crate::deferred::Deferred;
use crate::log::LogTarget;
use crate::sys::Moment;

/// Deadlines are looked at no more often than this, however many there are.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// A connection ends when a request times out on it, and for this long before that nothing came though answers were due.
const SILENCE_LIMIT: Duration = Duration::from_secs(3);

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
        self.serve().await
    }

    async fn serve(&mut self) -> Failure {
        let mut blocked = false;
        let timer = sleep_until(tokio::time::Instant::now());
        tokio::pin!(timer);
        let mut armed = None;
        let mut turn = Turn::default();
        // Whole frames are left of the last read.
        let mut unread = false;
        loop {
            // First, so that what goes next is in the same write.
            self.deferred.free_places();
            // Whether there is more to do without waiting for anything.
            let mut more = unread;
            if !blocked {
                match self.write() {
                    // What is unread ends the wait below.
                    Ok(Written::All | Written::Unread) => {}
                    Ok(Written::Plenty) => more = true,
                    Ok(Written::Blocked) => blocked = true,
                    Err(error) => return lost(error),
                }
            }
            self.deferred.settle();
            let now = Moment::now();
            let (check, gathered, has_failed) = {
                let mut state = self.channel.state.lock();
                if !state.is_current(self.epoch) {
                    return Failure::new(FailureKind::Aborted);
                }
                if std::mem::take(&mut self.heard) {
                    state.oneways_in_doubt = 0;
                }
                let gathered = state.end_gathering(now);
                let by = if gathered { Some(now) } else { state.gathered_by };
                (state.next_check, by, state.has_failed())
            };
            let unfinished = match self.inbound.check(now) {
                Ok(check) => check,
                Err(error) => return Failure::because(FailureKind::Silent, error),
            };
            let is_due = |moment: Option<Moment>| moment.is_some_and(|moment| moment <= now);
            // Before the select, which may have something to read for ever.
            if is_due(check)
                && let Err(failure) = self.expire(now)
            {
                return failure;
            }
            more |= is_due(check) || is_due(gathered) || has_failed;
            if has_failed {
                self.channel.tell_failed(&mut self.deferred);
            }
            turn.give_way(now).await;
            if unread {
                unread = match self.take_frames() {
                    Ok(unread) => unread,
                    Err(failure) => return failure,
                };
                continue;
            }
            let next = check.into_iter().chain(gathered).chain(unfinished).min();
            if next != armed {
                armed = next;
                if let Some(next) = next {
                    timer.as_mut().reset(next.into());
                }
            }
            let event = turn.wait(async {
                tokio::select! {
                    biased;
                    ready = self.stream.readable() => ready.map(|()| Event::Readable),
                    () = self.channel.attention.notified() => Ok(Event::Other),
                    ready = self.stream.writable(), if blocked => ready.map(|()| Event::Writable),
                    () = timer.as_mut(), if armed.is_some() => Ok(Event::Other),
                    () = std::future::ready(()), if more => Ok(Event::Other),
                }
            });
            match event.await {
                Ok(Event::Readable) => {
                    unread = match self.read() {
                        Ok(unread) => unread,
                        Err(failure) => return failure,
                    }
                }
                Ok(Event::Writable) => {
                    blocked = false;
                    self.alive = Moment::now();
                }
                Ok(Event::Other) => {}
                Err(error) => return lost(error),
            }
        }
    }

    /// Fails what is over its deadline; an error when too much of that was never answered.
    fn expire(&mut self, now: Moment) -> Result<(), Failure> {
        let Some(asked) = check_deadlines(&self.channel) else { return Ok(()) };
        let since = *self.silent_since.get_or_insert(asked.max(self.alive));
        let abandoned = self.channel.state.lock().in_flight.abandoned();
        if now.since(since) >= SILENCE_LIMIT || abandoned > limits::ABANDONED {
            let cause = io::Error::new(io::ErrorKind::TimedOut, "the peer answers no more");
            return Err(Failure::because(FailureKind::Silent, cause));
        }
        Ok(())
    }

    /// Writes what is there, if that is this task's part, or plenty of it.
    fn write(&mut self) -> io::Result<Written> {
        let more = self.channel.admit_waiting(&self.stream);
        let mine = self.channel.state.lock().begin_writing();
        let was_read = std::mem::take(&mut self.was_read);
        let written = if mine { self.channel.write_out(&self.stream, was_read)? } else { Written::All };
        self.waits_for_read = matches!(written, Written::Unread);
        Ok(match written {
            Written::All if more => Written::Plenty,
            written => written,
        })
    }

    /// One read, and the frames that it completed; `true`: some of them are left.
    fn read(&mut self) -> Result<bool, Failure> {
        match self.inbound.read(&self.stream) {
            Ok(0) => Err(lost(closed_by_peer())),
            Ok(_) => {
                self.alive = Moment::now();
                self.heard = true;
                // Not before: the runtime may hear of what is there later than a look at the socket does.
                self.was_read = std::mem::take(&mut self.waits_for_read);
                self.take_frames()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(lost(error)),
        }
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

/// What ends the wait of a connection's task.
enum Event {
    Readable,
    Writable,
    /// Something for the next round to find.
    Other,
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
