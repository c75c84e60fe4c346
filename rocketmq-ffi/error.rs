//! Error objects.

use std::ffi::{CStr, CString, c_char};
use std::mem::offset_of;
use std::ptr;
use std::sync::Arc;

use once_cell::race::OnceBox;
use rocketmq_producer::{Error, ErrorCode, FailedAttempt, Persistence, Receipt, shown};

use crate::arguments::{self, Argument, SizedStruct};
use crate::armour::armour;
use crate::handle::{Handle, Shell};
use crate::receipt::{self, rmq_receipt_t};

/// Success; no error object has this code.
pub const RMQ_OK: i32 = 0;
/// An argument is NULL, is not UTF-8, or is outside its range; the message names it.
pub const RMQ_ERR_INVALID_ARGUMENT: i32 = 1;
/// The configuration has no key of this name, and the message names the nearest one; or the statistics have no such
/// number.
pub const RMQ_ERR_UNKNOWN_KEY: i32 = 2;
/// The value does not fit its configuration key; the message names the range.
pub const RMQ_ERR_INVALID_VALUE: i32 = 3;
/// The message breaks a rule of topics, bodies or properties; nothing was sent.
pub const RMQ_ERR_MESSAGE_ILLEGAL: i32 = 4;
/// Another producer of the same client id (`client.ip`, `instance.name`) has this group.
pub const RMQ_ERR_GROUP_CONFLICT: i32 = 5;
/// The producer is closed, or was closed before the send had its outcome.
pub const RMQ_ERR_CLOSED: i32 = 6;
/// The handle was made before `fork` and is used in the child.
pub const RMQ_ERR_FORKED: i32 = 7;
/// The call would wait for the very callback it was made from, or comes from a hook, where nothing may send or wait.
pub const RMQ_ERR_WOULD_DEADLOCK: i32 = 8;
/// `in.flight.max.messages` or `in.flight.max.bytes` is reached.
pub const RMQ_ERR_QUEUE_FULL: i32 = 9;
/// The deadline of the call passed.
pub const RMQ_ERR_TIMEOUT: i32 = 10;
/// No name server address is configured, or the look-up has given none yet.
pub const RMQ_ERR_NO_NAME_SERVER: i32 = 11;
/// No name server could be asked: unreachable, silent or failing.
pub const RMQ_ERR_NAME_SERVER: i32 = 12;
/// The topic has no route, or no queue that may be written.
pub const RMQ_ERR_NO_ROUTE: i32 = 13;
/// No connection to the broker could be made.
pub const RMQ_ERR_CONNECT: i32 = 14;
/// The connection broke while the request was under way.
pub const RMQ_ERR_CONNECTION_LOST: i32 = 15;
/// The broker answered with an error code: `rmq_error_broker_code` and `rmq_error_remark` have its words.
pub const RMQ_ERR_BROKER: i32 = 16;
/// The peer sent something that is not the remoting protocol.
pub const RMQ_ERR_PROTOCOL: i32 = 17;
/// The operating system refused a thread, a descriptor or memory.
pub const RMQ_ERR_SYSTEM: i32 = 18;
/// A defect of the library; please report it.
pub const RMQ_ERR_INTERNAL: i32 = 19;
/// A hook or a selector of the program refused the message.
pub const RMQ_ERR_FORBIDDEN: i32 = 20;
/// The cluster does not accept the credentials, or they do not permit this; or there are no credentials.
pub const RMQ_ERR_ACCESS_DENIED: i32 = 21;

/// No broker can have stored the message: nothing was written, or every broker refused it.
pub const RMQ_NOT_PERSISTED: i32 = 0;
/// A request was written and its answer never came: the message may be stored.
pub const RMQ_POSSIBLY_PERSISTED: i32 = 1;
/// A broker said that it holds the message.
pub const RMQ_PERSISTED: i32 = 2;

/// An error with all that is known about it. NULL stands for success.
///
/// An error object never changes and may be read by any number of threads. Those that functions return and that
/// stand in an `rmq_event_t` are yours: end them with `rmq_error_destroy`. Those that callbacks get are
/// borrowed: they live until the callback returns; `rmq_error_clone` makes one that stays.
pub struct rmq_error_t {
    _opaque: [u8; 0],
}

