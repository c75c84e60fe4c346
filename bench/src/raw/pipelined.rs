//! A full window over one socket: what the loopback carries when nothing but joined writes, large reads and
//! counting is done.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};

use super::{connect, frame};
use crate::Failure;
use crate::measure::{Outcome, Stopwatch};
use crate::workload::Workload;

/// Keeps `work.window` messages in flight until `work.count` are answered.
pub(crate) fn run(work: &Workload) -> Result<Outcome, Failure> {
    let mut sender = Sender::new(work)?;
    sender.exchange(work.warm_up)?;
    let watch = Stopwatch::start()?;
    let answered = sender.exchange(work.count)?;
    let (elapsed, cpu) = watch.stop()?;
    Ok(Outcome {
        count: work.count,
        warm_up: work.warm_up,
        succeeded: answered,
        failed: 0,
        doubled: answered.saturating_sub(work.count),
        seconds: elapsed.as_secs_f64(),
        user_seconds: cpu.user.as_secs_f64(),
        system_seconds: cpu.system.as_secs_f64(),
        latency: None,
    })
}

struct Sender {
    stream: TcpStream,
    window: u64,
    frame_len: u64,
    /// Two windows of frames in a row, so that whatever the window has room for is one slice.
    frames: Vec<u8>,
    /// Bytes written since the connection began.
    written: u64,
    input: Vec<u8>,
}

impl Sender {
    fn new(work: &Workload) -> Result<Sender, Failure> {
        let mut one = frame::send_frame(&work.topic, work.body);
        let mut frames = Vec::with_capacity(2 * work.window * one.len());
        for slot in 0..2 * work.window as u32 {
            frame::set_opaque(&mut one, slot % work.window as u32);
            frames.extend_from_slice(&one);
        }
        Ok(Sender {
            stream: connect::to_broker(work)?,
            window: work.window as u64,
            frame_len: one.len() as u64,
            frames,
            written: 0,
            input: vec![0; 1 << 20],
        })
    }

    /// Sends `count` messages and returns the number of answers.
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
        let piece = &self.frames[self.at()..][..(goal - self.written) as usize];
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
        (self.written % (self.window * self.frame_len)) as usize
    }
}
