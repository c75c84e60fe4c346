//! Threads that are ended from outside (`pthread_cancel`): never in the midst of the library, and in long waits soon.
//!
//! A thread that is cancelled is unwound, through frames that Rust would have to clean up, so cancellation is disabled inside
//! every entry point. A wait without a near end goes in slices: between two of them the thread is outside of the armour, in
//! frames that have nothing to clean up, and may end there. Whoever waits for events sleeps there, after the first slice, for
//! as long as nothing comes: a system call that is a cancellation point needs no slices.
//!
//! ```text
//! rmq_queue_poll ─┬─▶ armour: a slice of the wait ─┬─▶ done: return
//!                 ├─◀─ may the thread end? ◀───────┤
//!                 └─◀─ sleep until the bell rings ◀┘
//! ```

use std::any::Any;
use std::cell::RefCell;
use std::ffi::c_int;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use rocketmq_producer::sys::{self, EventFd, Moment};
use rocketmq_producer::{CompletionQueue, Error, ErrorCode};

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, former: *mut c_int) -> c_int;
}

unsafe extern "C-unwind" {
    fn pthread_testcancel();
    /// That of the C library, which unwinds when the thread is cancelled.
    fn poll(entries: *mut libc::pollfd, count: libc::nfds_t, timeout_ms: c_int) -> c_int;
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
    /// It goes on when this descriptor is readable, or the time over.
    Asleep(RawFd),
}

/// What is between two slices.
#[derive(Clone, Copy)]
pub(crate) enum Between {
    Nothing,
    Sleep(RawFd),
}

/// How long a thread that is cancelled goes on waiting.
pub(crate) const SLICE: Duration = Duration::from_millis(200);

/// The same where a slice asks a name server, which may take its time.
pub(crate) const READY_SLICE: Duration = Duration::from_secs(3);

/// What is left of a wait.
#[derive(Clone, Copy)]
pub(crate) struct Wait {
    pub(crate) left: Duration,
    slice: Duration,
    is_first: bool,
}

impl Wait {
    /// How long this slice may last.
    pub(crate) fn slice(self) -> Duration {
        self.left.min(self.slice)
    }

    /// Lets go of what a wait kept that did not go on: its thread was cancelled, and calls from a cleanup handler now. The handle
    /// may have ended since, and another one be in its place.
    pub(crate) fn begin_slice(self) {
        if self.is_first {
            let _ = KEPT.try_with(RefCell::take);
        }
    }

    /// Whether no other slice follows.
    pub(crate) fn is_last(self) -> bool {
        self.left <= self.slice
    }
}

/// Runs slices of a wait of so long until one has the outcome; an error says what is before the next one. Has nothing to
/// clean up, nor may what it is given have: the thread may end here.
#[inline(always)]
pub(crate) fn in_slices<T: Copy>(
    timeout: Duration,
    slice: Duration,
    run: impl Fn(Wait) -> Result<T, Between> + Copy,
) -> T {
    let deadline = Moment::now() + timeout;
    let mut is_first = true;
    loop {
        let left = deadline.since(Moment::now());
        let wait = Wait { left, slice, is_first };
        is_first = false;
        match run(wait) {
            Ok(outcome) => return outcome,
            // SAFETY: takes nothing. If it unwinds, then only through this frame and that of the entry point, which is
            // `C-unwind`: neither has anything to drop.
            Err(Between::Nothing) => unsafe { pthread_testcancel() },
            Err(Between::Sleep(fd)) => {
                let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
                let left = deadline.since(Moment::now()).as_millis() + 1;
                // SAFETY: one entry, which is ours. If it unwinds: as above. A signal or a descriptor that is none ends it
                // too; the next slice looks again.
                unsafe { poll(&mut entry, 1, c_int::try_from(left).unwrap_or(c_int::MAX)) };
            }
        }
    }
}

/// What a thread sleeps on.
struct Bell {
    descriptor: EventFd,
    generation: u64,
}

