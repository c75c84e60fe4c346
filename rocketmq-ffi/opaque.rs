//! Opaque pointers that the library keeps beyond a call.

use std::ffi::c_void;

/// Says that the library will not use `opaque` again. Called once, from any thread. It must be quick and must not
/// call a function of a producer. No C++ exception may leave it.
pub type rmq_finalizer_fn = Option<unsafe extern "C" fn(opaque: *mut c_void)>;

/// An opaque pointer with its finalizer, which runs when this is dropped.
pub(crate) struct Opaque {
    pointer: *mut c_void,
    finalizer: rmq_finalizer_fn,
}

// SAFETY: the header demands an opaque pointer that may be used from any thread.
unsafe impl Send for Opaque {}
// SAFETY: the header demands functions that may be called from several threads at once.
unsafe impl Sync for Opaque {}

impl Opaque {
    pub(crate) fn new(pointer: *mut c_void, finalizer: rmq_finalizer_fn) -> Self {
        Self { pointer, finalizer }
    }

    /// The caller's pointer.
    pub(crate) fn get(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for Opaque {
    fn drop(&mut self) {
        if let Some(finalizer) = self.finalizer {
            // SAFETY: the caller's function, with the opaque pointer it came with, once.
            unsafe { finalizer(self.pointer) }
        }
    }
}
