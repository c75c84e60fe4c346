//! Who writes what a channel has for its socket, and when.
//!
//! One at a time is the writer. What a request finds decides who is it from then on:
//!
//! | the writer | a request that goes at once | one whose caller waits | one of a burst | a one-way one behind others |
//! | --- | --- | --- | --- | --- |
//! | nobody | I/O task | caller | I/O task later; if it is much, I/O task | I/O task |
//! | I/O task later | I/O task | caller | as it is; if it is much, caller | as it is; if it is much, caller |
//! | I/O task, not yet at it | as it is; with plenty to write, caller | the same | the same | the same |
//! | I/O task at it, or a caller | as it is | as it is | as it is | as it is |
//!
//! A caller that has written plenty, or whom the socket takes no more of, hands over to the I/O task. When all is written, nobody
//! is the writer; after one-way requests it is the I/O task, later, so that those that follow go in one write.

use std::sync::Arc;

use super::State;
use crate::deferred::Burst;
use crate::remoting::exchange::Exchange;
use crate::remoting::outbound::Piece;
use crate::remoting::stream::Stream;
use crate::sys::Moment;

/// The bytes of requests that are worth a write.
pub(super) const GATHERED: u64 = 64 * 1024;

/// The bytes of frames behind which a request does not wait for the I/O task to begin: the caller writes what is there while it
/// is still in the processor's caches. (Large bodies are not copied, so they do not count.)
pub(in crate::remoting) const PLENTY: usize = 512 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::remoting) enum Writer {
    #[default]
    Nobody,
    Caller,
    /// The I/O task, which was told and has not begun.
    IoTask,
    /// The I/O task, which is at it, or waits until the socket takes more.
    IoTaskAtIt,
    /// The I/O task, by itself in a moment: a burst has begun, or one-way requests were written just now, and more of them go
    /// in one write.
    IoTaskLater,
}

/// How soon a request is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::remoting) enum Haste {
    /// It is written by the caller, as nothing else is in flight: it waits, and a hand-over to the I/O thread would only cost time.
    CallerWaits,
    AtOnce,
    /// It goes with others that follow it at once.
    GoesWithBurst,
    /// Nobody waits for it, and many of its kind go in one write.
    MayBeGathered,
}

impl State {
    /// Whether a request with this deadline will be written in time if it is gathered.
    pub(in crate::remoting) fn may_gather(&self, deadline: Moment) -> bool {
        let by = self.gathered_by.unwrap_or_else(|| Moment::now() + Burst::TIME);
        by + Burst::IN_TIME <= deadline
    }

    /// Ends the gathering: the I/O task is the writer of what is there; `true`: it must be told.
    pub(in crate::remoting) fn send_now(&mut self) -> bool {
        if !self.is_gathering() {
            return false;
        }
        self.gathered_by = None;
        self.writer = if self.outbound.is_empty() { Writer::Nobody } else { Writer::IoTask };
        self.writer == Writer::IoTask
    }

    /// Whether what is here waits for more of it.
    pub(in crate::remoting) fn is_gathering(&self) -> bool {
        self.writer == Writer::IoTaskLater
    }

    /// Bytes that wait to be written.
    pub(super) fn backlog(&self) -> u64 {
        self.outbound.queued() - self.written
    }

    /// Who is to write what was just added, as the writer from now on: the caller itself, the I/O task, or whoever is the
    /// writer already (`None`).
    pub(in crate::remoting) fn choose_writer(&mut self, haste: Haste, max_backlog: usize) -> Option<Writer> {
        let gathered = self.backlog();
        let is_enough = gathered >= GATHERED.min(max_backlog as u64 / 2);
        let chosen = match (self.writer, haste) {
            (Writer::IoTask, _) if self.outbound.copied() >= PLENTY => Some(Writer::Caller),
            (Writer::Caller | Writer::IoTask | Writer::IoTaskAtIt, _) => None,
            (_, Haste::CallerWaits) => Some(Writer::Caller),
            (Writer::IoTaskLater, Haste::MayBeGathered | Haste::GoesWithBurst) if is_enough => {
                Some(Writer::Caller)
            }
            (Writer::IoTaskLater, Haste::MayBeGathered | Haste::GoesWithBurst) => None,
            (Writer::Nobody, Haste::GoesWithBurst) if !is_enough => Some(Writer::IoTaskLater),
            (Writer::Nobody, Haste::MayBeGathered | Haste::GoesWithBurst) | (_, Haste::AtOnce) => {
                Some(Writer::IoTask)
            }
        };
        if let Some(writer) = chosen {
            self.writer = writer;
            if writer == Writer::IoTaskLater {
                self.gathered_by.get_or_insert_with(|| Moment::now() + Burst::TIME);
            }
        }
        chosen
    }

