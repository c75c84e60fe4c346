//! The armour that every entry point wears.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rocketmq_producer::{Error, ErrorCode};

use crate::cancel::{Between, Deferred, Slice, Wait};
use crate::error::{Failure, rmq_error_t};

/// The whole body of an entry point: names the function, says how each argument is checked (a function of
/// [`arguments`](crate::arguments)), and holds the translation, which sees the checked arguments under the
/// same names. Nothing unwinds out of it.
///
/// - `armour!(rmq_x(a: handle, b: text) { … })` ends in `Result<(), Error>` and returns an `rmq_error_t *`;
/// - `armour!(rmq_x(a: handle) fails [F] { … })` ends in `Result<(), F>`, of which such an object is made;
/// - `armour!(rmq_x(a: handle) or [0] { … })` ends in `Result<T, Error>` and returns that neutral value when an
///   argument is refused;
/// - `armour!(rmq_x(a: ending) unless_null { … })` ends in `Result<(), Error>`, and does nothing with NULL;
/// - `armour!(rmq_x(a: shared) waits [handle = a, timeout_ms by SLICE as wait] { … })` runs the translation for slices of the
///   wait (see [`cancel`](crate::cancel)) until it ends in `Ok(Slice::Done(…))` or in an error; the entry point is `C-unwind`.
macro_rules! armour {
    (
        $function:ident ( $($argument:ident : $check:ident),* $(,)? )
        waits [$handle:ident = $pointer:ident, $timeout:ident by $slice:ident as $wait:ident] $body:block
    ) => {{
        let $handle = $pointer;
        $crate::cancel::in_slices($crate::arguments::wait($timeout), $slice, move |$wait| {
            $crate::armour::guard_slice(stringify!($function), $wait, move || {
                $($crate::armour::armour!(@check $function $argument $check);)*
                $body
            })
        })
    }};
    ($function:ident ( $($argument:ident : $check:ident),* $(,)? ) or [$neutral:expr] $body:block) => {
        $crate::armour::guard_or($neutral, move || {
            $($crate::armour::armour!(@check $function $argument $check);)*
            $body
        })
    };
    ($function:ident ( $argument:ident : $check:ident ) unless_null $body:block) => {
        // Before anything else: programs end the error of every call, and nearly all of them are NULL.
        if !$argument.is_null() {
            $crate::armour::armour!($function($argument: $check) or [()] $body)
        }
    };
    ($function:ident ( $($argument:ident : $check:ident),* $(,)? ) $body:block) => {
        $crate::armour::armour!($function($($argument: $check),*) fails [::rocketmq_producer::Error] $body)
    };
    ($function:ident ( $($argument:ident : $check:ident),* $(,)? ) fails [$failure:ty] $body:block) => {
        $crate::armour::guard(stringify!($function), move || -> Result<(), $failure> {
            $($crate::armour::armour!(@check $function $argument $check);)*
            $body
        })
    };
    (@check $function:ident $argument:ident $check:ident) => {
        // SAFETY: the header demands that a pointer is NULL or valid for what its function says; the checks
        // turn NULL and whatever else can be told apart into errors.
        let $argument = unsafe {
            $crate::arguments::$check(
                $argument,
                $crate::arguments::Argument { function: stringify!($function), name: stringify!($argument) },
            )?
        };
    };
}
pub(crate) use armour;

/// As [`guard`], for a slice of a wait; an error if another one is to follow.
pub(crate) fn guard_slice(
    function: &'static str,
    wait: Wait,
    translation: impl FnOnce() -> Result<Slice, Error>,
) -> Result<*mut rmq_error_t, Between> {
    let mut goes_on = None;
    let outcome = guard(function, || {
        wait.begin_slice();
        match translation()? {
            Slice::Passed(_) if !wait.is_last() => {
                goes_on = Some(Between::Nothing);
                Ok(())
            }
            Slice::Asleep(descriptor) => {
                goes_on = Some(Between::Sleep(descriptor));
                Ok(())
            }
            Slice::Passed(outcome) | Slice::Done(outcome) => outcome,
        }
    });
    goes_on.map_or(Ok(outcome), Err)
}

/// Runs the translation; an error or a panic becomes an error object, success becomes NULL.
pub(crate) fn guard<F: Into<Failure>>(
    function: &'static str,
    translation: impl FnOnce() -> Result<(), F>,
) -> *mut rmq_error_t {
    let _deferred = Deferred::new();
    match catch_unwind(AssertUnwindSafe(translation)) {
        Ok(Ok(())) => std::ptr::null_mut(),
        Ok(Err(failure)) => rmq_error_t::from_failure(failure.into()),
        Err(payload) => rmq_error_t::from_error(panicked(function, payload)),
    }
}

/// Runs the translation of a function that has no way to report; a refusal or a panic gives the neutral value.
pub(crate) fn guard_or<T>(neutral: T, translation: impl FnOnce() -> Result<T, Error>) -> T {
    let _deferred = Deferred::new();
    match catch_unwind(AssertUnwindSafe(translation)) {
        Ok(outcome) => outcome.unwrap_or(neutral),
        Err(payload) => {
            // The payload's destructor may panic again, with nobody left to stop it.
            std::mem::forget(payload);
            neutral
        }
    }
}

fn panicked(function: &str, payload: Box<dyn Any + Send>) -> Error {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "no text",
    };
    let error = Error::new(ErrorCode::Internal, format!("{function}: a defect of the library: {text}"));
    std::mem::forget(payload);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{rmq_error_code, rmq_error_destroy};

    #[test]
    fn a_panic_becomes_an_error_and_a_neutral_value() {
        let error = guard::<Error>("rmq_x", || panic!("number {}", 7));
        // SAFETY: `guard` gave the error to us.
        unsafe {
            assert_eq!(rmq_error_code(error), ErrorCode::Internal as i32);
            rmq_error_destroy(error);
        }
        assert_eq!(guard_or(5, || panic!("text")), 5);
        assert_eq!(guard_or(5, || Err(Error::closed())), 5);
        assert!(guard::<Error>("rmq_x", || Ok(())).is_null());
    }
}
