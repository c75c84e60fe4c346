//! Keeping the host's signals out of threads that other crates start.

use std::io;
use std::mem::MaybeUninit;

/// Runs `start` with every signal blocked: the threads it starts inherit that, and the host's signal handlers
/// never run in them.
pub(crate) fn with_signals_blocked<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut former = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initializes the set that `pthread_sigmask` reads; both are places of this frame.
    let outcome = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), former.as_mut_ptr())
    };
    if outcome != 0 {
        return Err(io::Error::from_raw_os_error(outcome));
    }
    let _restore = Restore(former);
    start()
}

/// Brings the former mask back, also when `start` panics.
struct Restore(MaybeUninit<libc::sigset_t>);

impl Drop for Restore {
    fn drop(&mut self) {
        // SAFETY: the mask was written by a `pthread_sigmask` that succeeded; setting it again cannot fail.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, self.0.as_ptr(), std::ptr::null_mut()) };
    }
}
