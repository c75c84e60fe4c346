//! One message at a time over a blocking socket: the least a lone synchronous send can take.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::{connect, frame};
use crate::Failure;
use crate::measure::{Latencies, Outcome, Stopwatch, Tally};
use crate::workload::Workload;

/// Sends `work.count` messages, each after the answer to the one before.
pub(super) fn run(work: &Workload) -> Result<Outcome, Failure> {
    let mut stream = connect::to_broker(work)?;
    let mut request = frame::send_frame(&work.topic, work.body);
    let mut answer = vec![0; 64 * 1024];
    let mut opaque = 0_u32;
    let mut exchange = |stream: &mut TcpStream| -> Result<(), Failure> {
        opaque = opaque.wrapping_add(1);
        frame::set_opaque(&mut request, opaque);
        stream.write_all(&request)?;
        read_one(stream, &mut answer)
    };
    for _ in 0..work.warm_up {
        exchange(&mut stream)?;
    }
    let mut latencies = Latencies::new()?;
    let watch = Stopwatch::start()?;
    for _ in 0..work.count {
        let start = Instant::now();
        exchange(&mut stream)?;
        latencies.record(start.elapsed());
    }
    let tally = Tally { succeeded: work.count, latency: latencies.summary(), ..Tally::default() };
    Outcome::new(work, &watch, tally)
}

/// Reads exactly one answer; more than one would be an answer nobody asked for.
pub(super) fn read_one(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), Failure> {
    let mut filled = 0;
    loop {
        let len = stream.read(&mut buffer[filled..])?;
        if len == 0 {
            return Err("the broker closed the connection".into());
        }
        filled += len;
        match frame::count_whole(&buffer[..filled]) {
            (1, taken) if taken == filled => return Ok(()),
            (0, _) => {}
            (frames, taken) => {
                return Err(format!("{frames} answers and {} bytes to one request", filled - taken).into());
            }
        }
    }
}
