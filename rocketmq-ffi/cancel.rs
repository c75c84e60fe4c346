//! Threads that are ended from outside (`pthread_cancel`): never in the midst of the library, and in long waits soon.
//!
//! A thread that is cancelled is unwound, through frames that Rust would have to clean up, so cancellation is disabled inside
//! every entry point. A wait without a near end goes in slices: between two of them the thread is outside of the armour, in
//! frames that have nothing to clean up, and may end there.
//!
//! ```text
//! rmq_queue_poll ─┬─▶ armour: a slice of the wait ─┬─▶ done: return
//!                 └─◀─ may the thread end? ◀───────┘
//! ```

use std::any::Any;
use std::cell::RefCell;
use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use rocketmq_producer::sys::Moment;
use rocketmq_producer::{Error, ErrorCode};

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, former: *mut c_int) -> c_int;
}

unsafe extern "C-unwind" {
    fn pthread_testcancel();
}

const DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };

/// The thread is not cancelled until this is dropped.
pub(crate) struct Deferred {
    former: c_int,
}

impl Deferred {
    pub(crate) fn new() -> Self {
        let mut former = DISABLE;
        // SAFETY: the place is valid for the call, which fails for an unknown state only.
        unsafe { pthread_setcancelstate(DISABLE, &mut former) };
        Self { former }
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        // SAFETY: a state that the system gave. Of cancellation that is deferred (the other kind is forbidden in any library
        // call) it takes nothing up.
        unsafe { pthread_setcancelstate(self.former, &mut DISABLE.clone()) };
    }
}

/// How a slice of a wait ended.
pub(crate) enum Slice {
    /// The wait is over.
    Done(Result<(), Error>),
    /// It is over if there is no time left, with this outcome.
    Passed(Result<(), Error>),
}

/// How long a thread that is cancelled goes on waiting.
pub(crate) const SLICE: Duration = Duration::from_millis(200);

/// The same where a slice asks a name server, which may take its time.
pub(crate) const READY_SLICE: Duration = Duration::from_secs(3);

/// Runs slices of a wait of so long until one has the outcome. Each is told how long
/// it may last, and whether it is the last. Has nothing to clean up, nor may what it is given have: the thread may end here.
#[inline(always)]
pub(crate) fn in_slices<T: Copy>(
    timeout: Duration,
    slice: Duration,
    run: impl Fn(Duration, bool) -> Option<T> + Copy,
) -> T {
    let deadline = Moment::now() + timeout;
    loop {
        let left = deadline.since(Moment::now());
        if let Some(outcome) = run(left.min(slice), left <= slice) {
            return outcome;
        }
        // SAFETY: takes nothing. If it unwinds, then only through this frame and that of the entry point, which is `C-unwind`:
        // neither has anything to drop.
        unsafe { pthread_testcancel() };
    }
}

thread_local! {
    /// What a wait of this thread keeps between two slices, and the handle it belongs to: that may end meanwhile. A thread
    /// that ends drops it.
    static KEPT: RefCell<Option<(usize, Arc<dyn Any + Send + Sync>)>> = const { RefCell::new(None) };
}

/// Keeps a share for the next slice.
pub(crate) fn keep<H>(pointer: *const H, share: Arc<dyn Any + Send + Sync>) {
    // Without the place (the thread is ending) the next slice takes it for granted that the handle lives.
    let _ = KEPT.try_with(|kept| kept.replace(Some((pointer.addr(), share))));
}

/// The end of a slice: it has passed if there is time left for another one and the outcome is an error of these kinds.
pub(crate) fn slice_of<H>(
    pointer: *const H,
    share: Arc<dyn Any + Send + Sync>,
    is_last: bool,
    outcome: Result<(), Error>,
    passing: &[ErrorCode],
) -> Slice {
    match outcome {
        Err(error) if !is_last && passing.contains(&error.code()) => {
            keep(pointer, share);
            Slice::Passed(Err(error))
        }
        outcome => Slice::Done(outcome),
    }
}

/// The share that the slice before this one kept of what is behind this handle, if there was one.
pub(crate) fn kept<T: Any + Send + Sync, H>(pointer: *const H) -> Option<Arc<T>> {
    let (address, share) = KEPT.try_with(RefCell::take).ok()??;
    if address == pointer.addr() { share.downcast().ok() } else { None }
}
