//! The log callback.

use std::ffi::{CString, c_char, c_void};

use rocketmq_producer::{LogLevel, LogSink};

use crate::opaque::Opaque;

/// Something failed that a program's owner must know of.
pub const RMQ_LOG_ERROR: i32 = 1;
/// Something failed and will be tried again, or works worse than it should.
pub const RMQ_LOG_WARN: i32 = 2;
/// Connections, routes and producers that come and go.
pub const RMQ_LOG_INFO: i32 = 3;
/// What is needed to follow one message.
pub const RMQ_LOG_DEBUG: i32 = 4;

/// Takes a line of the log: its level (`RMQ_LOG_*`), the part of the library it comes from (`client`, `hooks`,
/// `producer`, `remoting` or `routing`), and its text without a line end. Both texts live until the function returns.
///
/// Called from any thread, from library threads above all, and from several at once. It must be quick, must not
/// block, and must not call a function of a producer. No C++ exception may leave it.
pub type rmq_log_fn =
    Option<unsafe extern "C" fn(level: i32, target: *const c_char, text: *const c_char, opaque: *mut c_void)>;

type LogFn = unsafe extern "C" fn(i32, *const c_char, *const c_char, *mut c_void);

/// A log function with its opaque pointer; ends with the finalizer.
pub(crate) struct CallbackSink {
    function: LogFn,
    opaque: Opaque,
}

impl CallbackSink {
    pub(crate) fn new(function: LogFn, opaque: Opaque) -> Self {
        Self { function, opaque }
    }
}

impl LogSink for CallbackSink {
    fn log(&self, level: LogLevel, target: &str, text: &str) {
        // Lines have no control characters.
        let c_text = |text: &str| CString::new(text).unwrap_or_default();
        let (target, text) = (c_text(target), c_text(text));
        // SAFETY: the caller's function, with the opaque pointer it came with.
        unsafe { (self.function)(level as i32, target.as_ptr(), text.as_ptr(), self.opaque.get()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_the_numbers_of_the_core() {
        assert_eq!(RMQ_LOG_ERROR, LogLevel::Error as i32);
        assert_eq!(RMQ_LOG_WARN, LogLevel::Warn as i32);
        assert_eq!(RMQ_LOG_INFO, LogLevel::Info as i32);
        assert_eq!(RMQ_LOG_DEBUG, LogLevel::Debug as i32);
    }
}
