//! Threads that sleep until something has come for them, many of them woken by one system call.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::Moment;

/// So many words, of 32 seats each: threads that share a seat are woken for each other.
const WORDS: usize = 8;
const SEATS: usize = WORDS * u32::BITS as usize;

/// Each counts how often somebody of its seats was called.
static CALLS: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];

static NEXT_SEAT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SEAT: usize = NEXT_SEAT.fetch_add(1, Ordering::Relaxed) % SEATS;
}

/// Where a thread sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    word: usize,
    bit: u32,
}

impl Seat {
    pub(crate) fn of_this_thread() -> Self {
        let seat = SEAT.with(|seat| *seat);
        Self { word: seat / u32::BITS as usize, bit: 1 << (seat % u32::BITS as usize) }
    }

    /// Sleeps until it is so, at most to the deadline; says whether it is. Whoever makes it so calls this seat afterwards.
    pub(crate) fn sleep_until(&self, is_so: impl Fn() -> bool, deadline: Moment) -> bool {
        let word = &CALLS[self.word];
        let time = deadline.to_timespec();
        loop {
            // Before the look: a call after it is another number.
            let calls = word.load(Ordering::Acquire);
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
                    calls,
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

/// The seats that are to be called.
#[derive(Debug, Default)]
pub(crate) struct Calls([u32; WORDS]);

impl Calls {
    pub(crate) fn add(&mut self, seat: &Seat) {
        self.0[seat.word] |= seat.bit;
    }

    /// Wakes all of them.
    pub(crate) fn make(&mut self) {
        for (word, bits) in CALLS.iter().zip(&mut self.0) {
            let bits = std::mem::take(bits);
            if bits == 0 {
                continue;
            }
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
