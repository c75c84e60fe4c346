//! Frames that nobody answers, in joined writes: the limit of one-way sends.

use std::io::Write;
use std::net::TcpStream;

use super::{connect, frame, ping_pong};
use crate::Failure;
use crate::measure::{Outcome, Stopwatch, Tally};
use crate::workload::Workload;

/// Sends `work.count` messages in writes of `work.window`. Only the last one is answered: the broker reads a
/// connection in order, so it has all of them then.
pub(super) fn run(work: &Workload) -> Result<Outcome, Failure> {
    let last = frame::send_frame(&work.topic, work.body);
    let mut one = last.clone();
    frame::set_oneway(&mut one);
    let mut sender = Sender {
        stream: connect::to_broker(work)?,
        frames: one.repeat(work.window),
        frame_len: one.len(),
        last,
    };
    sender.send(work.warm_up)?;
    let watch = Stopwatch::start()?;
    sender.send(work.count)?;
    Outcome::new(work, &watch, Tally { succeeded: work.count, ..Tally::default() })
}

struct Sender {
    stream: TcpStream,
    /// What one write takes.
    frames: Vec<u8>,
    frame_len: usize,
    /// A frame that is answered.
    last: Vec<u8>,
}

impl Sender {
    fn send(&mut self, count: u64) -> Result<(), Failure> {
        if count == 0 {
            return Ok(());
        }
        let mut left = (count - 1) * self.frame_len as u64;
        while left > 0 {
            let piece = left.min(self.frames.len() as u64) as usize;
            self.stream.write_all(&self.frames[..piece])?;
            left -= piece as u64;
        }
        self.stream.write_all(&self.last)?;
        ping_pong::read_one(&mut self.stream, &mut [0; 4_096])
    }
}