    /// Ends the gathering if its time has come; `true`: it has.
    pub(in crate::remoting) fn end_gathering(&mut self, now: Moment) -> bool {
        let is_over = self.gathered_by.take_if(|by| *by <= now).is_some();
        if is_over {
            self.send_now();
        }
        is_over
    }

    /// The writer has written all there was. `true`: gathering begins.
    fn rest_writer(&mut self) -> bool {
        let begins = std::mem::take(&mut self.oneways_written) && self.gathered_by.is_none();
        if begins {
            self.gathered_by = Some(Moment::now() + Burst::TIME);
        }
        self.writer = if self.gathered_by.is_some() { Writer::IoTaskLater } else { Writer::Nobody };
        begins
    }

    /// Whether one-way requests are still to be written.
    pub(in crate::remoting) fn has_oneways(&self) -> bool {
        !self.oneways.is_empty()
    }

    /// What the writer of this connection is to hand to its socket from which position on, or `None`: there is
    /// nothing more, and nobody is the writer now. (The connection may have ended meanwhile, and another one
    /// may be there with a writer of its own; that is left alone.)
    pub(in crate::remoting) fn next_chunk(&mut self, stream: &Arc<Stream>) -> Option<(Piece, usize)> {
        if !self.is_open_with(stream) {
            return None;
        }
        let Some((chunk, start)) = self.outbound.next() else {
            self.rest_writer();
            return None;
        };
        self.handed = self.written + (chunk.len() - start) as u64;
        Some((chunk, start))
    }

    /// The socket took the chunk up to position `end`, `count` bytes of them since `next_chunk`. Returns the
    /// one-way requests that are through.
    pub(in crate::remoting) fn chunk_written(
        &mut self,
        stream: &Arc<Stream>,
        chunk: Piece,
        end: usize,
        count: usize,
    ) -> Vec<Box<dyn Exchange>> {
        if !self.is_open_with(stream) {
            return Vec::new();
        }
        self.written += count as u64;
        self.handed = self.written;
        self.outbound.written(chunk, end);
        while let Some((_, len)) = self.replies.pop_front_if(|(end, _)| *end <= self.written) {
            self.reply_bytes -= len;
        }
        let through = self.oneways.partition_point(|entry| entry.frame_end <= self.written);
        self.oneways_written |= through > 0;
        self.oneways_in_doubt += through as u64;
        self.oneways.drain(..through).map(|entry| entry.exchange).collect()
    }

    /// Whether the caller that is the writer of this connection has more to write.
    pub(in crate::remoting) fn has_more(&self, stream: &Arc<Stream>) -> bool {
        self.is_open_with(stream) && !self.outbound.is_empty()
    }

    /// The I/O task may write now: `true` if it is the writer.
    pub(in crate::remoting) fn begin_writing(&mut self) -> bool {
        if self.writer == Writer::IoTask {
            self.writer = Writer::IoTaskAtIt;
        }
        self.writer == Writer::IoTaskAtIt
    }

    /// The caller that wrote leaves the rest to the I/O task, or what will be gathered. `false`: there is
    /// neither, or the connection has ended. `is_full`: the socket takes no more now.
    pub(in crate::remoting) fn hand_over(&mut self, stream: &Arc<Stream>, is_full: bool) -> bool {
        if !self.is_open_with(stream) {
            return false;
        }
        if self.outbound.is_empty() {
            return self.rest_writer();
        }
        self.writer = if is_full { Writer::IoTaskAtIt } else { Writer::IoTask };
        true
    }
}
