//! The callbacks of a producer, made on its delivery thread.

use std::ffi::c_void;
use std::mem::{self, MaybeUninit};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rocketmq_producer::{Event, Receipt, Report, Tag};

use crate::error::rmq_error_t;
use crate::opaque::{Opaque, rmq_finalizer_fn};
use crate::receipt::{self, rmq_receipt_t};

/// Takes the outcome of one send: `error` is NULL at success, `receipt` is NULL otherwise. Both live until the
/// function returns; `rmq_error_clone` and a copy of the struct make them stay.
///
/// Called on the delivery thread of the producer, one call at a time, once for every accepted `rmq_send_async`.
/// A slow one delays the callbacks after it, never the network. It may call every function of the library but
/// `rmq_flush`, `rmq_producer_close` and `rmq_producer_wait_writable` of its own producer, which answer
/// `WOULD_DEADLOCK`. It must return; no C++ exception may leave it.
pub type rmq_send_fn = Option<
    unsafe extern "C" fn(error: *const rmq_error_t, receipt: *const rmq_receipt_t, opaque: *mut c_void),
>;

type SendFn = unsafe extern "C" fn(*const rmq_error_t, *const rmq_receipt_t, *mut c_void);

/// Says that there is room within the in-flight bounds again. Called on the delivery thread of the producer, among
/// its other callbacks, and bound by the same rules as `rmq_send_fn`.
pub type rmq_writable_fn = Option<unsafe extern "C" fn(opaque: *mut c_void)>;

/// Such a function with its opaque pointer.
pub(crate) struct WritableCallback {
    function: unsafe extern "C" fn(*mut c_void),
    opaque: Opaque,
}

impl WritableCallback {
    /// `None` for no function: what comes with it is not taken.
    pub(crate) fn new(
        function: rmq_writable_fn,
        opaque: *mut c_void,
        finalizer: rmq_finalizer_fn,
    ) -> Option<Self> {
        function.map(|function| Self { function, opaque: Opaque::new(opaque, finalizer) })
    }

    fn call(&self) {
        // SAFETY: the caller's function, with the opaque pointer it came with.
        unsafe { (self.function)(self.opaque.get()) }
    }
}

/// The tag of a send whose outcome goes to this function.
pub(crate) fn callback_tag(function: SendFn, opaque: *mut c_void) -> Tag {
    Tag((function as *const ()).expose_provenance(), opaque.expose_provenance())
}

/// Makes the callback of each event. One receipt serves all of them; nothing is allocated.
pub(crate) fn deliver(writable: Option<Arc<WritableCallback>>) -> impl FnMut(&Event) + Send + 'static {
    let mut place = Place(MaybeUninit::zeroed());
    move |event| match event {
        Event::Outcome(report) => deliver_outcome(report, &mut place),
        Event::Writable { .. } => writable.iter().for_each(|writable| writable.call()),
        // Nobody asks for these here.
        Event::Routed(_) | Event::Done(_) => {}
    }
}

fn deliver_outcome(report: &Report, place: &mut Place) {
    let Tag(function, opaque) = report.tag;
    let opaque = ptr::with_exposed_provenance_mut(opaque);
    // SAFETY: `callback_tag` made the tag from a function of this type.
    let function: SendFn =
        unsafe { mem::transmute::<*const (), SendFn>(ptr::with_exposed_provenance(function)) };
    match &report.result {
        // SAFETY: the caller's function with its opaque pointer; the receipt is whole: texts end with NUL.
        Ok(receipt) => unsafe { function(ptr::null(), place.filled(receipt), opaque) },
        Err(error) => rmq_error_t::lend(error.clone(), |error| {
            // SAFETY: as above, with an error that lives until the function returns.
            unsafe { function(error, ptr::null(), opaque) }
        }),
    }
}

struct Place(MaybeUninit<rmq_receipt_t>);

impl Place {
    fn filled(&mut self, receipt: &Receipt) -> *const rmq_receipt_t {
        let place = self.0.as_mut_ptr();
        // SAFETY: the place is ours; a receipt has no member that must not be zero.
        unsafe {
            (*place).struct_size = size_of::<rmq_receipt_t>() as u32;
            receipt::write(receipt, NonNull::new_unchecked(place));
        }
        place
    }
}