/// Who rings the bell: queues keep it, also of a thread that has ended, and the descriptor ends with the thread.
struct Ringer(Weak<Bell>);

impl Wake for Ringer {
    fn wake(self: Arc<Self>) {
        // A forked child shares the descriptor with a thread of its parent.
        if let Some(bell) = self.0.upgrade().filter(|bell| !sys::is_forked(bell.generation)) {
            bell.descriptor.signal();
        }
    }
}

thread_local! {
    /// What a wait of this thread keeps between two slices, and the handle it belongs to: that may end meanwhile. A thread
    /// that ends drops it.
    static KEPT: RefCell<Option<(usize, Arc<dyn Any + Send + Sync>)>> = const { RefCell::new(None) };
    static BELL: RefCell<Option<(Arc<Bell>, Waker)>> = const { RefCell::new(None) };
}

/// The bell of this thread, silent, and who rings it; `None` if there is no descriptor for it.
fn bell() -> Option<(Arc<Bell>, Waker)> {
    BELL.try_with(|place| {
        let mut place = place.borrow_mut();
        if place.as_ref().is_none_or(|(bell, _)| sys::is_forked(bell.generation)) {
            let descriptor = EventFd::new().ok()?;
            let bell = Arc::new(Bell { descriptor, generation: sys::fork_generation() });
            let ringer = Waker::from(Arc::new(Ringer(Arc::downgrade(&bell))));
            *place = Some((bell, ringer));
        }
        place.clone()
    })
    .ok()
    .flatten()
    .inspect(|(bell, _)| bell.descriptor.clear())
}

/// The wait is over: the queue need not ring for this thread any more.
pub(crate) fn awake(queue: &CompletionQueue) {
    // Without the place the thread is ending, and has none that could be rung.
    let _ = BELL.try_with(|place| {
        if let Some((_, ringer)) = &*place.borrow() {
            queue.sleep_no_more(ringer);
        }
    });
}

/// The end of a slice in which nothing came to the queue: the thread sleeps until something does. Without a descriptor to sleep
/// on it waits for another slice.
pub(crate) fn asleep<H>(
    pointer: *const H,
    share: Arc<dyn Any + Send + Sync>,
    queue: &CompletionQueue,
) -> Slice {
    keep(pointer, share);
    match bell() {
        Some((bell, ringer)) if queue.wake_when_ready(&ringer) => Slice::Asleep(bell.descriptor.as_raw_fd()),
        _ => Slice::Passed(Ok(())),
    }
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
    wait: Wait,
    outcome: Result<(), Error>,
    passing: &[ErrorCode],
) -> Slice {
    match outcome {
        Err(error) if !wait.is_last() && passing.contains(&error.code()) => {
            keep(pointer, share);
            Slice::Passed(Err(error))
        }
        outcome => Slice::Done(outcome),
    }
}

/// What the slice before this one kept for this handle, if there was one.
pub(crate) fn kept<T: Any + Send + Sync, H>(pointer: *const H) -> Option<Arc<T>> {
    let (address, share) = KEPT.try_with(RefCell::take).ok()??;
    if address == pointer.addr() { share.downcast().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_for_the_next_slice_of_its_wait_only() {
        let slices = RefCell::new(Vec::new());
        let wait = || {
            in_slices(Duration::from_secs(60), SLICE, |wait| {
                wait.begin_slice();
                slices.borrow_mut().push(kept::<u32, _>(&slices).map(|share| *share));
                match slices.borrow().len() {
                    1 => {
                        keep(&slices, Arc::new(7_u32));
                        Err(Between::Nothing)
                    }
                    _ => Ok(()),
                }
            });
            slices.take()
        };
        assert_eq!(wait(), [None, Some(7)]);
        // As a thread does that is cancelled between two slices, and waits again in its cleanup handler.
        keep(&slices, Arc::new(8_u32));
        assert_eq!(wait(), [None, Some(7)]);
    }
}
