//! A lasting way to one address: it connects when it is needed, and again after a connection ended.

use std::io;
use std::sync::{Arc, Weak};

use crate::sync::Mutex;
use crate::sys::Moment;
use rocketmq_protocol::header::Header;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::exchange::{Exchange, Failure, FailureKind};
use super::state::{Haste, Phase, State, Writer};
use super::{Events, RemotingOptions, connection};
use crate::completion::Wakes;
use crate::hooks::{RpcResponse, guarded};

pub(crate) struct Channel {
    address: Arc<str>,
    pub(super) options: Arc<RemotingOptions>,
    pub(super) events: Weak<dyn Events>,
    pub(super) state: Mutex<State>,
    /// Tells the I/O task: there is something to write, an earlier deadline, or an end.
    pub(super) attention: Notify,
}

impl Channel {
    pub(super) fn new(address: Arc<str>, options: Arc<RemotingOptions>, events: Weak<dyn Events>) -> Self {
        Self { address, options, events, state: Mutex::default(), attention: Notify::new() }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &Arc<str> {
        &self.address
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Open(_))
    }

    /// Sends a request; connects first if need be. The exchange gets its outcome by the deadline.
    pub(crate) fn submit(
        self: &Arc<Self>,
        exchange: Box<dyn Exchange>,
        deadline: Moment,
        oneway: bool,
        wakes: &mut Wakes,
    ) {
        let mut state = self.state.lock();
        let alone = state.in_flight.len() == 0;
        if matches!(state.phase, Phase::Forgotten) {
            drop(state);
            exchange.failed(forgotten(), wakes);
            return;
        }
        let Some(stream) = state.stream() else {
            state.wait_for_connection(exchange, deadline, oneway);
            let announce = state.check_by(deadline);
            let begun = matches!(state.phase, Phase::Closed).then(|| state.begin());
            drop(state);
            if let Some(epoch) = begun {
                self.options.runtime.spawn(connection::run(Arc::clone(self), epoch));
            } else if announce {
                self.attention.notify_one();
            }
            return;
        };
        let haste = match oneway {
            true if state.may_gather(deadline) => Haste::MayBeGathered,
            false if alone => Haste::CallerWaits,
            false if wakes.gathers() => Haste::GoesWithBurst,
            _ => Haste::AtOnce,
        };
        if let Err((exchange, failure)) = state.add(exchange, deadline, oneway, &self.address, &self.options)
        {
            drop(state);
            exchange.failed(failure, wakes);
            return;
        }
        let announce = state.check_by(deadline);
        let writer = state.choose_writer(haste, self.options.max_backlog);
        drop(state);
        let left = writer == Some(Writer::Caller) && !self.write_once(&stream);
        if left || announce || writer == Some(Writer::IoTask) {
            self.attention.notify_one();
        }
        if writer == Some(Writer::Burst) {
            wakes.gathered_at(self);
        }
    }

    /// Appends ready-made bytes: an answer to a request of the peer's.
    pub(super) fn push_bytes(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Open(_)) {
            state.append(bytes);
            state.choose_writer(Haste::AtOnce, self.options.max_backlog);
            drop(state);
            self.attention.notify_one();
        }
    }

    /// Writes what is there now; the calling thread is the writer. `false`: more is there, or an error was met,
    /// and the I/O task goes on.
    fn write_once(&self, stream: &Arc<TcpStream>) -> bool {
        let written = self.write_chunk(stream);
        let is_full = written.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        !self.state.lock().hand_over(stream, is_full)
    }

    /// Writes until nothing is left or the socket takes no more; the I/O task is the writer, and stays it when
    /// the socket is full.
    pub(super) fn write_out(&self, stream: &Arc<TcpStream>) -> io::Result<Written> {
        loop {
            match self.write_chunk(stream) {
                Ok(true) => {}
                Ok(false) => return Ok(Written::All),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Written::Blocked),
                Err(error) => return Err(error),
            }
        }
    }

    /// Hands one chunk to the socket; `false`: there was none.
    fn write_chunk(&self, stream: &Arc<TcpStream>) -> io::Result<bool> {
        let Some((chunk, start)) = self.state.lock().next_chunk(stream) else {
            return Ok(false);
        };
        let (count, outcome) = write_some(stream, &chunk[start..]);
        let through = self.state.lock().chunk_written(stream, chunk, start + count, count);
        let mut wakes = Wakes::default();
        for exchange in through {
            exchange.written(&mut wakes);
        }
        outcome.map(|()| true)
    }

    /// Writes what is gathered.
    pub(crate) fn hurry(&self) {
        if self.state.lock().hurry() {
            self.attention.notify_one();
        }
    }

    /// Fails what the owner has here. What was written may still be acted on by the peer.
    pub(crate) fn abort(&self, owner: usize) {
        let mut wakes = Wakes::default();
        let failure = Failure::new(FailureKind::Aborted);
        let gone = self.state.lock().take_gone(|exchange, _| exchange.owner() == owner);
        for (exchange, sent) in gone {
            exchange.failed(failure.sent(sent), &mut wakes);
        }
    }

    /// Shows an answer to the hooks.
    pub(super) fn show_response(&self, request_code: i32, header: &Header<'_>) {
        for hook in &self.options.rpc.hooks {
            let response = RpcResponse { address: &self.address, request_code, header };
            guarded(&self.options.log, "RPC", || hook.after_response(&response));
        }
    }

    /// Whether requests wait for answers here.
    pub(super) fn is_busy(&self) -> bool {
        self.state.lock().in_flight.len() > 0
    }

    /// Ends the connection, if there is one, for good; what is in flight on it fails.
    pub(super) fn forget(&self) {
        let mut state = self.state.lock();
        let ended = state.reset();
        state.phase = Phase::Forgotten;
        drop(state);
        fail_all(ended, &forgotten());
        self.attention.notify_one();
    }

    /// The end of a connection, told by its task: everything on it fails, unless it was closed before.
    pub(super) fn end(&self, epoch: u64, failure: &Failure) {
        let mut state = self.state.lock();
        if state.is_current(epoch) {
            let ended = state.reset();
            drop(state);
            fail_all(ended, failure);
        }
    }
}

fn fail_all(ended: State, failure: &Failure) {
    let mut wakes = Wakes::default();
    if let Phase::Open(stream) = &ended.phase {
        // The peer must see the end also where a forked child holds a copy of the descriptor.
        let _ = socket2::SockRef::from(stream.as_ref()).shutdown(std::net::Shutdown::Both);
    }
    for (exchange, sent) in ended.into_exchanges() {
        exchange.failed(failure.sent(sent), &mut wakes);
    }
}

fn forgotten() -> Failure {
    Failure::because(FailureKind::Lost, io::Error::other("no route names this address any more"))
}

/// How far the I/O task came.
pub(super) enum Written {
    All,
    Blocked,
}

/// Plain writes only: vectored ones raise SIGPIPE in a host that does not ignore it.
fn write_some(stream: &TcpStream, chunk: &[u8]) -> (usize, io::Result<()>) {
    let mut count = 0;
    while count < chunk.len() {
        match stream.try_write(&chunk[count..]) {
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (count, Err(error)),
        }
    }
    (count, Ok(()))
}
