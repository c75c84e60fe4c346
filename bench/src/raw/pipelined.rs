//! A full window over one socket: what the loopback carries when nothing but joined writes, large reads and
//! counting is done.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};

use super::{connect, frame};
use crate::Failure;
use crate::measure::{Outcome, Stopwatch, Tally};
use crate::workload::Workload;

/// Keeps `work.window` messages in flight over `work.threads` connections until `work.count` are answered. Each of
/// the frames has `messages`.
pub(super) fn run(work: &Workload, frame: &[u8], messages: u64) -> Result<Outcome, Failure> {
    if !work.count.is_multiple_of(messages) || !work.warm_up.is_multiple_of(messages) {
        return Err(format!("{} and {} messages are not whole batches", work.warm_up, work.count).into());
    }
    let window = (work.window / work.threads / messages as usize).max(1);
    let mut senders = Vec::new();
    for _ in 0..work.threads {
        senders.push(Sender::new(connect::to_broker(work)?, frame, window));
    }
    exchange(&mut senders, work.warm_up / messages)?;
    let watch = Stopwatch::start()?;
    let answered = messages * exchange(&mut senders, work.count / messages)?;
    let doubled = answered.saturating_sub(work.count);
    Outcome::new(work, &watch, Tally { succeeded: answered, doubled, ..Tally::default() })
}

/// Sends `count` frames, an equal share through each sender, and returns the number of answers.
fn exchange(senders: &mut [Sender], count: u64) -> Result<u64, Failure> {
    if let [alone] = senders {
        return alone.exchange(count);
    }
    let (share, rest) = (count / senders.len() as u64, count % senders.len() as u64);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (number, sender) in (0..).zip(senders) {
            threads.push(scope.spawn(move || sender.exchange(share + u64::from(number < rest))));
        }
        let mut answered = 0;
        for thread in threads {
            answered += thread.join().map_err(|_| "a sending thread panicked")??;
        }
        Ok(answered)
    })
}

/// A large write is not faster, and memory that no cache holds would make the limit slower than it is.
const PIECE: usize = 1 << 20;

struct Sender {
    stream: TcpStream,
    /// Frames in flight.
    window: u64,
    frame_len: u64,
    /// The most bytes of a write: a window of frames, or what stays in a cache.
    piece: u64,
    /// Two such pieces in a row, so that each write takes one slice.
    frames: Vec<u8>,
    /// Bytes written since the connection began.
    written: u64,
    input: Vec<u8>,
}

impl Sender {
    fn new(stream: TcpStream, frame: &[u8], window: usize) -> Sender {
        let mut one = frame.to_vec();
        let slots = window.min(PIECE / one.len()).max(1);
        let mut frames = Vec::with_capacity(2 * slots * one.len());
        for slot in 0..2 * slots as u32 {
            frame::set_opaque(&mut one, slot % slots as u32);
            frames.extend_from_slice(&one);
        }
        Sender {
            stream,
            window: window as u64,
            frame_len: one.len() as u64,
            piece: (slots * one.len()) as u64,
            frames,
            written: 0,
            input: vec![0; 1 << 20],
        }
    }

    /// Sends `count` frames and returns the number of answers.
    fn exchange(&mut self, count: u64) -> Result<u64, Failure> {
        let before = self.written;
        let (mut answered, mut filled) = (0, 0);
        while answered < count {
            self.write_some(before + count.min(answered + self.window) * self.frame_len)?;
            if (self.written - before) / self.frame_len == answered {
                // No whole message is out: there is nothing to read before one is.
                self.finish_frame()?;
            }
            let len = match self.stream.read(&mut self.input[filled..]) {
                Ok(0) => return Err("the broker closed the connection".into()),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            filled += len;
            let (frames, taken) = frame::count_whole(&self.input[..filled]);
            answered += frames;
            self.input.copy_within(taken..filled, 0);
            filled -= taken;
        }
        if filled > 0 {
            return Err(format!("{filled} bytes after the last answer").into());
        }
        Ok(answered)
    }

    /// One write towards `goal`, cut short when the socket is full.
    fn write_some(&mut self, goal: u64) -> Result<(), Failure> {
        let len = (goal - self.written).min(self.piece) as usize;
        let piece = &self.frames[self.at()..][..len];
        if piece.is_empty() {
            return Ok(());
        }
        match send(self.stream.as_raw_fd(), piece, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
            Ok(len) => self.written += len as u64,
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Writes the rest of a frame, however long that takes.
    fn finish_frame(&mut self) -> Result<(), Failure> {
        let rest = (self.frame_len - self.written % self.frame_len) as usize;
        let from = self.at();
        self.stream.write_all(&self.frames[from..from + rest])?;
        self.written += rest as u64;
        Ok(())
    }

    /// Where in `frames` the next byte stands.
    fn at(&self) -> usize {
        (self.written % self.piece) as usize
    }
}
