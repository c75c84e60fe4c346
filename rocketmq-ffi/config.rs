//! Configuration objects and the table of keys.

use std::ffi::{CString, c_char, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::Arc;

use once_cell::race::OnceBox;
use rocketmq_producer::sync::{Mutex, MutexGuard};
use rocketmq_producer::{Config, Error, ErrorCode, sys};

use crate::arguments::{self, Argument, SizedStruct};
use crate::armour::armour;
use crate::callbacks::{WritableCallback, rmq_writable_fn};
use crate::error::rmq_error_t;
use crate::handle::Handle;
use crate::log::{CallbackSink, rmq_log_fn};
use crate::opaque::{Opaque, rmq_finalizer_fn};

/// A configuration: a value for every key, each checked when it is set.
///
/// A producer copies it when it is made; afterwards it may be changed for the next one or be destroyed. May be
/// used from several threads.
pub struct rmq_config_t {
    _opaque: [u8; 0],
}

impl Handle for rmq_config_t {
    type Inner = ConfigObject;
    const MARK: u64 = u64::from_le_bytes(*b"\x01rmqcfg!");
    const NAME: &'static str = "rmq_config_t";
    const SURVIVES_FORK: bool = true;
}

/// What is behind a configuration.
pub(crate) struct ConfigObject {
    values: Mutex<ConfigValues>,
    generation: u64,
}

/// What a producer copies.
#[derive(Clone)]
pub(crate) struct ConfigValues {
    pub(crate) core: Config,
    pub(crate) writable: Option<Arc<WritableCallback>>,
}

impl ConfigObject {
    fn new() -> Self {
        let values = ConfigValues { core: Config::new(), writable: None };
        Self { values: Mutex::new(values), generation: sys::fork_generation() }
    }

    /// The values. A thread of the parent that held the lock at the fork never gives it back in
    /// the child: `FORKED`.
    pub(crate) fn lock(&self) -> Result<MutexGuard<'_, ConfigValues>, Error> {
        match self.values.try_lock() {
            Some(values) => Ok(values),
            None if sys::is_forked(self.generation) => Err(Error::forked()),
            None => Ok(self.values.lock()),
        }
    }
}

/// A configuration key. The texts live as long as the process.
///
/// Start with `rmq_config_key_t key = RMQ_CONFIG_KEY_INIT;`.
#[repr(C)]
pub struct rmq_config_key_t {
    /// Set by `RMQ_CONFIG_KEY_INIT`: the size of the struct in your header.
    pub struct_size: u32,
    /// 1 if the value must not be shown (passwords), else 0.
    pub secret: i32,
    /// The name, for example `"send.timeout.ms"`.
    pub name: *const c_char,
    /// What a value looks like: `"text"`, `"integer"`, `"boolean"` or `"choice"`.
    pub kind: *const c_char,
    /// The value of a key that is not set; empty if there is none.
    pub default_value: *const c_char,
    /// The values allowed, for people: `"0 to 100"`, `"fail, wait"`, or the rule of a text.
    pub range: *const c_char,
    /// The unit of an integer: `"ms"`, `"bytes"` and so on; empty for other kinds.
    pub unit: *const c_char,
    /// What the Java client calls it; empty if it has nothing like it.
    pub java_name: *const c_char,
    /// What the key does, in plain sentences.
    pub text: *const c_char,
}

impl SizedStruct for rmq_config_key_t {
    const SMALLEST: usize = offset_of!(Self, text) + size_of::<*const c_char>();

    fn initial() -> Self {
        let none = ptr::null();
        Self {
            struct_size: 0,
            secret: 0,
            name: none,
            kind: none,
            default_value: none,
            range: none,
            unit: none,
            java_name: none,
            text: none,
        }
    }
}

/// Makes a configuration in which every key has its default.
///
/// End it with `rmq_config_destroy`. Errors: `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_new(out: *mut *mut rmq_config_t) -> *mut rmq_error_t {
    armour!(rmq_config_new(out: out) {
        out.write(rmq_config_t::give(ConfigObject::new()));
        Ok(())
    })
}

/// Ends a configuration. Producers made from it are not touched. Does nothing with NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_destroy(config: *mut rmq_config_t) {
    armour!(rmq_config_destroy(config: ending) unless_null {
        drop(config);
        Ok(())
    })
}

