//! What the system tells of this process.

use std::fs;

use crate::Failure;

/// Resident memory.
pub(super) fn resident_bytes() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = field(&status, "VmRSS:").ok_or("/proc/self/status has no VmRSS")?;
    Ok(kib * 1024)
}

/// A thread, and how often it has given up its core to wait for something, each time to be woken once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) waits: u64,
}

/// All threads of this process.
pub(super) fn threads() -> Result<Vec<Thread>, Failure> {
    let mut threads = Vec::new();
    for entry in fs::read_dir("/proc/self/task")? {
        let file = entry?.path().join("status");
        // A thread that has ended meanwhile has none.
        let Ok(status) = fs::read_to_string(&file) else { continue };
        threads.push(thread(&status).ok_or_else(|| format!("{} lacks a line", file.display()))?);
    }
    Ok(threads)
}

fn thread(status: &str) -> Option<Thread> {
    let name = status.lines().find_map(|line| line.strip_prefix("Name:"))?.trim().to_owned();
    let id = u32::try_from(field(status, "Pid:")?).ok()?;
    Some(Thread { id, name, waits: field(status, "voluntary_ctxt_switches:")? })
}

fn field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_read_from_its_status() {
        let status = "Name:\trmq io\nPid:\t12\nVmRSS:\t  100 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\n";
        assert_eq!(thread(status), Some(Thread { id: 12, name: "rmq io".to_owned(), waits: 7 }));
        assert_eq!(thread("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_has_memory_and_a_thread() {
        assert!(resident_bytes().unwrap() > 0);
        assert!(!threads().unwrap().is_empty());
    }
}
