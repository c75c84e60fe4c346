//! Threads that leave the signals of the host program alone.

use std::io;
use std::mem::MaybeUninit;
use std::thread::{Builder, JoinHandle};

/// Starts a thread in which every signal is blocked from its first instruction on, so that the host's signal
/// handlers never run in it, and which `pthread_cancel` does not end. Linux shows the first 15 bytes of the name.
///
/// # Errors
///
/// The error of the operating system when it refuses the thread; a name with a NUL is `InvalidInput`.
#[allow(clippy::disallowed_methods, reason = "`task::thread` starts them here")]
pub(crate) fn spawn_quiet<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    if name.contains('\0') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a thread name must not contain NUL"));
    }
    with_signals_blocked(|| {
        Builder::new().name(name.to_owned()).spawn(|| {
            never_cancelled();
            run()
        })
    })
}

/// This thread is never ended from outside: that would unwind it through frames that cannot be. (A callback of the program's
/// may know the thread it runs on.)
fn never_cancelled() {
    unsafe extern "C" {
        fn pthread_setcancelstate(state: libc::c_int, former: *mut libc::c_int) -> libc::c_int;
    }
    const DISABLE: libc::c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };
    let mut former = 0;
    // SAFETY: the place is valid for the call, which fails for an unknown state only.
    unsafe { pthread_setcancelstate(DISABLE, &mut former) };
}

/// Calls `start` with every signal blocked in this thread: the threads it starts inherit that, so that the host's
/// signal handlers never run in them. For threads that other crates start.
///
/// # Errors
///
/// Errors of `start`, and what the operating system says when it refuses the mask.
pub fn with_signals_blocked<T>(start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let _blocked = SignalsBlocked::new()?;
    start()
}

/// All signals are blocked in this thread; dropping it brings the former mask back.
struct SignalsBlocked {
    former: libc::sigset_t,
}

impl SignalsBlocked {
    fn new() -> io::Result<Self> {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut former = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigfillset` initializes the set it is given, and `pthread_sigmask` reads that set and writes
        // the former mask; both are valid places of this frame.
        let outcome = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), former.as_mut_ptr())
        };
        if outcome != 0 {
            return Err(io::Error::from_raw_os_error(outcome));
        }
        // SAFETY: `pthread_sigmask` succeeded and has written the former mask.
        let former = unsafe { former.assume_init() };
        Ok(Self { former })
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `former` is a mask `pthread_sigmask` gave; no former mask is asked for this time. It can fail
        // only for an unknown first argument.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.former, std::ptr::null_mut()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_blocked(signal: i32) -> bool {
        let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: without a new set the call only writes the present mask to `mask`.
        unsafe {
            assert_eq!(libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), mask.as_mut_ptr()), 0);
            libc::sigismember(mask.as_ptr(), signal) == 1
        }
    }

    #[test]
    fn the_new_thread_blocks_signals_and_the_old_one_has_its_mask_again() {
        let signals =
            [libc::SIGINT, libc::SIGTERM, libc::SIGPIPE, libc::SIGUSR1, libc::SIGCHLD, libc::SIGPROF];
        let before = signals.map(is_blocked);
        let inside = spawn_quiet("rmq-test", move || {
            (signals.map(is_blocked), std::thread::current().name().map(str::to_owned))
        });
        let (blocked, name) = inside.unwrap().join().unwrap();
        assert_eq!(blocked, signals.map(|_| true));
        assert_eq!(name.as_deref(), Some("rmq-test"));
        assert_eq!(signals.map(is_blocked), before);
        assert!(!is_blocked(libc::SIGINT), "the test needs an open signal to prove anything");
    }

    #[test]
    fn a_name_with_nul_is_an_error() {
        assert_eq!(spawn_quiet("a\0b", || ()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
