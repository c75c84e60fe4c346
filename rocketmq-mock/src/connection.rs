//! One client connection: read what is there, answer all of it, write once.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rocketmq_protocol::frame;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::dispatch;
use crate::endpoint::Order;
use crate::output::{After, Output};
use crate::request::{Arrival, Origin};
use crate::state::{Shared, now_ms};

/// Room for the first read of a connection; it doubles whenever a read fills it.
const FIRST_READ: usize = 8 * 1024;
/// Most bytes taken in one read.
const MAX_READ: usize = 256 * 1024;
/// A client that leaves so many bytes of answers unread is not read from until it has taken them.
const MAX_UNSENT: usize = 16 * 1024 * 1024;

/// What the cluster says to a connection.
#[derive(Debug)]
pub(crate) struct Orders {
    pub(crate) killed: oneshot::Receiver<()>,
    pub(crate) others: mpsc::UnboundedReceiver<Order>,
}

enum Event {
    Killed,
    Told(Order),
    Readable,
    Writable,
    Due,
}

/// A connection, owned by its task.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    origin: Origin,
    orders: Orders,
    shared: Arc<Shared>,
    input: Vec<u8>,
    read_size: usize,
    output: Output,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, origin: Origin, orders: Orders, shared: Arc<Shared>) -> Connection {
        Connection {
            stream,
            origin,
            orders,
            shared,
            input: Vec::new(),
            read_size: FIRST_READ,
            output: Output::default(),
            timer: None,
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(mut self) {
        // An I/O error is the peer's end of the connection: nothing is left to be told to anyone.
        let reset = matches!(self.serve().await, Ok(After::Reset));
        if reset {
            // Without it the peer sees an orderly end instead.
            let _ = self.stream.set_zero_linger();
        }
        let Connection { stream, origin, shared, .. } = self;
        drop(stream);
        shared.state.lock().forget_connection(origin.server, origin.connection);
        shared.note_change();
    }

    async fn serve(&mut self) -> io::Result<After> {
        loop {
            match poll_fn(|context| self.poll_event(context)).await? {
                Event::Killed => return Ok(After::Reset),
                Event::Told(order) => {
                    match order {
                        Order::Push(frame) => self.output.bytes.extend_from_slice(&frame),
                        Order::Release(rule) => self.output.release(rule),
                    }
                    self.write()?;
                }
                Event::Writable => self.write()?,
                Event::Due => {
                    self.output.take_due(Instant::now());
                    self.set_timer();
                    self.write()?;
                }
                Event::Readable => {
                    if !self.read()? {
                        return Ok(After::Close);
                    }
                    let after = self.answer();
                    self.write()?;
                    if after != After::Continue {
                        return Ok(after);
                    }
                    self.set_timer();
                }
            }
        }
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Event>> {
        if Pin::new(&mut self.orders.killed).poll(context).is_ready() {
            return Poll::Ready(Ok(Event::Killed));
        }
        if let Poll::Ready(Some(order)) = self.orders.others.poll_recv(context) {
            return Poll::Ready(Ok(Event::Told(order)));
        }
        if !self.output.unsent().is_empty() && self.stream.poll_write_ready(context)?.is_ready() {
            return Poll::Ready(Ok(Event::Writable));
        }
        if self.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Ok(Event::Due));
        }
        if self.output.unsent().len() < MAX_UNSENT && self.stream.poll_read_ready(context)?.is_ready() {
            return Poll::Ready(Ok(Event::Readable));
        }
        Poll::Pending
    }

    fn set_timer(&mut self) {
        self.timer = self.output.next_due().map(|due| Box::pin(sleep_until(due)));
    }

    /// Reads once; `false` at the end of the stream.
    fn read(&mut self) -> io::Result<bool> {
        self.input.reserve(self.read_size);
        match self.stream.try_read_buf(&mut self.input) {
            Ok(count) => {
                if count >= self.read_size {
                    self.read_size = (self.read_size * 2).min(MAX_READ);
                }
                Ok(count > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Writes as much as the socket takes.
    fn write(&mut self) -> io::Result<()> {
        while !self.output.unsent().is_empty() {
            match self.stream.try_write(self.output.unsent()) {
                Ok(count) => self.output.note_sent(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Answers every whole frame of the input under one lock of the state.
    fn answer(&mut self) -> After {
        let arrival = Arrival { origin: self.origin, now: now_ms() };
        let mut consumed = 0;
        let mut after = After::Continue;
        let mut state = self.shared.state.lock();
        let due_before = state.next_due(self.origin.server);
        while after == After::Continue {
            match frame::split(&self.input[consumed..]) {
                Ok(Some((frame, length))) => {
                    after = dispatch::serve(&mut state, &arrival, &frame, &mut self.output);
                    consumed += length;
                }
                Ok(None) => break,
                // Servers close at a frame they cannot read (protocol 1.1).
                Err(_) => after = After::Close,
            }
        }
        let parked = state.next_due(self.origin.server) != due_before;
        drop(state);
        if parked {
            self.shared.deliveries.notify_one();
        }
        self.input.drain(..consumed);
        self.shared.note_change();
        after
    }
}
