//! Threads that sleep until something has come for them, many of them woken by one system call.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::Moment;

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
        let word = &UNPARKED[self.word];
        let time = deadline.to_timespec();
        loop {
            // Before the look: an unpark after it is another number.
            let seen = word.load(Ordering::Acquire);
            if is_so() {
                return true;
            }
            // SAFETY: the word is a static, and the time lives as long as the call. The kernel only compares the word and
            // sleeps, at most until that time of the monotonic clock.
            let outcome = unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    word.as_ptr(),
                    libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                    seen,
                    &time as *const libc::timespec,
                    std::ptr::null::<u32>(),
                    self.bit,
                )
            };
            // A word that has changed, a signal: it is looked at again.
            if outcome != 0 && Moment::now() >= deadline {
                return is_so();
            }
        }
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
