//! The I/O task of one connection: connects, then reads, writes and watches the deadlines until the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rocketmq_protocol::encode::{NoFields, Preamble, encode_frame};
use rocketmq_protocol::frame;
use rocketmq_protocol::header::{Header, HeaderReader, flag};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use super::channel::{Channel, Written};
use super::exchange::{Failure, FailureKind};
use super::state::MAX_ABANDONED;
use crate::client::PROTOCOL_VERSION;
use crate::completion::Wakes;
use crate::log::LogTarget;
use crate::sys::Moment;

/// Deadlines are looked at no more often than this, however many there are.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// A connection ends when requests time out on it for this long and no answer comes.
const SILENCE_LIMIT: Duration = Duration::from_secs(3);

const READ_SPACE: usize = 64 * 1024;

/// Lives as long as one connection. The channel starts it when a request needs a connection.
pub(super) async fn run(channel: Arc<Channel>, epoch: u64) {
    let failure = match connect(&channel, epoch).await {
        Ok(stream) => {
            let mut connection = Connection {
                channel: Arc::clone(&channel),
                epoch,
                stream: Arc::new(stream),
                inbound: BytesMut::new(),
                headers: HeaderReader::default(),
                wakes: Wakes::default(),
                silent_since: None,
            };
            connection.open().await
        }
        Err(cause) => Failure::because(FailureKind::Connect, cause),
    };
    let address = channel.address();
    channel.options.log.info(LogTarget::Remoting, || match &failure.cause {
        Some(cause) if failure.kind == FailureKind::Connect => format!("no connection to {address}: {cause}"),
        Some(cause) => format!("connection to {address} ended: {cause}"),
        None => format!("connection to {address} closed"),
    });
    channel.end(epoch, &failure);
}

/// Connects within `connect.timeout.ms`, and meanwhile fails the requests whose deadline passes.
async fn connect(channel: &Arc<Channel>, epoch: u64) -> io::Result<TcpStream> {
    let limit = channel.options.connect_timeout;
    let attempt = timeout(limit, TcpStream::connect(channel.address().as_ref()));
    tokio::pin!(attempt);
    let stream = loop {
        let check = {
            let state = channel.state.lock();
            if !state.is_current(epoch) {
                return Err(io::Error::other("closed while connecting"));
            }
            state.next_check
        };
        tokio::select! {
            result = &mut attempt => break match result {
                Ok(connected) => connected?,
                Err(_) => {
                    let text = format!("not connected within {} ms", limit.as_millis());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, text));
                }
            },
            () = until(check) => {
                check_deadlines(channel, &mut Wakes::default());
            }
            () = channel.attention.notified() => {}
        }
    };
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(&stream);
    if let Some(size) = channel.options.send_buffer {
        socket.set_send_buffer_size(size)?;
    }
    if let Some(size) = channel.options.receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    Ok(stream)
}

struct Connection {
    channel: Arc<Channel>,
    epoch: u64,
    stream: Arc<TcpStream>,
    inbound: BytesMut,
    headers: HeaderReader,
    wakes: Wakes,
    /// When the first request timed out that no answer followed.
    silent_since: Option<Moment>,
}

