//! What is measured, and the JSON line that carries it from a driver to the harness.

mod cpu;
mod latency;
mod others;
mod outcome;
mod process;
mod stopwatch;

pub(crate) use cpu::Cpu;
pub(crate) use latency::{Latencies, Latency};
pub(crate) use others::Others;
pub(crate) use outcome::{Outcome, Tally};
pub(crate) use stopwatch::Stopwatch;
