//! What the kernel says about this process.

use crate::Failure;

/// Size and threads of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// The most memory it ever had resident.
    pub(crate) peak_rss_kib: u64,
    pub(crate) threads: u64,
}

impl Process {
    pub(crate) fn this() -> Result<Process, Failure> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        Process::from_status(&status).ok_or_else(|| "/proc/self/status has no VmHWM or Threads".into())
    }

    fn from_status(status: &str) -> Option<Process> {
        let number = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.split_ascii_whitespace().next()?.parse().ok()
        };
        Some(Process { peak_rss_kib: number("VmHWM:")?, threads: number("Threads:")? })
    }
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn the_two_lines_are_found() {
        let status = "Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 12 kB\nThreads:\t3\n";
        assert_eq!(Process::from_status(status), Some(Process { peak_rss_kib: 1234, threads: 3 }));
        assert_eq!(Process::from_status("Threads:\t3\n"), None);
    }
}
