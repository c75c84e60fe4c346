//! Telling a forked child from the process in which a handle was made.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static REGISTERED: AtomicBool = AtomicBool::new(false);

/// A number that every forked child has another one of than its parent. Handles keep it and compare it later, see
/// [`is_forked`]. Never blocks: two atomic loads after the first call.
pub fn fork_generation() -> u64 {
    // Not a `Once`: a fork while another thread is inside one would leave it locked in the child for ever. A thread that does
    // not find it registered sees to it itself before it reads the number: several registrations only make larger steps.
    if !REGISTERED.load(Ordering::Acquire) {
        // SAFETY: `child_started` is a plain function, and does nothing in the child but add to an atomic. It lives as long
        // as the program: the shared library is linked with `-z nodelete`; the manual demands the same of a library that the
        // static one is linked into. (glibc takes the handlers of a library back when it is unloaded.)
        let outcome = unsafe { libc::pthread_atfork(None, None, Some(child_started)) };
        // Out of memory: the next call tries again.
        REGISTERED.store(outcome == 0, Ordering::Release);
    }
    GENERATION.load(Ordering::Relaxed)
}

/// Whether this process is a forked child of the one in which [`fork_generation`] gave this number.
pub fn is_forked(generation: u64) -> bool {
    fork_generation() != generation
}

/// Runs in the child, in the only thread it has, before `fork` returns there.
unsafe extern "C" fn child_started() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// The exit status of a child that runs `child`, which must keep to what is allowed after a fork of a process with threads. One
/// that never ends is killed after a while.
#[cfg(test)]
pub(crate) fn exit_status_of(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child calls only `alarm`, `child` and `_exit`.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: an alarm that nobody handles ends the child.
        unsafe { libc::alarm(20) };
        let status = child();
        // SAFETY: ends the child without running anything of the test process in it.
        unsafe { libc::_exit(status) };
    }
    assert!(pid > 0, "fork failed");
    let mut status = 0;
    // SAFETY: `status` is a valid place, `pid` is the child made above.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status), "status {status:#x}");
    libc::WEXITSTATUS(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_and_its_child_have_generations_of_their_own() {
        let parent = fork_generation();
        assert!(!is_forked(parent));
        let status = exit_status_of(|| {
            let child = fork_generation();
            if child == parent || !is_forked(parent) || is_forked(child) {
                return 1;
            }
            // SAFETY: as in `exit_status_of`.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                let good = is_forked(parent) && is_forked(child);
                // SAFETY: as in `exit_status_of`.
                unsafe { libc::_exit(if good { 0 } else { 3 }) };
            }
            let mut status = 0;
            // SAFETY: `status` is a valid place, `pid` is the child made above.
            if unsafe { libc::waitpid(pid, &mut status, 0) } != pid { 2 } else { libc::WEXITSTATUS(status) }
        });
        assert_eq!(status, 0);
        assert_eq!(fork_generation(), parent, "the parent must not change");
    }
}
