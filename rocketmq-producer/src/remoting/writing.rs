//! Writing of what a channel has for its socket, by whoever was chosen for it (see [`Writer`]).
//!
//! It is written in chunks, each of one call or several, with no lock held. Nobody hears of the loss of one-way messages, and the
//! peer may have gone while the writer or the whole process did not run; so before each chunk the writer looks whether the peer
//! has closed, or has said something that is to be read first.
//!
//! | the peer | a caller | the I/O task |
//! | --- | --- | --- |
//! | is there and silent | writes | writes |
//! | has sent something | leaves the rest to the I/O task | reads, and then writes, whatever has come meanwhile |
//! | has closed | leaves the rest to the I/O task | ends the connection; nothing more was written |

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::channel::Channel;
use super::exchange::{Exchange, Failure};
use super::outbound::Piece;
use super::state::{Haste, PLENTY, Writer};
use super::stream::Stream;
use crate::deferred::Deferred;

/// How far the I/O task came.
pub(super) enum Written {
    /// It wrote all that was there.
    All,
    /// It wrote as much as is written at a time; more may be there.
    Plenty,
    /// The socket takes no more now.
    Blocked,
    /// Something is to be read first.
    Unread,
}

/// What came of one chunk.
enum Chunk {
    /// There was none.
    None,
    /// How many bytes of it were written.
    Written(usize),
    /// Something is to be read first.
    Unread,
}

impl Channel {
    /// The writer was chosen: the caller writes, or the I/O task is told.
    pub(super) fn see_to_writing(&self, writer: Option<Writer>, stream: &Arc<Stream>) {
        let is_left = match writer {
            Some(Writer::Caller) => !self.write_plenty(stream),
            // Of the writing, or until when requests are gathered.
            Some(_) => true,
            None => false,
        };
        if is_left {
            self.attention.notify_one();
        }
    }

    /// Appends ready-made frames: answers to requests of the peer's. An error when it does not read them.
    pub(super) fn reply(&self, frames: &[u8]) -> Result<(), Failure> {
        let mut state = self.state.lock();
        if let Some(stream) = state.stream() {
            state.add_replies(frames)?;
            let writer = state.choose_writer(Haste::AtOnce, self.options.max_backlog);
            drop(state);
            self.see_to_writing(writer, &stream);
        }
        Ok(())
    }

    /// Writes what is there now, or much of it; the calling thread is the writer. `false`: more is there, or an error was
    /// met, and the I/O task goes on.
    fn write_plenty(&self, stream: &Arc<Stream>) -> bool {
        let mut left = PLENTY;
        loop {
            let written = catch_unwind(AssertUnwindSafe(|| self.write_chunk(stream, left, false)));
            let mut state = self.state.lock();
            let written = written.unwrap_or_else(|panic| {
                // Of a request that was told. As nobody would write any more, the I/O task does.
                state.hand_over(stream, false);
                self.attention.notify_one();
                resume_unwind(panic)
            });
            match written {
                Ok(Chunk::Written(count)) if count < left && state.has_more(stream) => left -= count,
                Ok(_) => return !state.hand_over(stream, false),
                Err(error) => return !state.hand_over(stream, error.kind() == io::ErrorKind::WouldBlock),
            }
        }
    }

    /// Writes what is there, or plenty of it; the I/O task is the writer, and stays it while something is left. `was_read`:
    /// what the last call left unread was read.
    pub(super) fn write_out(&self, stream: &Arc<Stream>, mut was_read: bool) -> io::Result<Written> {
        let mut left = PLENTY;
        loop {
            match self.write_chunk(stream, left, std::mem::take(&mut was_read)) {
                Ok(Chunk::None) => return Ok(Written::All),
                Ok(Chunk::Unread) => return Ok(Written::Unread),
                Ok(Chunk::Written(count)) if count < left => left -= count,
                Ok(Chunk::Written(_)) => return Ok(Written::Plenty),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Written::Blocked),
                Err(error) => return Err(error),
            }
        }
    }

    /// Hands one chunk to the socket, or this much of it.
    fn write_chunk(&self, stream: &Arc<Stream>, most: usize, was_read: bool) -> io::Result<Chunk> {
        let Some(taken) = self.take_chunk(stream) else { return Ok(Chunk::None) };
        if taken.has_oneways {
            let looked = stream.look();
            if !matches!(looked, Ok(unread) if !unread || was_read) {
                let none = taken.written(0);
                debug_assert!(none.is_empty(), "nothing was written");
                return looked.map(|_| Chunk::Unread);
            }
        }
        let bytes = taken.bytes();
        let (count, outcome) = stream.write(&bytes[..bytes.len().min(most)]);
        let through = taken.written(count);
        let mut deferred = Deferred::default();
        for exchange in through {
            exchange.written(&mut deferred);
        }
        outcome.map(|()| Chunk::Written(count))
    }
    /// Takes out what is to be written next.
    pub(super) fn take_chunk<'a>(&'a self, stream: &'a Arc<Stream>) -> Option<TakenChunk<'a>> {
        let mut state = self.state.lock();
        let (chunk, start) = state.next_chunk(stream)?;
        let has_oneways = state.has_oneways();
        Some(TakenChunk { channel: self, stream, chunk: Some(chunk), start, has_oneways })
    }
}

/// What is being handed to the socket. Nobody knows how much of it the socket took if a panic comes between, so the connection
/// is over then: what follows it must not go in its place.
pub(super) struct TakenChunk<'a> {
    channel: &'a Channel,
    stream: &'a Arc<Stream>,
    /// `None`: it is told what came of it.
    chunk: Option<Piece>,
    start: usize,
    /// Whether one-way requests are among what is to be written.
    has_oneways: bool,
}

impl TakenChunk<'_> {
    fn bytes(&self) -> &[u8] {
        self.chunk.as_deref().and_then(|chunk| chunk.get(self.start..)).unwrap_or_default()
    }

    /// The socket took so many bytes of it. Returns the one-way requests that are through.
    fn written(mut self, count: usize) -> Vec<Box<dyn Exchange>> {
        let Some(chunk) = self.chunk.take() else { return Vec::new() };
        self.channel.state.lock().chunk_written(self.stream, chunk, self.start + count, count)
    }
}

impl Drop for TakenChunk<'_> {
    fn drop(&mut self) {
        if self.chunk.is_some() {
            self.stream.shut_down();
        }
    }
}
