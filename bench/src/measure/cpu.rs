//! Processor time.

use std::io;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::Failure;

/// Unit of `/proc` on Linux, whatever the kernel's own tick.
pub(super) const TICKS_PER_SECOND: u32 = 100;

/// User and system time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl Cpu {
    /// All threads of this process, since it began.
    pub(crate) fn of_process() -> io::Result<Cpu> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        Ok(Cpu { user: duration(usage.user_time()), system: duration(usage.system_time()) })
    }

    /// Another process, since it began.
    pub(crate) fn of_other(process: u32) -> Result<Cpu, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        Cpu::from_stat(&stat).ok_or_else(|| format!("/proc/{process}/stat: {stat:?}").into())
    }

    /// The fields after the name, which ends with the last bracket and may hold anything.
    fn from_stat(stat: &str) -> Option<Cpu> {
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks = |at| fields.split_ascii_whitespace().nth(at)?.parse::<u64>().ok();
        let time = |ticks| Duration::from_secs(ticks) / TICKS_PER_SECOND;
        Some(Cpu { user: time(ticks(11)?), system: time(ticks(12)?) })
    }

    pub(crate) fn since(self, earlier: Cpu) -> Cpu {
        Cpu {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }

    pub(crate) fn total(self) -> Duration {
        self.user + self.system
    }
}

pub(super) fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_bracket_is_no_field() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 1 1 1";
        let cpu = Cpu::from_stat(stat).unwrap();
        assert_eq!((cpu.user, cpu.system), (Duration::from_millis(2_500), Duration::from_millis(500)));
        assert!(Cpu::from_stat("7 (a").is_none());
    }
}