/// An attempt of a send that failed.
///
/// Start with `rmq_failed_attempt_t attempt = RMQ_FAILED_ATTEMPT_INIT;`. The texts live as long as the error object.
#[repr(C)]
pub struct rmq_failed_attempt_t {
    /// Set by `RMQ_FAILED_ATTEMPT_INIT`: the size of the struct in your header.
    pub struct_size: u32,
    /// The kind of the failure: one of `RMQ_ERR_*`. `RMQ_ERR_BROKER` too where the message was stored, but not as
    /// safely as the key `retry.another.broker.when.not.store.ok` asks.
    pub code: i32,
    /// The response code of the broker; -1 if it did not answer.
    pub broker_code: i32,
    /// Zero.
    pub reserved: i32,
    /// How long the attempt took, in microseconds.
    pub elapsed_us: i64,
    /// The broker that was chosen.
    pub broker_name: *const c_char,
    /// Its address, `host:port`; empty if no route named a master.
    pub broker_address: *const c_char,
    /// Why it failed.
    pub message: *const c_char,
}

impl SizedStruct for rmq_failed_attempt_t {
    const SMALLEST: usize = offset_of!(Self, message) + size_of::<*const c_char>();

    fn initial() -> Self {
        Self {
            struct_size: 0,
            code: RMQ_OK,
            broker_code: -1,
            reserved: 0,
            elapsed_us: 0,
            broker_name: ptr::null(),
            broker_address: ptr::null(),
            message: ptr::null(),
        }
    }
}

/// Why a call failed, and what it did nevertheless.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Of the messages of a batch: the position and the receipt of each that is stored.
    pub(crate) stored: Vec<(usize, Receipt)>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, stored: Vec::new() }
    }
}

/// What is behind an error object. Texts get their NUL when they are asked for the first time; who asks never waits
/// for another, so that a fork in the middle of it leaves the child no wait without an end.
pub(crate) struct ErrorObject {
    error: Error,
    stored: Option<Arc<[(usize, Receipt)]>>,
    owned: bool,
    message: OnceBox<CString>,
    remark: OnceBox<CString>,
    broker_address: OnceBox<CString>,
    history: OnceBox<Vec<AttemptTexts>>,
}

struct AttemptTexts {
    broker_name: CString,
    broker_address: CString,
    message: CString,
}

impl Handle for rmq_error_t {
    type Inner = ErrorObject;
    const MARK: u64 = u64::from_le_bytes(*b"\x01rmqerr!");
    const NAME: &'static str = "rmq_error_t";
    const SURVIVES_FORK: bool = true;

    fn may_end(object: &ErrorObject) -> bool {
        object.owned
    }
}

impl ErrorObject {
    const fn new(error: Error, owned: bool) -> Self {
        Self {
            error,
            stored: None,
            owned,
            message: OnceBox::new(),
            remark: OnceBox::new(),
            broker_address: OnceBox::new(),
            history: OnceBox::new(),
        }
    }

    fn stored(&self) -> &[(usize, Receipt)] {
        self.stored.as_deref().unwrap_or_default()
    }
}

/// The frequent errors: objects that live as long as the process, so that reporting them allocates nothing.
static FREQUENT: [Shell<rmq_error_t>; 4] = [
    Shell::new(ErrorObject::new(Error::queue_full(), false), 0),
    Shell::new(ErrorObject::new(Error::closed(), false), 0),
    Shell::new(ErrorObject::new(Error::forked(), false), 0),
    Shell::new(ErrorObject::new(Error::would_deadlock(), false), 0),
];

impl rmq_error_t {
    /// Gives an error object to the caller.
    pub(crate) fn from_error(error: Error) -> *mut Self {
        let frequent = match error.code() {
            _ if !error.is_static() => None,
            ErrorCode::QueueFull => Some(&FREQUENT[0]),
            ErrorCode::Closed => Some(&FREQUENT[1]),
            ErrorCode::Forked => Some(&FREQUENT[2]),
            ErrorCode::WouldDeadlock => Some(&FREQUENT[3]),
            _ => None,
        };
        match frequent {
            Some(shell) => shell.as_handle().cast_mut(),
            None => Self::give(ErrorObject::new(error, true)),
        }
    }

