//! Threads that are ended from outside while the program that hosts us goes away.
//!
//! CPython before 3.14 ends the threads that come back to an interpreter which is gone, with `pthread_exit`. In glibc
//! that unwinds the thread's stack, and what it meets on the way are frames of Rust code that called the interpreter:
//! the process aborts. Such a thread is parked instead, before its first frame is unwound, and the process ends
//! without it, as it ends without threads that wait.

use std::cell::OnceCell;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

static HOST_ENDS: AtomicBool = AtomicBool::new(false);

/// From this call on [`guard_thread`]'s threads park when something ends them. Before, they end.
pub fn host_ends() {
    HOST_ENDS.store(true, Ordering::SeqCst);
}

/// Guards the calling thread for the rest of its life. Costs next to nothing when it is guarded already.
pub fn guard_thread() {
    thread_local!(static GUARD: OnceCell<Guard> = const { OnceCell::new() });
    // On a thread whose locals are gone nothing of ours runs any more.
    let _ = GUARD.try_with(|guard| {
        guard.get_or_init(Guard::new);
    });
}

/// `struct _pthread_cleanup_buffer` of glibc's `pthread.h`. (musl has three words, which come to less.)
#[repr(C)]
struct Buffer {
    routine: Option<extern "C" fn(*mut c_void)>,
    argument: *mut c_void,
    cancel_type: c_int,
    previous: *mut Buffer,
}

// The functions behind `pthread_cleanup_push` and `pthread_cleanup_pop` for callers that do not unwind.
unsafe extern "C" {
    fn _pthread_cleanup_push(buffer: *mut Buffer, routine: extern "C" fn(*mut c_void), argument: *mut c_void);
    fn _pthread_cleanup_pop(buffer: *mut Buffer, execute: c_int);
}

/// A clean-up handler of the thread that made it. On the heap: glibc calls a handler when the unwinding leaves the frame
/// that holds it, and takes all memory beside the stack for left at the first frame.
struct Guard(*mut Buffer);

impl Guard {
    fn new() -> Self {
        let buffer =
            Buffer { routine: None, argument: ptr::null_mut(), cancel_type: 0, previous: ptr::null_mut() };
        let buffer = Box::into_raw(Box::new(buffer));
        // SAFETY: the buffer has the size and alignment that the C library wants and lives until it is popped.
        unsafe {
            _pthread_cleanup_push(buffer, park, ptr::null_mut());
        }
        Self(buffer)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: runs as a destructor of a thread local, on the thread that pushed it, after the frames of the
        // thread: handlers that were pushed later are gone. The buffer came from a box and nobody else knows it.
        unsafe {
            _pthread_cleanup_pop(self.0, 0);
            drop(Box::from_raw(self.0));
        }
    }
}

extern "C" fn park(_: *mut c_void) {
    while HOST_ENDS.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_secs(3600));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc::channel;

    use super::*;

    struct Tell(std::sync::mpsc::Sender<&'static str>);

    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send("unwound");
        }
    }

    unsafe extern "C-unwind" {
        fn pthread_exit(value: *mut c_void) -> !;
    }

    extern "C-unwind" fn ended_from_outside(tell: *mut c_void) -> *mut c_void {
        // SAFETY: the test gave a box to this thread.
        let _tell = unsafe { Box::from_raw(tell.cast::<Tell>()) };
        guard_thread();
        guard_thread();
        // SAFETY: what a host does; the frame above it may unwind.
        unsafe { pthread_exit(ptr::null_mut()) }
    }

    /// In a process of its own, because a host ends once.
    #[test]
    fn a_thread_is_parked_before_it_unwinds_once_the_host_ends() {
        const ROLE: &str = "RMQ_TEST_HOST_ENDS";
        if std::env::var_os(ROLE).is_none() {
            let name = "sys::exit::tests::a_thread_is_parked_before_it_unwinds_once_the_host_ends";
            let program = std::env::current_exe().expect("a path");
            let child = Command::new(program).args(["--exact", name]).env(ROLE, "1").status();
            assert!(child.expect("a process").success());
            return;
        }
        let start = || {
            let (sender, receiver) = channel();
            let mut thread = 0;
            let tell = Box::into_raw(Box::new(Tell(sender)));
            // SAFETY: a function of the type of C's thread functions; glibc's own threads may be unwound.
            let run = unsafe {
                std::mem::transmute::<
                    extern "C-unwind" fn(*mut c_void) -> *mut c_void,
                    extern "C" fn(*mut c_void) -> *mut c_void,
                >(ended_from_outside)
            };
            // SAFETY: valid places; the thread owns the box.
            let made = unsafe { libc::pthread_create(&mut thread, ptr::null(), run, tell.cast()) };
            assert_eq!(made, 0);
            receiver
        };
        assert_eq!(start().recv(), Ok("unwound"), "a thread that ends while the host goes on ends");
        host_ends();
        let parked = start();
        assert!(
            parked.recv_timeout(Duration::from_millis(500)).is_err(),
            "it is parked, its frames as they were"
        );
    }
}
