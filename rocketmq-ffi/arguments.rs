//! The checks of single arguments. Each refuses NULL (but for the `optional_` ones) with an error that names the
//! argument; [`armour!`](crate::armour::armour) applies them.

use std::ffi::{CStr, c_char};
use std::ptr::NonNull;
use std::time::Duration;

use rocketmq_producer::{Error, ErrorCode};

use crate::handle::{self, Handle};

/// Where an argument stands, for error messages.
#[derive(Clone, Copy)]
pub(crate) struct Argument {
    pub(crate) function: &'static str,
    pub(crate) name: &'static str,
}

impl Argument {
    /// `INVALID_ARGUMENT`: what is wrong with it.
    pub(crate) fn refuse(self, why: impl std::fmt::Display) -> Error {
        let Self { function, name } = self;
        Error::new(ErrorCode::InvalidArgument, format!("{function}: argument {name} {why}"))
    }

    /// `INVALID_ARGUMENT`: what is wrong with a part of it, for example `->topic`.
    pub(crate) fn refuse_part(self, part: impl std::fmt::Display, why: impl std::fmt::Display) -> Error {
        let Self { function, name } = self;
        Error::new(ErrorCode::InvalidArgument, format!("{function}: {name}{part} {why}"))
    }
}

/// A live handle of the right kind that belongs to this process.
pub(crate) unsafe fn handle<'a, H: Handle>(pointer: *const H, at: Argument) -> Result<&'a H::Inner, Error> {
    // SAFETY: as the caller of this function promises.
    unsafe { handle::check(pointer, at) }
}

/// As [`handle`], but NULL is allowed.
pub(crate) unsafe fn optional_handle<'a, H: Handle>(
    pointer: *const H,
    at: Argument,
) -> Result<Option<&'a H::Inner>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller of this function promises.
    unsafe { handle::check(pointer, at).map(Some) }
}

/// A handle that ends here: its content, or nothing for NULL.
pub(crate) unsafe fn ending<H: Handle>(pointer: *mut H, at: Argument) -> Result<Option<H::Inner>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller of this function promises.
    unsafe { handle::end(pointer, at) }
}

/// A NUL-terminated UTF-8 text.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, at: Argument) -> Result<&'a str, Error> {
    // SAFETY: as the caller of this function promises.
    unsafe { text_part(pointer, at, &"") }
}

/// A text inside an argument.
pub(crate) unsafe fn text_part<'a>(
    pointer: *const c_char,
    at: Argument,
    part: &dyn std::fmt::Display,
) -> Result<&'a str, Error> {
    let refuse = |why: &dyn std::fmt::Display| match part.to_string().as_str() {
        "" => at.refuse(why),
        part => at.refuse_part(part, why),
    };
    if pointer.is_null() {
        return Err(refuse(&"is NULL"));
    }
    // SAFETY: not NULL, and NUL-terminated as the caller promises.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|cause| refuse(&format_args!("is not UTF-8: {cause}")))
}

/// Room for a result. Written at success only.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    pub(crate) fn write(self, value: T) {
        // SAFETY: not NULL and aligned by `out`, writable as the caller of `out` promised.
        unsafe { self.0.write(value) }
    }
}

/// Room for a result.
pub(crate) unsafe fn out<T>(pointer: *mut T, at: Argument) -> Result<Out<T>, Error> {
    // SAFETY: as the caller of this function promises.
    unsafe { array(pointer, at).map(Out) }
}

/// The first of some items in memory.
pub(crate) unsafe fn array<T>(pointer: *mut T, at: Argument) -> Result<NonNull<T>, Error> {
    match NonNull::new(pointer) {
        None => Err(at.refuse("is NULL")),
        Some(pointer) if !pointer.is_aligned() => Err(at.refuse("is not aligned")),
        Some(pointer) => Ok(pointer),
    }
}

/// As [`array`], for items that are only read.
pub(crate) unsafe fn const_array<T>(pointer: *const T, at: Argument) -> Result<NonNull<T>, Error> {
    // SAFETY: as the caller of this function promises.
    unsafe { array(pointer.cast_mut(), at) }
}

/// As [`array`], but NULL is allowed.
pub(crate) unsafe fn optional_array<T>(pointer: *mut T, at: Argument) -> Result<Option<NonNull<T>>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller of this function promises.
    unsafe { array(pointer, at).map(Some) }
}

/// A function of the caller's.
pub(crate) unsafe fn callback<F>(function: Option<F>, at: Argument) -> Result<F, Error> {
    function.ok_or_else(|| at.refuse("is NULL"))
}

/// A struct of the caller's that begins with `uint32_t struct_size`: the size its header knew.
pub(crate) trait SizedStruct {
    /// No header's struct is larger; a larger size is an uninitialized member.
    const LARGEST: usize = 4096;
}

/// The size the caller wrote into the first member, which is no less than this library needs to read or write.
pub(crate) unsafe fn struct_size<T: SizedStruct>(pointer: NonNull<T>, at: Argument) -> Result<usize, Error> {
    // SAFETY: every sized struct begins with this member; the pointer is valid as the caller promises.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    let known = size_of::<T>();
    if size < known {
        return Err(at.refuse_part(
            "->struct_size",
            format_args!("is {size}, this library needs at least {known}: use the initializer of the struct"),
        ));
    }
    if size > T::LARGEST || !size.is_multiple_of(align_of::<T>()) {
        return Err(
            at.refuse_part("->struct_size", format_args!("is {size}: use the initializer of the struct"))
        );
    }
    Ok(size)
}

/// The longest wait: about a century, so that adding it to a clock never overflows.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A timeout in milliseconds where a negative one waits without bound.
pub(crate) fn wait(timeout_ms: i64) -> Duration {
    match u64::try_from(timeout_ms) {
        Ok(timeout_ms) => Duration::from_millis(timeout_ms).min(LONGEST),
        Err(_) => LONGEST,
    }
}

/// A timeout in milliseconds where a negative one means the configured default.
pub(crate) fn or_default(timeout_ms: i64) -> Option<Duration> {
    (timeout_ms >= 0).then(|| wait(timeout_ms))
}