    /// The same for a call that did something in spite of its error.
    pub(crate) fn from_failure(failure: Failure) -> *mut Self {
        match failure.stored.as_slice() {
            [] => Self::from_error(failure.error),
            _ => Self::from_parts(failure.error, failure.stored.into()),
        }
    }

    fn from_parts(error: Error, stored: Arc<[(usize, Receipt)]>) -> *mut Self {
        Self::give(ErrorObject { stored: Some(stored), ..ErrorObject::new(error, true) })
    }

    /// Shows an error to a callback; the object is gone when the callback has returned. Allocates nothing.
    pub(crate) fn lend<R>(error: Error, callback: impl FnOnce(*const Self) -> R) -> R {
        let shell = Shell::new(ErrorObject::new(error, false), 0);
        let result = callback(shell.as_handle());
        shell.mark_destroyed();
        result
    }
}

/// The text with a NUL, kept once per object. Names of brokers are what a peer says; a NUL inside would end them.
fn c_text(place: &OnceBox<CString>, text: &str) -> *const c_char {
    place.get_or_init(|| Box::new(to_c(text))).as_ptr()
}

fn to_c(text: &str) -> CString {
    CString::new(shown(text, usize::MAX).into_owned()).unwrap_or_default()
}

const EMPTY: &CStr = c"";

/// Ends an error object.
///
/// Does nothing with NULL, with the errors of a callback, and with the frequent errors that the library keeps
/// for ever: call it on every error that a function returned and do not care which it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_destroy(error: *mut rmq_error_t) {
    armour!(rmq_error_destroy(error: ending) unless_null {
        drop(error);
        Ok(())
    })
}

/// Another object with the same content, for a callback that wants to keep its error. End it with
/// `rmq_error_destroy`. NULL for NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_clone(error: *const rmq_error_t) -> *mut rmq_error_t {
    armour!(rmq_error_clone(error: optional_handle) or [ptr::null_mut()] {
        Ok(error.map_or(ptr::null_mut(), |object| match &object.stored {
            None => rmq_error_t::from_error(object.error.clone()),
            Some(stored) => rmq_error_t::from_parts(object.error.clone(), Arc::clone(stored)),
        }))
    })
}

/// The kind: one of `RMQ_ERR_*`; `RMQ_OK` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_code(error: *const rmq_error_t) -> i32 {
    armour!(rmq_error_code(error: handle) or [RMQ_OK] { Ok(error.error.code() as i32) })
}

/// The name of the kind, for example `"QUEUE_FULL"`; `"OK"` for NULL. Lives as long as the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_name(error: *const rmq_error_t) -> *const c_char {
    armour!(rmq_error_name(error: handle) or [code_name(RMQ_OK).as_ptr()] {
        Ok(code_name(error.error.code() as i32).as_ptr())
    })
}

/// The name of a code, for example `"TIMEOUT"` for `RMQ_ERR_TIMEOUT`, `"OK"` for `RMQ_OK`; `"UNKNOWN"` for a
/// number that is no code. Lives as long as the process.
#[unsafe(no_mangle)]
pub extern "C" fn rmq_error_code_name(code: i32) -> *const c_char {
    armour!(rmq_error_code_name() or [EMPTY.as_ptr()] { Ok(code_name(code).as_ptr()) })
}

/// One sentence for people: what failed, where, why. Empty for NULL. Lives as long as the object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_message(error: *const rmq_error_t) -> *const c_char {
    armour!(rmq_error_message(error: handle) or [EMPTY.as_ptr()] {
        Ok(c_text(&error.message, error.error.message()))
    })
}

/// The response code of the broker or name server that refused; -1 if none answered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_broker_code(error: *const rmq_error_t) -> i32 {
    armour!(rmq_error_broker_code(error: handle) or [-1] { Ok(error.error.broker_code().unwrap_or(-1)) })
}

