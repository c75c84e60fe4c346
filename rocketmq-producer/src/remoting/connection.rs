//! The I/O task of one connection: connects, then reads, writes and watches the deadlines until the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::encode::{NoFields, Preamble, encode_frame};
use rocketmq_protocol::frame;
use rocketmq_protocol::header::{Header, HeaderReader, flag};
use tokio::time::sleep_until;

use super::body::{Body, SHARED_BODY};
use super::channel::Channel;
use super::dial::dial;
use super::exchange::{Failure, FailureKind};
use super::frame_writer::PROTOCOL_VERSION;
use super::inbound::Inbound;
use super::limits;
use super::reach::LONGEST_PAUSE;
use super::state::State;
use super::stream::{Stream, closed_by_peer};
use super::turn::{TURN, Turn};
use super::writing::Written;
use crate::deferred::Deferred;
use crate::log::LogTarget;
use crate::sys::Moment;

/// Deadlines are looked at no more often than this, however many there are.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// A connection ends when a request times out on it, and for this long before that nothing came though answers were due.
const SILENCE_LIMIT: Duration = Duration::from_secs(3);

/// Between so many frames the clock is read, so that a read full of them is no longer than a turn.
const FRAMES_AT_ONCE: usize = 16;

/// A buffer for replies that grew beyond this is not kept.
const KEPT_REPLIES: usize = 64 * 1024;

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

/// Connects within `connect.timeout.ms`, after the pause that is due, and meanwhile fails the requests whose deadline
/// passes.
async fn connect(channel: &Arc<Channel>, epoch: u64) -> io::Result<Stream> {
    let last = loop {
        let (check, pause_end) = {
            let mut state = channel.state.lock();
            let (check, now) = (current_check(&state, epoch)?, Moment::now());
            let pause_end = state.reach.pause_end(now);
            if pause_end.is_none() {
                break state.reach.begin(now);
            }
            (check, pause_end)
        };
        tokio::select! {
            () = until(pause_end) => {}
            () = until(check) => {
                check_deadlines(channel);
                channel.tell_failed(&mut Deferred::default());
            }
            () = channel.attention.notified() => {}
        }
    };
    let attempt = dial(&channel.options, &channel.dialed, last);
    tokio::pin!(attempt);
    loop {
        let check = current_check(&channel.state.lock(), epoch)?;
        tokio::select! {
            result = &mut attempt => return result,
            () = until(check) => {
                check_deadlines(channel);
                channel.tell_failed(&mut Deferred::default());
            }
            () = channel.attention.notified() => {}
        }
    }
}

/// When the deadlines are to be looked at next, if the connection is still wanted.
fn current_check(state: &State, epoch: u64) -> io::Result<Option<Moment>> {
    match state.is_current(epoch) {
        true => Ok(state.next_check),
        false => Err(io::Error::other("closed while connecting")),
    }
}

struct Connection {
    channel: Arc<Channel>,
    epoch: u64,
    stream: Arc<Stream>,
    inbound: Inbound,
    headers: HeaderReader,
    deferred: Deferred,
    /// To the requests of the peer's that one read brought.
    replies: Vec<u8>,
    /// When the peer was last heard of, or took bytes after it had taken none.
    alive: Moment,
    /// Something was read that the channel does not know of.
    heard: bool,
    /// Since when a request that timed out had waited with nothing heard of the peer.
    silent_since: Option<Moment>,
    has_answered: bool,
    /// One-way messages wait until what is there was read.
    waits_for_read: bool,
}

impl Connection {
    /// From the open socket to the end; returns why it ended.
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
                    Ok(Written::All) => {}
                    Ok(Written::Plenty | Written::Unread) => more = true,
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
        let was_read = std::mem::take(&mut self.waits_for_read);
        let written = if mine { self.channel.write_out(&self.stream, was_read)? } else { Written::All };
        Ok(match written {
            Written::All if more => Written::Plenty,
            Written::Unread => {
                self.waits_for_read = true;
                Written::Plenty
            }
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
                self.take_frames()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(lost(error)),
        }
    }

    /// Takes the whole frames that were read, for the time of a turn; `true`: more of them are there.
    fn take_frames(&mut self) -> Result<bool, Failure> {
        let garbage = |error| Failure::because(FailureKind::Garbage, error);
        let now = Moment::now();
        let (mut consumed, mut frames, mut more) = (0, 0, false);
        loop {
            let large;
            let bytes = &self.inbound.bytes()[consumed..];
            check_header(&self.channel, bytes)?;
            let Some((mut frame, len)) = frame::split(bytes).map_err(garbage)? else { break };
            frames += 1;
            if frames % FRAMES_AT_ONCE == 0 && now.elapsed() >= TURN {
                more = true;
                break;
            }
            let mut body = Body::Copied(frame.body);
            if frame.body.len() < SHARED_BODY {
                consumed += len;
            } else {
                large = self.inbound.take(std::mem::take(&mut consumed), len);
                let Some((again, _)) = frame::split(&large).map_err(garbage)? else { break };
                (frame, body) = (again, Body::Shared(large.slice_ref(again.body)));
            }
            let header = self.headers.decode(frame.encoding, frame.header).map_err(garbage)?;
            if header.is_response() {
                self.silent_since = None;
                self.has_answered = true;
                let pending = self.channel.state.lock().in_flight.answer(header.opaque);
                if let Some(pending) = pending {
                    self.channel.show_response(pending.exchange.code(), &header);
                    pending.exchange.answered(&header, body, now, &mut self.deferred);
                }
            } else {
                requested(&self.channel, &header, frame.body, &mut self.replies);
            }
        }
        self.inbound.consume(consumed, now).map_err(|error| Failure::because(FailureKind::Garbage, error))?;
        if !self.replies.is_empty() {
            self.channel.reply(&self.replies)?;
            self.replies.clear();
            self.replies.shrink_to(KEPT_REPLIES);
        }
        Ok(more)
    }
}

/// An error if the first header of these bytes is longer than that of any answer which is waited for.
fn check_header(channel: &Channel, bytes: &[u8]) -> Result<(), Failure> {
    let Some(len) = frame::header_len(bytes).filter(|len| *len > limits::HEADER) else { return Ok(()) };
    let longest = channel.state.lock().in_flight.longest_header();
    if len <= longest {
        return Ok(());
    }
    let text = format!("a header of {len} bytes, where none is longer than {longest}");
    Err(Failure::because(FailureKind::Garbage, io::Error::new(io::ErrorKind::InvalidData, text)))
}

/// A request of the peer's: lets the client instance answer it, and adds the answer to `replies`.
fn requested(channel: &Arc<Channel>, header: &Header<'_>, body: &[u8], replies: &mut Vec<u8>) {
    let Some(events) = channel.events.upgrade() else { return };
    let Some(reply) = events.requested(channel, header, body) else { return };
    if header.is_oneway() {
        return;
    }
    let preamble = Preamble {
        code: reply.code,
        language: channel.options.language,
        version: PROTOCOL_VERSION,
        opaque: header.opaque,
        flag: flag::RESPONSE,
        remark: reply.remark.as_deref(),
    };
    let written = encode_frame(replies, channel.options.encoding, &preamble, &NoFields, &[&reply.body]);
    if let Err(error) = written {
        let text = || format!("no reply to {}: {error}", channel.address());
        channel.options.log.warn(LogTarget::Remoting, text);
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
