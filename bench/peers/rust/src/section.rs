//! Clocks, and what became of every send.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::{Value, json};

use crate::work::Work;

/// A number of sends. Any thread may report.
pub struct Section {
    start: Instant,
    usage: Usage,
    /// Nanoseconds; 0 of a send without an answer.
    latencies: Vec<AtomicU64>,
    completed: Vec<AtomicBool>,
    succeeded: AtomicUsize,
    failed: AtomicUsize,
    doubled: AtomicUsize,
}

impl Section {
    pub fn start(sends: usize) -> nix::Result<Section> {
        Ok(Section {
            latencies: (0..sends).map(|_| AtomicU64::new(0)).collect(),
            completed: (0..sends).map(|_| AtomicBool::new(false)).collect(),
            succeeded: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            doubled: AtomicUsize::new(0),
            usage: getrusage(UsageWho::RUSAGE_SELF)?,
            start: Instant::now(),
        })
    }

    /// The send of `messages` messages has an outcome.
    pub fn report<T, E: Display>(
        &self,
        send: usize,
        messages: usize,
        sent_at: Instant,
        result: &Result<T, E>,
    ) {
        self.latencies[send].store(sent_at.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.count(send, messages, result);
    }

    /// The same for a send that has no answer, and so no latency.
    pub fn count<T, E: Display>(&self, send: usize, messages: usize, result: &Result<T, E>) {
        let counter = match result {
            _ if self.completed[send].swap(true, Ordering::Relaxed) => &self.doubled,
            Ok(_) => &self.succeeded,
            Err(error) => {
                if self.failed.load(Ordering::Relaxed) == 0 {
                    eprintln!("send: {error}");
                }
                &self.failed
            }
        };
        counter.fetch_add(messages, Ordering::Relaxed);
    }

    /// Ends the section and gives the outcome as the harness reads it.
    pub fn outcome(
        &self,
        work: &Work,
        slowest_thread: Option<f64>,
    ) -> Result<Value, Box<dyn std::error::Error>> {
        let seconds = self.start.elapsed().as_secs_f64();
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        let status = std::fs::read_to_string("/proc/self/status")?;
        let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap_or("0");
        let mut outcome = json!({
            "count": work.count,
            "warm_up": work.warm_up,
            "succeeded": self.succeeded.load(Ordering::Relaxed),
            "failed": self.failed.load(Ordering::Relaxed),
            "doubled": self.doubled.load(Ordering::Relaxed),
            "seconds": seconds,
            "user_seconds": time(usage.user_time()) - time(self.usage.user_time()),
            "system_seconds": time(usage.system_time()) - time(self.usage.system_time()),
            "latency": self.latency(),
            "peak_rss_kib": usage.max_rss(),
            "threads": threads.trim().parse::<u64>()?,
        });
        if let Some(share) = slowest_thread {
            outcome["slowest_thread"] = share.into();
        }
        Ok(outcome)
    }

    fn latency(&self) -> Value {
        let mut sorted: Vec<u64> = self
            .latencies
            .iter()
            .map(|latency| latency.load(Ordering::Relaxed))
            .filter(|&ns| ns > 0)
            .collect();
        sorted.sort_unstable();
        let Some(&longest) = sorted.last() else { return Value::Null };
        let at = |thousandths: usize| sorted[sorted.len() * thousandths / 1_000] as f64 / 1e3;
        json!({
            "samples": sorted.len(),
            "p50_us": at(500),
            "p99_us": at(990),
            "p999_us": at(999),
            "max_us": longest as f64 / 1e3,
        })
    }
}

fn time(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