/// The text that came with the broker code; empty if there is none. Lives as long as the object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_remark(error: *const rmq_error_t) -> *const c_char {
    armour!(rmq_error_remark(error: handle) or [EMPTY.as_ptr()] {
        Ok(c_text(&error.remark, error.error.remark().unwrap_or_default()))
    })
}

/// `host:port` of the broker or name server that was spoken to last; empty if there was none. Lives as long as
/// the object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_broker_address(error: *const rmq_error_t) -> *const c_char {
    armour!(rmq_error_broker_address(error: handle) or [EMPTY.as_ptr()] {
        Ok(c_text(&error.broker_address, error.error.broker_address().unwrap_or_default()))
    })
}

/// How many attempts were made, those that a hook refused among them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_attempts(error: *const rmq_error_t) -> u32 {
    armour!(rmq_error_attempts(error: handle) or [0] { Ok(error.error.attempts()) })
}

/// Milliseconds from the call to the outcome; 0 where nothing was waited for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_elapsed_ms(error: *const rmq_error_t) -> i64 {
    armour!(rmq_error_elapsed_ms(error: handle) or [0] {
        Ok(i64::try_from(error.error.elapsed().as_millis()).unwrap_or(i64::MAX))
    })
}

/// 1 if the same call may succeed later without a change, else 0. Look at `rmq_error_persistence` before you
/// send again: the message may be stored already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_is_retriable(error: *const rmq_error_t) -> i32 {
    armour!(rmq_error_is_retriable(error: handle) or [0] { Ok(i32::from(error.error.is_retriable())) })
}

/// Whether the message may be stored in spite of the error: `RMQ_NOT_PERSISTED`, `RMQ_POSSIBLY_PERSISTED` or
/// `RMQ_PERSISTED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_persistence(error: *const rmq_error_t) -> i32 {
    armour!(rmq_error_persistence(error: handle) or [Persistence::NotPersisted as i32] {
        Ok(error.error.persistence() as i32)
    })
}

/// How many failed attempts of the send the error tells of, in order; 0 for NULL and where nothing was attempted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_history_count(error: *const rmq_error_t) -> usize {
    armour!(rmq_error_history_count(error: handle) or [0] { Ok(error.error.history().len()) })
}

/// Describes the failed attempt number `index`, from 0 to `rmq_error_history_count()` - 1; the last one is that of
/// the error itself.
///
/// Errors: `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_history(
    error: *const rmq_error_t,
    index: usize,
    out: *mut rmq_failed_attempt_t,
) -> *mut rmq_error_t {
    armour!(rmq_error_history(error: handle, out: array) {
        let at = |name| Argument { function: "rmq_error_history", name };
        // SAFETY: the caller promises a struct that begins with its size.
        let size = unsafe { arguments::struct_size(out, at("out"))? };
        let history = error.error.history();
        let attempt = nth(history, index, at("index"))?;
        let texts = error.history.get_or_init(|| Box::new(history.iter().map(AttemptTexts::of).collect()));
        let texts = &texts[index];
        let attempt = rmq_failed_attempt_t {
            struct_size: size as u32,
            code: attempt.code as i32,
            broker_code: attempt.broker_code.unwrap_or(-1),
            reserved: 0,
            elapsed_us: i64::try_from(attempt.elapsed.as_micros()).unwrap_or(i64::MAX),
            broker_name: texts.broker_name.as_ptr(),
            broker_address: texts.broker_address.as_ptr(),
            message: texts.message.as_ptr(),
        };
        // SAFETY: the caller promises a struct of the size it wrote into it.
        unsafe { arguments::fill_struct(out, size, |place| place.write(attempt)) };
        Ok(())
    })
}

/// How many messages are stored in spite of the error of an `rmq_send_batch`; 0 for other errors and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_stored_count(error: *const rmq_error_t) -> usize {
    armour!(rmq_error_stored_count(error: handle) or [0] { Ok(error.stored().len()) })
}