/// Sets a key to a value, both UTF-8; both are copied. The keys are listed in the manual and by
/// `rmq_config_key`.
///
/// An empty value puts a text key back to its default. After an error the configuration is unchanged.
///
/// Errors: `UNKNOWN_KEY` names the nearest key there is; `INVALID_VALUE` names the key, the value and the range
/// or rule it breaks; `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_set(
    config: *mut rmq_config_t,
    key: *const c_char,
    value: *const c_char,
) -> *mut rmq_error_t {
    armour!(rmq_config_set(config: handle, key: text, value: text) { config.lock()?.core.set(key, value) })
}

/// Copies the value of a key (as set, or its default; empty if it has neither) into `buffer`, with a NUL at the
/// end, and its length without the NUL into `out_len`.
///
/// With a `buffer` of NULL and a `buffer_len` of 0 it only tells the length.
///
/// Errors: `UNKNOWN_KEY` names the nearest key there is; `FORKED`; `INVALID_ARGUMENT`, also when `buffer_len`
/// is too small (the message names the room that is needed).
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_get(
    config: *const rmq_config_t,
    key: *const c_char,
    buffer: *mut c_char,
    buffer_len: usize,
    out_len: *mut usize,
) -> *mut rmq_error_t {
    armour!(rmq_config_get(config: handle, key: text, buffer: optional_array, out_len: out) {
        let value = config.lock()?.core.get(key)?.unwrap_or_default();
        let at = |name| Argument { function: "rmq_config_get", name };
        match buffer {
            None if buffer_len > 0 => return Err(at("buffer").refuse("is NULL")),
            None => {}
            Some(_) if buffer_len <= value.len() => {
                let why = format_args!("is {buffer_len}, the value needs {}", value.len() + 1);
                return Err(at("buffer_len").refuse(why));
            }
            // SAFETY: the caller promises `buffer_len` writable bytes, which is more than the value has.
            Some(buffer) => unsafe {
                std::ptr::copy_nonoverlapping(value.as_ptr(), buffer.as_ptr().cast(), value.len());
                buffer.add(value.len()).write(0);
            },
        }
        out_len.write(value.len());
        Ok(())
    })
}

/// Sends the log lines of producers made from this configuration to `function`, those at and above `log.level`.
///
/// `opaque` is handed to every call and must be usable from any thread. When neither the configuration nor a
/// producer made from it needs it any more, `finalizer` (may be NULL) is called with it, once. A `function` of
/// NULL takes an earlier one away, and the `opaque` and `finalizer` given with it are ignored: then only warnings
/// and errors are written, to standard error, a few lines at a time. After an error the library has not taken `opaque`.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_set_log(
    config: *mut rmq_config_t,
    function: rmq_log_fn,
    opaque: *mut c_void,
    finalizer: rmq_finalizer_fn,
) -> *mut rmq_error_t {
    armour!(rmq_config_set_log(config: handle) {
        let mut values = config.lock()?;
        let sink = function
            .map(|function| Arc::new(CallbackSink::new(function, Opaque::new(opaque, finalizer))) as Arc<_>);
        // An earlier function's finalizer runs at the end, when the lock is free again.
        let earlier = values.core.clone();
        values.core.set_log(sink);
        drop(values);
        drop(earlier);
        Ok(())
    })
}

/// How many configuration keys there are.
#[unsafe(no_mangle)]
pub extern "C" fn rmq_config_key_count() -> usize {
    armour!(rmq_config_key_count() or [0] { Ok(Config::keys().len()) })
}

/// Describes the configuration key number `index`, from 0 to `rmq_config_key_count()` - 1, in the order of the
/// manual.
///
/// Errors: `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_key(index: usize, out: *mut rmq_config_key_t) -> *mut rmq_error_t {
    armour!(rmq_config_key(out: array) {
        let at = |name| Argument { function: "rmq_config_key", name };
        // SAFETY: not NULL and aligned; the caller promises a struct that begins with its size.
        let struct_size = unsafe { arguments::struct_size(out, at("out"))? };
        let described = descriptions().get(index).ok_or_else(|| {
            at("index").refuse(format_args!("is {index}, there are {} keys", Config::keys().len()))
        })?;
        let text = |text: &CString| text.as_ptr();
        let key = rmq_config_key_t {
                struct_size: struct_size as u32,
                secret: i32::from(described.secret),
                name: text(&described.texts[0]),
                kind: text(&described.texts[1]),
                default_value: text(&described.texts[2]),
                range: text(&described.texts[3]),
                unit: text(&described.texts[4]),
                java_name: text(&described.texts[5]),
                text: text(&described.texts[6]),
        };
        // SAFETY: the caller promises a struct of the size it wrote into it.
        unsafe { arguments::fill_struct(out, struct_size, |place| place.write(key)) };
        Ok(())
    })
}

