//! A count that threads and tasks can wait for to fall.
//!
//! It may fall in *lots*: much of it, one by one, soon. Were each step of a lot told, whoever waits would be woken to find
//! little. So a thread that begins to wait during a lot first gathers: the steps do not wake it, the end of the lot does, or
//! [`GATHERING`] from then. It never depends on the lot's end, which the program's own code may hold up:
//!
//! ```text
//! wait ─┬─ during a lot ──▶ gathers ── its time is over ─┐
//!       │                     │                         ▼
//!       └──────────────────────────────────────────▶ sleeps
//!                             │                         │
//!             end of the lot, a fall outside of lots    │  any fall
//!                             └───────────┬─────────────┘
//!                                         ▼
//!                                       looks
//! ```

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Notify;

use crate::sync::{Condvar, Mutex};
use crate::sys::{self, Moment};

/// So long a thread that waits lets a lot go on before it looks.
const GATHERING: Duration = Duration::from_micros(100);

/// Nobody waits who was not woken since.
const AWAKE: u8 = 0;
/// Somebody waits for the end of a lot, and looks by itself soon.
const GATHERS: u8 = 1;
/// Somebody waits for the next fall.
const ASLEEP: u8 = 2;

/// Those who wait beside such a count. A forked child has none of them, and their lock may have been copied while it was held.
pub(super) struct Falling {
    /// The most wakeful of those who wait.
    mark: AtomicU8,
    /// Lots under way.
    lots: AtomicUsize,
    lock: Mutex<()>,
    fell: Condvar,
    /// The same for tasks.
    told: Notify,
    generation: u64,
}

impl Default for Falling {
    fn default() -> Self {
        Self {
            mark: AtomicU8::new(AWAKE),
            lots: AtomicUsize::new(0),
            lock: Mutex::default(),
            fell: Condvar::default(),
            told: Notify::new(),
            generation: sys::fork_generation(),
        }
    }
}

impl Falling {
    /// Wakes those who wait. Costs one load when nobody does, also while those who were woken have not run yet: a
    /// thousand outcomes in a row wake a sender once.
    pub(super) fn notify(&self) {
        self.wake_from(GATHERS);
    }

    /// The same for a step of a lot: those who gather go on.
    pub(super) fn notify_in_lot(&self) {
        self.wake_from(ASLEEP);
    }

    /// From now on, until [`Self::end_lot`], what falls is a step of a lot.
    pub(super) fn begin_lot(&self) {
        self.lots.fetch_add(1, SeqCst);
    }

    pub(super) fn end_lot(&self) {
        self.lots.fetch_sub(1, SeqCst);
        self.notify();
    }

    fn wake_from(&self, least: u8) {
        if self.mark.load(SeqCst) >= least {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if !sys::is_forked(self.generation) && self.mark.swap(AWAKE, SeqCst) != AWAKE {
            drop(self.lock.lock());
            self.fell.notify_all();
            self.told.notify_waiters();
        }
    }

    /// Waits until `done`, at most to the deadline; says whether it is done.
    pub(super) fn wait_until(&self, deadline: Option<Moment>, mut done: impl FnMut() -> bool) -> bool {
        if done() {
            return true;
        }
        let mut guard = self.lock.lock();
        let mut has_gathered = false;
        loop {
            let gathers = !has_gathered && self.lots.load(SeqCst) > 0;
            // Before the look: whoever changes the count after it sees the mark.
            self.mark.fetch_max(if gathers { GATHERS } else { ASLEEP }, SeqCst);
            if done() {
                return true;
            }
            let gathered = gathers.then(|| Moment::now() + GATHERING);
            match deadline.into_iter().chain(gathered).min() {
                Some(until) => {
                    let timed_out = self.fell.wait_until(&mut guard, until).timed_out();
                    if timed_out && Some(until) == deadline {
                        return done();
                    }
                    has_gathered = timed_out;
                }
                None => self.fell.wait(&mut guard),
            }
        }
    }

    /// The same for a task.
    pub(super) async fn within(&self, timeout: Duration, done: impl Fn() -> bool) -> bool {
        let wait = async {
            loop {
                let told = self.told.notified();
                tokio::pin!(told);
                told.as_mut().enable();
                // Before the look, as above.
                self.mark.fetch_max(ASLEEP, SeqCst);
                if done() {
                    return;
                }
                told.await;
            }
        };
        tokio::time::timeout(timeout, wait).await.is_ok() || done()
    }

    /// As if somebody were about to sleep.
    #[cfg(test)]
    pub(super) fn with_lock_held<T>(&self, body: impl FnOnce() -> T) -> T {
        let _guard = self.lock.lock();
        self.mark.store(ASLEEP, SeqCst);
        body()
    }

    /// Whether somebody waits for the next fall who was not woken since.
    #[cfg(test)]
    pub(super) fn has_sleepers(&self) -> bool {
        self.mark.load(SeqCst) == ASLEEP
    }
}
