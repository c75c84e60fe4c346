//! Opaque handles: what stands behind every pointer that `_new` functions give out.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rocketmq_producer::{Error, sys};
use sys::PerFork;

use crate::arguments::Argument;

/// An opaque C type and what is behind it.
pub(crate) trait Handle: Sized + 'static {
    /// The Rust value behind the pointer.
    type Inner;
    /// The mark at the start of a live handle of this type; odd, so that no pointer looks like it.
    const MARK: u64;
    /// The C type, for error messages.
    const NAME: &'static str;
    /// Whether a handle made before `fork` works in the child: yes if no thread belongs to it and a lock
    /// held at the fork is noticed.
    const SURVIVES_FORK: bool;

    /// What a forked child finds behind a handle that does not survive the fork, made at its first use there;
    /// `FORKED` for most.
    fn renewed(_inner: &Self::Inner) -> Result<Self::Inner, Error> {
        Err(Error::forked())
    }

    /// Whether the caller may end it; ending another one does nothing.
    fn may_end(_inner: &Self::Inner) -> bool {
        true
    }

    /// Gives out a handle.
    fn give(inner: Self::Inner) -> *mut Self {
        Box::into_raw(Box::new(Shell::<Self>::new(inner, sys::fork_generation()))).cast()
    }
}

/// The memory behind a handle. The mark comes first, whatever the type: a pointer of another kind, or one that
/// was destroyed and whose memory is not in use again, is told apart from a live one by one comparison. That is more than
/// the header promises, which forbids both.
#[repr(C)]
pub(crate) struct Shell<H: Handle> {
    mark: AtomicU64,
    generation: u64,
    inner: H::Inner,
    /// What forked children have in the place of `inner`.
    renewed: PerFork<Arc<H::Inner>>,
}

const DESTROYED: u64 = 0;

impl<H: Handle> Shell<H> {
    pub(crate) const fn new(inner: H::Inner, generation: u64) -> Self {
        Self { mark: AtomicU64::new(H::MARK), generation, inner, renewed: PerFork::new() }
    }

    /// The pointer by which C knows it.
    pub(crate) const fn as_handle(&self) -> *const H {
        (&raw const *self).cast()
    }

    /// What is behind it.
    pub(crate) fn inner(&self) -> &H::Inner {
        &self.inner
    }

    /// Whether this process may use what is behind it.
    fn is_of_this_process(&self) -> bool {
        H::SURVIVES_FORK || self.generation == sys::fork_generation()
    }

    #[cold]
    fn in_child(&self) -> Result<&H::Inner, Error> {
        let make =
            |ancestor: Option<&Arc<H::Inner>>| H::renewed(ancestor.map_or(&self.inner, |ancestor| ancestor));
        self.renewed.get_or_try_init(|ancestor| make(ancestor).map(Arc::new)).map(Arc::as_ref)
    }

    /// From here on the pointer is refused, as long as the memory holds nothing else.
    pub(crate) fn mark_destroyed(&self) {
        self.mark.store(DESTROYED, Ordering::Release);
    }
}

/// Refuses NULL, pointers to something else, destroyed handles as far as they can be told, and handles of the
/// parent process that are not renewed.
///
/// # Safety
///
/// The pointer is NULL or points to readable memory, and if that holds a handle, nobody ends it for `'a`.
pub(crate) unsafe fn check<'a, H: Handle>(pointer: *const H, at: Argument) -> Result<&'a H::Inner, Error> {
    // SAFETY: as the caller promises.
    let shell = unsafe { shell(pointer, at)? };
    if shell.is_of_this_process() { Ok(&shell.inner) } else { shell.in_child() }
}

/// As [`check`], with what the process has behind it that made it. In a forked child that is for values that no thread
/// or lock of the parent belongs to.
///
/// # Safety
///
/// As [`check`].
pub(crate) unsafe fn check_original<'a, H: Handle>(
    pointer: *const H,
    at: Argument,
) -> Result<&'a H::Inner, Error> {
    // SAFETY: as the caller promises.
    unsafe { shell(pointer, at).map(Shell::inner) }
}

/// Ends a handle and gives its content, if it is one that may end. In a forked child the content of a handle that does not survive a fork
/// is left alone: its threads are gone and its locks may be held for ever. What the child had in its place is given.
///
/// # Safety
///
/// As [`check`], and nobody uses the handle from now on.
pub(crate) unsafe fn end<H: Handle>(pointer: *mut H, at: Argument) -> Result<Option<H::Inner>, Error> {
    // SAFETY: as the caller promises. The borrow ends before the box is made.
    let shell = unsafe { shell(pointer, at)? };
    if !H::may_end(&shell.inner) {
        return Ok(None);
    }
    // Of two calls that end one handle at the same time, which the header forbids, one wins while the memory is there.
    if shell.mark.compare_exchange(H::MARK, DESTROYED, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        return Err(wrong_kind::<H>(at));
    }
    let is_ours = shell.is_of_this_process();
    // SAFETY: `give` made it as a box, and the mark says that it was not ended before.
    let Shell { inner, renewed, .. } = unsafe { *Box::from_raw(pointer.cast::<Shell<H>>()) };
    if is_ours {
        return Ok(Some(inner));
    }
    mem::forget(inner);
    let ours = renewed.get().cloned();
    drop(renewed);
    Ok(ours.and_then(Arc::into_inner))
}

unsafe fn shell<'a, H: Handle>(pointer: *const H, at: Argument) -> Result<&'a Shell<H>, Error> {
    let pointer = pointer.cast::<Shell<H>>();
    if pointer.is_null() {
        return Err(at.refuse("is NULL"));
    }
    if !pointer.is_aligned() {
        return Err(wrong_kind::<H>(at));
    }
    // SAFETY: aligned, and readable as the caller promises; whatever it is, these are eight bytes of it. That a mark of
    // ours stands in them by chance is left to the program, which gave a pointer the header forbids.
    let mark = unsafe { &*pointer.cast::<AtomicU64>() };
    if mark.load(Ordering::Relaxed) != H::MARK {
        return Err(wrong_kind::<H>(at));
    }
    // SAFETY: the mark says that it is a live handle of this type.
    Ok(unsafe { &*pointer })
}

fn wrong_kind<H: Handle>(at: Argument) -> Error {
    at.refuse(format_args!("is not a live {}", H::NAME))
}
