//! What a process has once: the I/O thread, its clock, the source of unique ids.
//!
//! A forked child has none of the parent's threads, so it gets a new one of everything; what belonged to the
//! parent is left untouched.

#![expect(clippy::disallowed_types, reason = "each process has a cell of its own")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::ThreadId;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use once_cell::sync::OnceCell;
use rocketmq_protocol::ids::{UniqueId, UniqueIdGenerator};
use tokio::runtime::{Builder, Handle};

use crate::error::{Error, ErrorCode};
use crate::sys::{self, Moment};
use crate::task;

pub(crate) struct Process {
    pub(crate) io: Handle,
    /// Tells this process from all others: process ids come again, in containers they are all alike, and clocks are set back.
    pub(crate) random: u64,
    io_thread: ThreadId,
    unique_ids: UniqueIdGenerator,
    month: Month,
    wall_clock: WallClock,
}

/// The month of the last unique id, so that the calendar is asked once a month. Two threads at the turn of a
/// month may mix old and new for a moment, which shifts the time inside an id and harms nothing.
#[derive(Default)]
struct Month {
    start_ms: AtomicU64,
    end_ms: AtomicU64,
}

impl Month {
    fn start_of(&self, now_ms: u64) -> u64 {
        let start = self.start_ms.load(Relaxed);
        if (start..self.end_ms.load(Relaxed)).contains(&now_ms) {
            return start;
        }
        let start = sys::month_start_ms(now_ms);
        let in_next_month = start.saturating_add(32 * 24 * 3_600_000);
        self.start_ms.store(start, Relaxed);
        self.end_ms.store(sys::month_start_ms(in_next_month), Relaxed);
        start
    }
}

/// Tells the time since 1970 of moments of the other clock: whoever has read one need not read both.
struct WallClock {
    /// What is to be added to the other clock, and when that was found out, in nanoseconds.
    offset: AtomicU64,
    compared_at: AtomicU64,
}

impl WallClock {
    /// So far from their last comparison the two clocks are taken to run alike.
    const COMPARED: u64 = 10_000_000;

    /// A comparison that took longer was interrupted, and is made again.
    const AT_ONCE: Duration = Duration::from_micros(20);
    const TRIES: usize = 3;

    fn new() -> Self {
        Self { offset: AtomicU64::new(0), compared_at: AtomicU64::new(u64::MAX) }
    }

    /// Never early, and late by no more than a comparison takes. A change of the system's time is seen after some
    /// milliseconds.
    fn ms_of(&self, moment: Moment) -> u64 {
        if moment.nanos().abs_diff(self.compared_at.load(Relaxed)) >= Self::COMPARED {
            self.compare();
        }
        self.offset.load(Relaxed).wrapping_add(moment.nanos()) / 1_000_000
    }

    fn compare(&self) {
        for _ in 0..Self::TRIES {
            let now = Moment::now();
            let wall =
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
            let took = now.elapsed();
            self.offset.store(wall.wrapping_sub(now.nanos()), Relaxed);
            self.compared_at.store(now.nanos(), Relaxed);
            if took < Self::AT_ONCE {
                return;
            }
        }
    }
}

struct Generation {
    number: u64,
    process: OnceCell<Process>,
}

static CURRENT: ArcSwapOption<Generation> = ArcSwapOption::const_empty();

/// What this process shares. A handle keeps it alive.
#[derive(Clone)]
pub(crate) struct ProcessHandle(Arc<Generation>);

impl ProcessHandle {
    /// Starts the I/O thread if this process has none yet. Takes no lock that a fork could leave locked.
    pub(crate) fn get() -> Result<Self, Error> {
        let number = sys::fork_generation();
        let generation = loop {
            let current = CURRENT.load_full();
            match current {
                Some(current) if current.number == number => break current,
                stale => {
                    let fresh = Arc::new(Generation { number, process: OnceCell::new() });
                    CURRENT.compare_and_swap(&stale, Some(fresh));
                    // The parent's is not to be dropped in the child: its threads are not there.
                    std::mem::forget(stale);
                }
            }
        };
        generation.process.get_or_try_init(Process::start)?;
        Ok(Self(generation))
    }

    pub(crate) fn process(&self) -> &Process {
        // `get` has filled the cell; asking again is the way to say so without a panic path.
        match self.0.process.get() {
            Some(process) => process,
            None => unreachable!("a handle exists only after the process state was made"),
        }
    }

    /// The fork generation this belongs to.
    pub(crate) fn generation(&self) -> u64 {
        self.0.number
    }
}

impl Process {
    fn start() -> Result<Self, Error> {
        let refused = |cause: std::io::Error| {
            Error::new(ErrorCode::System, format!("the I/O thread cannot be started: {cause}"))
                .with_source(cause)
        };
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(refused)?;
        let io = runtime.handle().clone();
        // Should it ever end, it takes the tasks with it, and each of them has its own end.
        let serve = move || runtime.block_on(std::future::pending::<()>());
        let thread = task::thread("rmq-io", serve, |_| ()).map_err(refused)?;
        let random = sys::random();
        Ok(Self {
            io,
            io_thread: thread.id(),
            random,
            unique_ids: UniqueIdGenerator::new(sys::local_ip(), std::process::id(), random as u32),
            month: Month::default(),
            wall_clock: WallClock::new(),
        })
    }

    /// Whether the caller runs on the I/O thread.
    pub(crate) fn is_io_thread(&self) -> bool {
        std::thread::current().id() == self.io_thread
    }

    /// Milliseconds since 1970 at a moment of the last days.
    pub(crate) fn wall_ms(&self, moment: Moment) -> u64 {
        self.wall_clock.ms_of(moment)
    }

    /// The length of every unique message id.
    pub(crate) fn unique_id_len(&self) -> usize {
        self.unique_ids.id_len()
    }

    /// A new unique message id (protocol 5.10) of this time.
    pub(crate) fn unique_id(&self, now_ms: u64) -> UniqueId {
        self.unique_ids.next(now_ms, self.month.start_of(now_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now_ms() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
    }

    #[test]
    fn both_clocks_tell_the_same_time() {
        let clock = WallClock::new();
        let ago = Duration::from_millis(30);
        let start = Moment::now();
        while start.elapsed() < 2 * ago {
            let (before, told, after) = (now_ms(), clock.ms_of(Moment::now()), now_ms());
            // Never early, and late by no more than a comparison takes, which may cross to the next millisecond.
            assert!((before..=after + 1).contains(&told), "{before} {told} {after}");
            if start.elapsed() > ago {
                let told = clock.ms_of(Moment::now().before(ago)) + 30;
                assert!(
                    (before.saturating_sub(1)..=now_ms() + 1).contains(&told),
                    "{before} {told}, some time ago"
                );
            }
        }
    }
}