impl Connection {
    /// From the open socket to the end; returns why it ended.
    async fn open(&mut self) -> Failure {
        let unencodable = {
            let mut state = self.channel.state.lock();
            if !state.is_current(self.epoch) {
                return Failure::new(FailureKind::Aborted);
            }
            state.open(Arc::clone(&self.stream), self.channel.address(), &self.channel.options)
        };
        for (exchange, failure) in unencodable {
            exchange.failed(failure, &mut self.wakes);
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
        loop {
            // First, so that what goes next is in the same write.
            self.wakes.depart();
            if !blocked {
                blocked = match self.write() {
                    Ok(blocked) => blocked,
                    Err(error) => return lost(error),
                };
            }
            self.wakes.flush();
            let now = Moment::now();
            let (check, gathered) = {
                let mut state = self.channel.state.lock();
                if !state.is_current(self.epoch) {
                    return Failure::new(FailureKind::Aborted);
                }
                let gathered = state.end_gathering(now);
                (state.next_check, if gathered { Some(now) } else { state.gathered_by })
            };
            let is_due = |moment: Option<Moment>| moment.is_some_and(|moment| moment <= now);
            // Before the select, which may have something to read for ever.
            if is_due(check)
                && let Err(failure) = self.expire()
            {
                return failure;
            }
            if is_due(check) || is_due(gathered) {
                continue;
            }
            let next = check.into_iter().chain(gathered).min();
            if next != armed {
                armed = next;
                if let Some(next) = next {
                    timer.as_mut().reset(next.into());
                }
            }
            tokio::select! {
                biased;
                ready = self.stream.readable() => {
                    let read = match ready {
                        Ok(()) => self.read(),
                        Err(error) => Err(lost(error)),
                    };
                    if let Err(failure) = read {
                        return failure;
                    }
                }
                () = self.channel.attention.notified() => {}
                ready = self.stream.writable(), if blocked => {
                    if let Err(error) = ready {
                        return lost(error);
                    }
                    blocked = false;
                }
                () = timer.as_mut(), if armed.is_some() => {}
            }
        }
    }

    /// Fails what is over its deadline; an error when too much of that was never answered.
    fn expire(&mut self) -> Result<(), Failure> {
        if !check_deadlines(&self.channel, &mut self.wakes) {
            return Ok(());
        }
        let since = *self.silent_since.get_or_insert_with(Moment::now);
        let abandoned = self.channel.state.lock().in_flight.abandoned();
        if since.elapsed() >= SILENCE_LIMIT || abandoned > MAX_ABANDONED {
            return Err(lost(io::Error::new(io::ErrorKind::TimedOut, "the peer answers no more")));
        }
        Ok(())
    }

    /// Writes what is there, if that is this task's turn; `true`: the socket takes no more now.
    fn write(&mut self) -> io::Result<bool> {
        let mine = self.channel.state.lock().begin_writing();
        Ok(mine && matches!(self.channel.write_out(&self.stream)?, Written::Blocked))
    }

    /// One read, and all frames that it completed.
    fn read(&mut self) -> Result<(), Failure> {
        self.inbound.reserve(READ_SPACE);
        match self.stream.try_read_buf(&mut self.inbound) {
            Ok(0) => Err(lost(io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the peer"))),
            Ok(_) => self.take_frames(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(lost(error)),
        }
    }

    fn take_frames(&mut self) -> Result<(), Failure> {
        let garbage = |error| Failure::because(FailureKind::Garbage, error);
        let now = Moment::now();
        let mut consumed = 0;
        while let Some((frame, len)) = frame::split(&self.inbound[consumed..]).map_err(garbage)? {
            let header = self.headers.decode(frame.encoding, frame.header).map_err(garbage)?;
            consumed += len;
            if header.is_response() {
                self.silent_since = None;
                let pending = self.channel.state.lock().in_flight.answer(header.opaque);
                if let Some(pending) = pending {
                    self.channel.show_response(pending.exchange.code(), &header);
                    pending.exchange.answered(&header, frame.body, now, &mut self.wakes);
                }
            } else {
                requested(&self.channel, &header, frame.body);
            }
        }
        self.inbound.advance(consumed);
        Ok(())
    }
}

/// A request of the peer's: lets the client instance answer it.
fn requested(channel: &Arc<Channel>, header: &Header<'_>, body: &[u8]) {
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
    let mut bytes = Vec::new();
    match encode_frame(&mut bytes, channel.options.encoding, &preamble, &NoFields, &[&reply.body]) {
        Ok(()) => channel.push_bytes(&bytes),
        Err(error) => channel
            .options
            .log
            .warn(LogTarget::Remoting, || format!("no reply to {}: {error}", channel.address())),
    }
}

/// Fails what is over its deadline and says when to look again; `true`: something was.
fn check_deadlines(channel: &Channel, wakes: &mut Wakes) -> bool {
    let now = Moment::now();
    let gone = {
        let mut state = channel.state.lock();
        let mut gone = state.split_expired(now);
        gone.extend(state.take_gone(|_, deadline| deadline <= now));
        state.next_check = state.next_deadline().map(|deadline| deadline.max(now + CHECK_INTERVAL));
        gone
    };
    let failure = Failure::new(FailureKind::Timeout);
    let found = !gone.is_empty();
    for (exchange, sent) in gone {
        exchange.failed(failure.sent(sent), wakes);
    }
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
