//! How much of the machine other processes took while something was measured.

use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use super::cpu::{TICKS_PER_SECOND, duration};
use crate::Failure;

/// Reading of the machine's clocks before a child process runs.
pub(crate) struct Others {
    start: Instant,
    busy_seconds: f64,
    children_seconds: f64,
}

impl Others {
    pub(crate) fn start() -> Result<Others, Failure> {
        Ok(Others { start: Instant::now(), busy_seconds: busy()?, children_seconds: children()? })
    }

    /// Mean number of cores that neither the children which ended since then nor the broker, which took
    /// `broker_seconds` of processor time, kept busy. Time that a hypervisor took away counts as well.
    pub(crate) fn cores(&self, broker_seconds: f64) -> Result<f64, Failure> {
        let elapsed = self.start.elapsed().as_secs_f64();
        let own = children()? - self.children_seconds + broker_seconds;
        Ok(((busy()? - self.busy_seconds - own) / elapsed).max(0.0))
    }
}

fn children() -> Result<f64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok((duration(usage.user_time()) + duration(usage.system_time())).as_secs_f64())
}

fn busy() -> Result<f64, Failure> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let ticks = busy_ticks(&text).ok_or("/proc/stat has no line of all processors")?;
    Ok(ticks as f64 / f64::from(TICKS_PER_SECOND))
}

/// All but idle and waiting for a disk: user, nice, system, (idle, iowait,) irq, softirq, steal.
fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let mut ticks = Vec::new();
    for word in line.split_ascii_whitespace().take(8) {
        ticks.push(word.parse::<u64>().ok()?);
    }
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some(ticks.iter().sum::<u64>() - idle)
}

#[cfg(test)]
mod tests {
    use super::busy_ticks;

    #[test]
    fn idle_and_guest_time_are_left_out() {
        assert_eq!(busy_ticks("cpu  1 2 4 1000 2000 8 16 32 9 9\ncpu0 7 7 7\n"), Some(63));
        assert_eq!(busy_ticks("intr 5"), None);
    }
}