/// The stored message number `index`, from 0 to `rmq_error_stored_count()` - 1, in the order of the batch: writes
/// its position in the batch to `out_position` and its receipt to `out`, which may be NULL.
///
/// Errors: `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_error_stored(
    error: *const rmq_error_t,
    index: usize,
    out_position: *mut usize,
    out: *mut rmq_receipt_t,
) -> *mut rmq_error_t {
    armour!(rmq_error_stored(error: handle, out_position: out, out: optional_array) {
        let at = |name| Argument { function: "rmq_error_stored", name };
        let (position, receipt) = nth(error.stored(), index, at("index"))?;
        if let Some(out) = out {
            // SAFETY: the caller promises a struct that begins with its size, and as many bytes.
            unsafe {
                let size = arguments::struct_size(out, at("out"))?;
                arguments::fill_struct(out, size, |place| receipt::write(receipt, place));
            }
        }
        out_position.write(*position);
        Ok(())
    })
}

impl AttemptTexts {
    fn of(attempt: &FailedAttempt) -> Self {
        Self {
            broker_name: to_c(&attempt.broker_name),
            broker_address: to_c(&attempt.broker_address),
            message: to_c(&attempt.message),
        }
    }
}

fn nth<T>(items: &[T], index: usize, at: Argument) -> Result<&T, Error> {
    items.get(index).ok_or_else(|| at.refuse(format_args!("is {index}, there are {}", items.len())))
}

fn code_name(code: i32) -> &'static CStr {
    static NAMES: OnceBox<Vec<CString>> = OnceBox::new();
    if code == RMQ_OK {
        return c"OK";
    }
    let names = NAMES.get_or_init(|| {
        Box::new(ErrorCode::ALL.iter().map(|code| CString::new(code.name()).unwrap_or_default()).collect())
    });
    let position = ErrorCode::ALL.iter().position(|known| *known as i32 == code);
    position.map_or(c"UNKNOWN", |position| names[position].as_c_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_every_code_and_persistence_of_the_core() {
        let header = include_str!("../include/rmq.h");
        for code in ErrorCode::ALL {
            let line = format!("#define RMQ_ERR_{} {}\n", code.name(), *code as i32);
            assert!(header.contains(&line), "{line}");
        }
        assert_eq!(header.matches("#define RMQ_ERR_").count(), ErrorCode::ALL.len());
        for (name, value) in [
            ("NOT_PERSISTED", Persistence::NotPersisted),
            ("POSSIBLY_PERSISTED", Persistence::PossiblyPersisted),
            ("PERSISTED", Persistence::Persisted),
        ] {
            assert!(header.contains(&format!("#define RMQ_{name} {}\n", value as i32)), "{name}");
        }
    }

    #[test]
    fn frequent_errors_are_the_same_object_each_time_and_survive_their_end() {
        for error in [Error::queue_full(), Error::closed(), Error::forked(), Error::would_deadlock()] {
            let object = rmq_error_t::from_error(error.clone());
            assert_eq!(object, rmq_error_t::from_error(error.clone()));
            // SAFETY: a live error object, before and after a destroy that does nothing.
            unsafe {
                rmq_error_destroy(object);
                assert_eq!(rmq_error_code(object), error.code() as i32);
                assert_eq!(rmq_error_clone(object), object);
            }
        }
    }

    #[test]
    fn a_lent_error_is_not_live_after_the_callback() {
        let shell = Shell::<rmq_error_t>::new(ErrorObject::new(Error::closed(), false), 0);
        // SAFETY: memory that stays, live and then ended.
        unsafe {
            assert_eq!(rmq_error_code(shell.as_handle()), ErrorCode::Closed as i32);
            shell.mark_destroyed();
            assert_eq!(rmq_error_code(shell.as_handle()), RMQ_OK);
        }
    }

    #[test]
    fn a_nul_in_a_text_is_written_out() {
        let object = rmq_error_t::from_error(Error::new(ErrorCode::System, "before\0after"));
        // SAFETY: a live error object, destroyed once at the end.
        unsafe {
            assert_eq!(CStr::from_ptr(rmq_error_message(object)), cr"before\u{0}after");
            rmq_error_destroy(object);
        }
    }
}
