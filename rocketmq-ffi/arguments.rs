//! The checks of single arguments. Each refuses NULL (but for the `optional_` ones) with an error that names the
//! argument; [`armour!`](crate::armour::armour) applies them.

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use rocketmq_producer::{Error, ErrorCode};
use smallvec::{Array, SmallVec};

use crate::cancel;
use crate::handle::{self, Handle};
use crate::inside_hook;

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

/// As [`handle`], but with the parent's content in a forked child: for what no lock or thread of it belongs to.
pub(crate) unsafe fn original<'a, H: Handle>(pointer: *const H, at: Argument) -> Result<&'a H::Inner, Error> {
    // SAFETY: as the caller of this function promises.
    unsafe { handle::check_original(pointer, at) }
}

/// As [`handle`], for a call that waits or sends: not from a hook.
pub(crate) unsafe fn unhooked<'a, H: Handle>(pointer: *const H, at: Argument) -> Result<&'a H::Inner, Error> {
    // SAFETY: as the caller of this function promises.
    let inner = unsafe { handle::check(pointer, at)? };
    inside_hook::refuse()?;
    Ok(inner)
}

/// As [`handle`], a share of what is behind it, for a slice of a wait.
pub(crate) unsafe fn shared<T, H>(pointer: *const H, at: Argument) -> Result<Arc<T>, Error>
where
    T: Any + Send + Sync,
    H: Handle<Inner = Arc<T>>,
{
    if let Some(share) = cancel::kept(pointer) {
        return Ok(share);
    }
    // SAFETY: as the caller of this function promises.
    unsafe { handle::check(pointer, at).map(Arc::clone) }
}

/// As [`shared`], for a call that waits: not from a hook.
pub(crate) unsafe fn shared_unhooked<T, H>(pointer: *const H, at: Argument) -> Result<Arc<T>, Error>
where
    T: Any + Send + Sync,
    H: Handle<Inner = Arc<T>>,
{
    // SAFETY: as the caller of this function promises.
    let share = unsafe { shared(pointer, at)? };
    inside_hook::refuse()?;
    Ok(share)
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

/// A text, or none for NULL.
pub(crate) unsafe fn optional_text<'a>(
    pointer: *const c_char,
    at: Argument,
) -> Result<Option<&'a str>, Error> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller of this function promises.
    unsafe { text(pointer, at).map(Some) }
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

/// As [`const_array`], but NULL is allowed.
pub(crate) unsafe fn optional_const_array<T>(
    pointer: *const T,
    at: Argument,
) -> Result<Option<NonNull<T>>, Error> {
    // SAFETY: as the caller of this function promises.
    unsafe { optional_array(pointer.cast_mut(), at) }
}

/// So many messages may be in flight at most (key `in.flight.max.messages`), and more go in no call.
const MOST_MESSAGES: usize = 10_000_000;

/// The number of messages of one call; of more than may be in flight it is an uninitialized variable. Nothing of their
/// array is read before.
pub(crate) unsafe fn message_count(count: usize, at: Argument) -> Result<usize, Error> {
    if count > MOST_MESSAGES {
        return Err(at.refuse(format_args!("is {count}, at most {MOST_MESSAGES} messages go in one call")));
    }
    Ok(count)
}

/// The number of elements, of so many bytes each, of an array of the caller's: no object of C is larger than
/// `PTRDIFF_MAX`.
pub(crate) fn check_capacity(capacity: usize, stride: usize, at: Argument) -> Result<(), Error> {
    match capacity.checked_mul(stride) {
        Some(..=MOST_BYTES) => Ok(()),
        _ => Err(at.refuse(format_args!("is {capacity}: no array has so many elements of {stride} bytes"))),
    }
}

/// A list with room for so many items; `SYSTEM` when there is no memory for them.
pub(crate) fn room_for<T>(count: usize) -> Result<Vec<T>, Error> {
    let mut list = Vec::new();
    match list.try_reserve_exact(count) {
        Ok(()) => Ok(list),
        Err(cause) => Err(Error::out_of_memory(format_args!("a list of {count} items"), cause)),
    }
}

/// Adds to a list of what all messages of a call have; `SYSTEM` when there is no memory for it.
#[inline]
pub(crate) fn push<A: Array>(list: &mut SmallVec<A>, item: A::Item) -> Result<(), Error> {
    if list.len() == list.capacity() {
        grow(list)?;
    }
    list.push(item);
    Ok(())
}

#[cold]
fn grow<A: Array>(list: &mut SmallVec<A>) -> Result<(), Error> {
    list.try_reserve(1).map_err(|cause| {
        let text = format!("no memory for a list of more than {} items: {cause}", list.len());
        Error::new(ErrorCode::System, text)
    })
}

const MOST_BYTES: usize = isize::MAX as usize;

/// A function of the caller's.
pub(crate) unsafe fn callback<F>(function: Option<F>, at: Argument) -> Result<F, Error> {
    function.ok_or_else(|| at.refuse("is NULL"))
}

