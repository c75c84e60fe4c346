//! Wall clock and processor time of a section.

use std::time::{Duration, Instant};

use super::Cpu;

/// Running since it was made.
pub(crate) struct Stopwatch {
    cpu: Cpu,
    start: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> std::io::Result<Stopwatch> {
        Ok(Stopwatch { cpu: Cpu::of_process()?, start: Instant::now() })
    }

    pub(crate) fn stop(&self) -> std::io::Result<(Duration, Cpu)> {
        let elapsed = self.start.elapsed();
        Ok((elapsed, Cpu::of_process()?.since(self.cpu)))
    }
}
