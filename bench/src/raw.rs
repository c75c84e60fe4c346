//! The limits: clients that only move bytes. What they reach is what this machine's loopback allows.

mod connect;
mod frame;
mod oneway;
mod ping_pong;
mod pipelined;

use crate::Failure;
use crate::measure::Outcome;
use crate::workload::{Mode, Workload};

/// The limit of `work.mode`.
pub(crate) fn run(work: &Workload) -> Result<Outcome, Failure> {
    match work.mode {
        Mode::Lone => ping_pong::run(work),
        Mode::Async => pipelined::run(work, &frame::send_frame(&work.topic, work.body), 1),
        Mode::Batch => {
            let frame = frame::batch_frame(&work.topic, work.body, work.batch)?;
            pipelined::run(work, &frame, work.batch as u64)
        }
        Mode::Oneway => oneway::run(work),
        Mode::Threads | Mode::Many => Err(format!("no limit has the mode {}", work.mode).into()),
    }
}
