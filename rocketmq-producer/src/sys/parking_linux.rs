//! Threads that sleep until something has come for them, many of them woken by one system call.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use super::Moment;

/// Whether a sleep may be watched in place of a timer of its own.
pub(crate) const HAS_WATCH: bool = true;

/// How many words there are, of 32 slots each: threads that share a slot are woken for each other.
const WORDS: usize = 8;
const SLOTS: usize = WORDS * u32::BITS as usize;

/// Words that count how often a thread of their slots was unparked.
static UNPARKED: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];

static NEXT_SLOT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SLOT: usize = NEXT_SLOT.fetch_add(1, Ordering::Relaxed) % SLOTS;
}

/// Where a thread sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Parker {
    word: usize,
    bit: u32,
}

impl Parker {
    pub(crate) fn of_this_thread() -> Self {
        let slot = SLOT.with(|slot| *slot);
        Self { word: slot / u32::BITS as usize, bit: 1 << (slot % u32::BITS as usize) }
    }

    /// Sleeps until it is so, at most to the deadline; says whether it is. Whoever makes it so unparks this parker afterwards.
    pub(crate) fn sleep_until(&self, is_so: impl Fn() -> bool, deadline: Moment) -> bool {
        let time = deadline.to_timespec();
        self.sleep(is_so, deadline, Some(&time))
    }

    /// The same for whoever may sleep longer than to the deadline, until the next round of the watch, which must be there. It
    /// spares the kernel a timer, which costs more than the rest of the sleep.
    pub(crate) fn sleep_watched(&self, is_so: impl Fn() -> bool, deadline: Moment) -> bool {
        self.sleep(is_so, deadline, None)
    }

    fn sleep(&self, is_so: impl Fn() -> bool, deadline: Moment, timer: Option<&libc::timespec>) -> bool {
        let word = &UNPARKED[self.word];
        loop {
            // Before the look: an unpark after it is another number.
            let seen = word.load(Ordering::Acquire);
            if is_so() {
                return true;
            }
            if timer.is_none() {
                ask_for_a_round();
            }
            let timer = timer.map_or(std::ptr::null(), |timer| timer as *const libc::timespec);
            // SAFETY: the word is a static, and the time lives as long as the call, if there is one. The kernel only compares
            // the word and sleeps, at most until that time of the monotonic clock.
            let outcome = unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    word.as_ptr(),
                    libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                    seen,
                    timer,
                    std::ptr::null::<u32>(),
                    self.bit,
                )
            };
            // Woken for another thread of its slot or by the watch, a word that has changed, a signal: it is looked at again.
            let may_be_late = outcome != 0 || timer.is_null();
            if may_be_late && !is_so() && Moment::now() >= deadline {
                return is_so();
            }
        }
    }
}

/// 1: somebody sleeps, or has slept since the last round, who has no timer.
static ROUND_ASKED: AtomicU32 = AtomicU32::new(0);

fn ask_for_a_round() {
    if ROUND_ASKED.load(Ordering::Relaxed) == 0 && ROUND_ASKED.swap(1, Ordering::AcqRel) == 0 {
        // SAFETY: the word is a static; the kernel uses its address only.
        let _ = unsafe { futex(&ROUND_ASKED, libc::FUTEX_WAKE, 1) };
    }
}

/// The work of the watch: each time when somebody sleeps without a timer, and a while has passed, it wakes all sleepers, who look
/// at the clock. Nobody is left asleep without another round being asked for: who is woken and sleeps on asks for it, and who
/// comes after the round finds that it is not asked for.
pub(crate) fn keep_watch(interval: Duration) -> ! {
    loop {
        while ROUND_ASKED.load(Ordering::Acquire) == 0 {
            // SAFETY: the word is a static. The kernel only compares it and sleeps.
            let _ = unsafe { futex(&ROUND_ASKED, libc::FUTEX_WAIT, 0) };
        }
        std::thread::sleep(interval);
        ROUND_ASKED.store(0, Ordering::Release);
        Unparks { slots: [u32::MAX; WORDS], words: (1 << WORDS) - 1 }.unpark_all();
    }
}

/// # Safety
/// The operation is a wait without a time or a wake.
unsafe fn futex(word: &AtomicU32, operation: libc::c_int, value: u32) -> libc::c_long {
    let no_time = std::ptr::null::<libc::timespec>();
    // SAFETY: the word lives as long as the call, and no time is given.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), operation | libc::FUTEX_PRIVATE_FLAG, value, no_time)
    }
}

/// Threads that are to be woken.
#[derive(Debug, Default)]
pub(crate) struct Unparks {
    /// The bits of their slots, word by word.
    slots: [u32; WORDS],
    /// The words that have such bits: one bit each.
    words: u32,
}

const _: () = assert!(WORDS <= u32::BITS as usize);

impl Unparks {
    pub(crate) fn add(&mut self, parker: &Parker) {
        self.slots[parker.word] |= parker.bit;
        self.words |= 1 << parker.word;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words == 0
    }

    /// Wakes all of them, by one system call for each word.
    pub(crate) fn unpark_all(&mut self) {
        while self.words != 0 {
            let at = self.words.trailing_zeros() as usize;
            self.words &= self.words - 1;
            let (word, bits) = (&UNPARKED[at], std::mem::take(&mut self.slots[at]));
            word.fetch_add(1, Ordering::Release);
            // SAFETY: the word is a static; the kernel uses its address only.
            let _ = unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    word.as_ptr(),
                    libc::FUTEX_WAKE_BITSET | libc::FUTEX_PRIVATE_FLAG,
                    i32::MAX,
                    std::ptr::null::<libc::timespec>(),
                    std::ptr::null::<u32>(),
                    bits,
                )
            };
        }
    }
}