/// Has `function` called when there is room within `in.flight.max.messages` and `in.flight.max.bytes` again, once after
/// sends failed with `QUEUE_FULL`, however many did and by whichever function. Each producer made from this configuration
/// calls it for itself, on its delivery thread, which is then made together with the producer.
///
/// `opaque` is handed to every call; with several producers, from several threads. When neither the configuration nor
/// a producer made from it needs it any more, `finalizer` (may be NULL) is called with it, once. A `function` of NULL
/// takes an earlier one away, and the `opaque` and `finalizer` given with it are ignored. After an error the library
/// has not taken `opaque`.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_set_writable(
    config: *mut rmq_config_t,
    function: rmq_writable_fn,
    opaque: *mut c_void,
    finalizer: rmq_finalizer_fn,
) -> *mut rmq_error_t {
    armour!(rmq_config_set_writable(config: handle) {
        let mut values = config.lock()?;
        let callback = WritableCallback::new(function, opaque, finalizer).map(Arc::new);
        let earlier = std::mem::replace(&mut values.writable, callback);
        // The finalizer of an earlier function runs when the lock is free again.
        drop(values);
        drop(earlier);
        Ok(())
    })
}

struct Description {
    secret: bool,
    texts: [CString; 7],
}

/// The table of keys with NUL-terminated texts, kept once.
fn descriptions() -> &'static [Description] {
    static DESCRIPTIONS: OnceBox<Vec<Description>> = OnceBox::new();
    DESCRIPTIONS.get_or_init(|| {
        let describe = |key: &rocketmq_producer::config::Key| {
            let range = key.range();
            let texts = [key.name, key.kind.name(), key.default, &range, key.unit, key.java, key.text];
            Description {
                secret: key.secret,
                texts: texts.map(|text| CString::new(text).unwrap_or_default()),
            }
        };
        Box::new(Config::keys().iter().map(describe).collect())
    })
}

/// The number of mock brokers a producer of this configuration runs on.
pub(crate) fn mock_brokers(config: &Config) -> Result<usize, Error> {
    let text = config.get("test.mock.brokers")?.unwrap_or_default();
    let parsed = text.parse();
    parsed.map_err(|cause| Error::new(ErrorCode::Internal, format!("test.mock.brokers is {text:?}: {cause}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::rmq_error_code;

    #[test]
    fn a_lock_that_was_held_at_the_fork_is_told_in_the_child() {
        let child =
            ConfigObject { generation: sys::fork_generation().wrapping_sub(1), ..ConfigObject::new() };
        assert!(child.lock().is_ok());
        let held = child.values.lock();
        assert_eq!(child.lock().err().map(|error| error.code()), Some(ErrorCode::Forked));
        drop(held);
        assert!(child.lock().is_ok());
    }

    #[test]
    fn an_opaque_pointer_that_was_not_taken_is_not_finalized() {
        unsafe extern "C" fn log(_: i32, _: *const c_char, _: *const c_char, _: *mut c_void) {}
        unsafe extern "C" fn writable(_: *mut c_void) {}
        unsafe extern "C" fn finalize(count: *mut c_void) {
            // SAFETY: the counter below.
            unsafe { *count.cast::<u32>() += 1 };
        }
        let child =
            ConfigObject { generation: sys::fork_generation().wrapping_sub(1), ..ConfigObject::new() };
        let handle = rmq_config_t::give(child);
        let mut finalized = 0_u32;
        let count = (&raw mut finalized).cast::<c_void>();
        // SAFETY: a live handle, functions of the right types, and a counter that outlives their use.
        unsafe {
            let at = Argument { function: "rmq_x", name: "config" };
            let held = arguments::handle(handle, at).unwrap().values.lock();
            for error in [
                rmq_config_set_log(handle, Some(log), count, Some(finalize)),
                rmq_config_set_writable(handle, Some(writable), count, Some(finalize)),
            ] {
                assert_eq!(rmq_error_code(error), ErrorCode::Forked as i32);
            }
            drop(held);
            assert_eq!(*count.cast::<u32>(), 0);
            assert!(rmq_config_set_writable(handle, Some(writable), count, Some(finalize)).is_null());
            rmq_config_destroy(handle);
            assert_eq!(*count.cast::<u32>(), 1);
        }
    }
}