/// A struct of the caller's that begins with `uint32_t struct_size`: the size its header knew. Plain data without
/// padding, in this and in every later header, so that whoever sets its members has set all of its bytes.
pub(crate) trait SizedStruct: Sized {
    /// The size of the first header's struct: to the end of the member that was the last one then. Members that
    /// are added stand behind it; callers that do not know them are served all the same.
    const SMALLEST: usize;
    /// No header's struct is larger; a larger size is an uninitialized member.
    const LARGEST: usize = 4096;

    /// What the initializer of the struct says, without the size: the values of members a caller does not know.
    fn initial() -> Self;
}

/// The size the caller wrote into the first member.
pub(crate) unsafe fn struct_size<T: SizedStruct>(pointer: NonNull<T>, at: Argument) -> Result<usize, Error> {
    // SAFETY: every sized struct begins with this member; the pointer is valid as the caller promises.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    if size < T::SMALLEST {
        let least = T::SMALLEST;
        return Err(at.refuse_part(
            "->struct_size",
            format_args!("is {size}, this library needs at least {least}: use the initializer of the struct"),
        ));
    }
    if size > T::LARGEST || !size.is_multiple_of(align_of::<T>()) {
        return Err(
            at.refuse_part("->struct_size", format_args!("is {size}: use the initializer of the struct"))
        );
    }
    Ok(size)
}

/// A copy of a struct of the caller's: members it does not know are as the initializer leaves them, members that
/// this library does not know must be unset.
pub(crate) unsafe fn read_struct<T: SizedStruct>(pointer: NonNull<T>, at: Argument) -> Result<T, Error> {
    // SAFETY: as the caller of this function promises.
    let size = unsafe { struct_size(pointer, at)? };
    let known = size.min(size_of::<T>());
    let bytes = pointer.as_ptr().cast::<u8>();
    // SAFETY: the caller wrote the size of its struct, whose bytes are all set: structs of headers have no padding.
    let is_set = |at| unsafe { bytes.add(at).read() } != 0;
    if (known..size).any(is_set) {
        return Err(at.refuse("uses members that this version of the library does not know"));
    }
    let mut copy = T::initial();
    // SAFETY: no more than the caller's struct has, and no more than the copy has.
    unsafe { ptr::copy_nonoverlapping(bytes, (&raw mut copy).cast::<u8>(), known) };
    Ok(copy)
}

/// Lets `fill` write a struct of the caller's, of which the caller knows the first `size` bytes: no more than
/// those change, and the size stays.
pub(crate) unsafe fn fill_struct<T: SizedStruct>(to: NonNull<T>, size: usize, fill: impl FnOnce(NonNull<T>)) {
    if size >= size_of::<T>() {
        fill(to);
    } else {
        let mut whole = T::initial();
        fill(NonNull::from(&mut whole));
        // SAFETY: the caller promises so many writable bytes, and the whole has more.
        unsafe { ptr::copy_nonoverlapping((&raw const whole).cast::<u8>(), to.as_ptr().cast::<u8>(), size) };
    }
    // SAFETY: every sized struct begins with this member.
    unsafe { to.cast::<u32>().write(size as u32) };
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct of which the first header had `first`, a later one `second` too.
    #[repr(C)]
    #[derive(Debug, PartialEq)]
    struct Grown {
        struct_size: u32,
        first: u32,
        second: u64,
    }

    impl SizedStruct for Grown {
        const SMALLEST: usize = 8;

        fn initial() -> Self {
            Self { struct_size: 0, first: 0, second: 7 }
        }
    }

    const AT: Argument = Argument { function: "rmq_x", name: "grown" };

    fn read(words: &[u64]) -> Result<Grown, Error> {
        // SAFETY: the words are as many as the size in the first of them says.
        unsafe { read_struct(NonNull::from(words).cast::<Grown>(), AT) }
    }

    fn head(size: u32, first: u32) -> u64 {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&size.to_ne_bytes());
        bytes[4..].copy_from_slice(&first.to_ne_bytes());
        u64::from_ne_bytes(bytes)
    }

    #[test]
    fn structs_of_older_and_newer_headers_are_read() {
        assert_eq!(read(&[head(8, 5)]).unwrap(), Grown { struct_size: 8, first: 5, second: 7 });
        assert_eq!(read(&[head(16, 5), 6]).unwrap(), Grown { struct_size: 16, first: 5, second: 6 });
        assert_eq!(read(&[head(24, 5), 6, 0]).unwrap(), Grown { struct_size: 24, first: 5, second: 6 });
        assert!(read(&[head(24, 5), 6, 1]).unwrap_err().message().contains("does not know"));
        for size in [0, 4, 7, 12, 4104] {
            assert!(read(&[head(size, 5)]).unwrap_err().message().contains("struct_size"), "{size}");
        }
    }

    #[test]
    fn only_what_the_caller_knows_is_written() {
        for (size, wanted) in [(8, [head(8, 1), 9, 9]), (16, [head(16, 1), 2, 9]), (24, [head(24, 1), 2, 9])]
        {
            let mut words = [9_u64; 3];
            // SAFETY: three words are no less than the size.
            unsafe {
                fill_struct(NonNull::from(&mut words).cast::<Grown>(), size, |place| {
                    place.write(Grown { struct_size: 0, first: 1, second: 2 });
                });
            }
            assert_eq!(words, wanted, "{size}");
        }
    }
}
