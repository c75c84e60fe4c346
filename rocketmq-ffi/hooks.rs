//! Hooks: functions of the program around each attempt of a send.

use std::ffi::{c_char, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rocketmq_producer::hooks::{CheckForbiddenHook, SendAttempt, SendMessageHook, SendMode, SendOutcome};
use rocketmq_producer::shown;
use rocketmq_producer::sync::Mutex;

use crate::arguments::{Argument, SizedStruct};
use crate::armour::armour;
use crate::config::rmq_config_t;
use crate::error::rmq_error_t;
use crate::handle::{Handle, Shell};
use crate::inside_hook;
use crate::opaque::{Opaque, rmq_finalizer_fn};
use crate::reason::Reason;
use crate::receipt::{self, rmq_receipt_t};

/// The program waits for the outcome.
pub const RMQ_MODE_SYNC: i32 = 0;
/// The outcome is told later.
pub const RMQ_MODE_ASYNC: i32 = 1;
/// There is no outcome.
pub const RMQ_MODE_ONEWAY: i32 = 2;

/// An attempt of a send, as hooks see it. It and all it points to live until the hook returns.
#[repr(C)]
pub struct rmq_send_attempt_t {
    /// The size of the struct in the library that runs: members beyond it are not there.
    pub struct_size: u32,
    /// How the message is sent: one of `RMQ_MODE_*`.
    pub mode: i32,
    /// 1 for the first attempt of the message.
    pub number: u32,
    /// The queue that was chosen.
    pub queue_id: i32,
    /// The producer group.
    pub group: *const c_char,
    /// The topic, as the message names it.
    pub topic: *const c_char,
    /// The unique id of the message, equal over all attempts.
    pub message_id: *const c_char,
    /// The broker that was chosen.
    pub broker_name: *const c_char,
    /// Its address, `host:port`.
    pub broker_address: *const c_char,
    /// All properties as they travel, but for those of hooks: name, U+0001, value, U+0002, and so on.
    pub properties: *const c_char,
    /// The body as it travels, compressed if it is.
    pub body: *const c_void,
    /// Its length in bytes.
    pub body_len: usize,
}

/// The properties that `rmq_before_send_fn` adds to one attempt. Lives until the hook returns.
pub struct rmq_added_properties_t {
    _opaque: [u8; 0],
}

impl Handle for rmq_added_properties_t {
    type Inner = Mutex<Vec<(String, String)>>;
    const MARK: u64 = u64::from_le_bytes(*b"\x01rmqadd!");
    const NAME: &'static str = "rmq_added_properties_t";
    const SURVIVES_FORK: bool = true;

    fn may_end(_: &Self::Inner) -> bool {
        false
    }
}

/// Sees an attempt before it is made; `rmq_add_property` with `added` gives it further properties.
///
/// This and the next two are hooks. They are called in the send call or on the I/O thread, from several threads at
/// once: they must be quick and must not wait. They may call `rmq_add_property` and the functions of errors; those of
/// producers that send or wait answer `WOULD_DEADLOCK`. They must return; no C++ exception may leave them.
pub type rmq_before_send_fn = Option<
    unsafe extern "C" fn(
        attempt: *const rmq_send_attempt_t,
        added: *mut rmq_added_properties_t,
        opaque: *mut c_void,
    ),
>;

/// Sees the outcome of an attempt, once for each that `rmq_before_send_fn` saw: `error` is NULL if the message is
/// stored, `receipt` is NULL if the attempt failed, which another one may follow. Both are NULL for a one-way message
/// that is written. They live until the hook returns.
pub type rmq_after_send_fn = Option<
    unsafe extern "C" fn(
        attempt: *const rmq_send_attempt_t,
        error: *const rmq_error_t,
        receipt: *const rmq_receipt_t,
        opaque: *mut c_void,
    ),
>;

/// Says whether an attempt may be made: 0 if it may. Otherwise it fails as `FORBIDDEN`, with what the hook wrote to
/// `reason`: room for `reason_len` bytes, at first empty, for a UTF-8 text that ends with NUL. Another attempt, perhaps
/// with another queue, may follow and is asked for again.
pub type rmq_check_forbidden_fn = Option<
    unsafe extern "C" fn(
        attempt: *const rmq_send_attempt_t,
        reason: *mut c_char,
        reason_len: usize,
        opaque: *mut c_void,
    ) -> i32,
>;

type BeforeFn = unsafe extern "C" fn(*const rmq_send_attempt_t, *mut rmq_added_properties_t, *mut c_void);
type AfterFn =
    unsafe extern "C" fn(*const rmq_send_attempt_t, *const rmq_error_t, *const rmq_receipt_t, *mut c_void);
type CheckFn = unsafe extern "C" fn(*const rmq_send_attempt_t, *mut c_char, usize, *mut c_void) -> i32;

struct SendHook {
    before: Option<BeforeFn>,
    after: Option<AfterFn>,
    opaque: Opaque,
}

impl SendMessageHook for SendHook {
    fn before(&self, attempt: &SendAttempt<'_>, added: &mut Vec<(String, String)>) {
        let Some(before) = self.before else { return };
        let shell = Shell::<rmq_added_properties_t>::new(Mutex::new(Vec::new()), 0);
        let place = shell.as_handle().cast_mut();
        // SAFETY: the caller's function with its opaque pointer; what it is shown lives until it returns.
        show(attempt, |attempt| unsafe { before(attempt, place, self.opaque.get()) });
        shell.mark_destroyed();
        added.append(&mut shell.inner().lock());
    }

    fn after(&self, attempt: &SendAttempt<'_>, outcome: SendOutcome<'_>) {
        let Some(after) = self.after else { return };
        let call = |attempt, error, receipt| {
            // SAFETY: the caller's function with its opaque pointer; what it is shown lives until it returns.
            unsafe { after(attempt, error, receipt, self.opaque.get()) }
        };
        show(attempt, |attempt| match outcome {
            SendOutcome::Stored(receipt) => {
                let mut place = rmq_receipt_t::initial();
                place.struct_size = size_of::<rmq_receipt_t>() as u32;
                // SAFETY: a whole receipt of our own.
                unsafe { receipt::write(receipt, NonNull::from(&mut place)) };
                call(attempt, ptr::null(), &raw const place);
            }
            SendOutcome::Failed(error) => {
                rmq_error_t::lend(error.clone(), |error| call(attempt, error, ptr::null()));
            }
            SendOutcome::Written => call(attempt, ptr::null(), ptr::null()),
        });
    }
}

struct ForbiddenHook {
    function: CheckFn,
    opaque: Opaque,
}

impl CheckForbiddenHook for ForbiddenHook {
    fn check(&self, attempt: &SendAttempt<'_>) -> Result<(), String> {
        let mut reason = Reason::new();
        let (room, room_len) = reason.room();
        // SAFETY: the caller's function with its opaque pointer; what it is shown lives until it returns.
        let verdict =
            show(attempt, |attempt| unsafe { (self.function)(attempt, room, room_len, self.opaque.get()) });
        if verdict == 0 {
            return Ok(());
        }
        Err(reason.text(verdict))
    }
}

/// Shows an attempt to a hook.
fn show<R>(attempt: &SendAttempt<'_>, hook: impl FnOnce(*const rmq_send_attempt_t) -> R) -> R {
    // What a peer says, for printing.
    let (broker_name, broker_address) =
        (shown(attempt.broker_name, usize::MAX), shown(attempt.broker_address, usize::MAX));
    let texts =
        [attempt.group, attempt.topic, attempt.message_id, &broker_name, &broker_address, attempt.properties];
    let mut memory = Vec::with_capacity(texts.iter().map(|text| text.len() + 1).sum());
    let starts = texts.map(|text| {
        let start = memory.len();
        memory.extend_from_slice(text.as_bytes());
        memory.push(0);
        start
    });
    let [group, topic, message_id, broker_name, broker_address, properties] =
        starts.map(|start| memory[start..].as_ptr().cast::<c_char>());
    let shown = rmq_send_attempt_t {
        struct_size: size_of::<rmq_send_attempt_t>() as u32,
        mode: match attempt.mode {
            SendMode::Sync => RMQ_MODE_SYNC,
            SendMode::Async => RMQ_MODE_ASYNC,
            SendMode::Oneway => RMQ_MODE_ONEWAY,
        },
        number: attempt.number,
        queue_id: attempt.queue_id,
        group,
        topic,
        message_id,
        broker_name,
        broker_address,
        properties,
        body: attempt.body.as_ptr().cast(),
        body_len: attempt.body.len(),
    };
    inside_hook::run(|| hook(&raw const shown))
}

/// Adds hooks around each attempt of the sends of producers made from this configuration: `before` and `after`, of
/// which one may be NULL. Hooks are called in the order they were added.
///
/// `opaque` is handed to both and must be usable from any thread. When neither the configuration nor a producer made
/// from it needs it any more, `finalizer` (may be NULL) is called with it, once. After an error the library has not
/// taken `opaque`.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_add_send_hook(
    config: *mut rmq_config_t,
    before: rmq_before_send_fn,
    after: rmq_after_send_fn,
    opaque: *mut c_void,
    finalizer: rmq_finalizer_fn,
) -> *mut rmq_error_t {
    armour!(rmq_config_add_send_hook(config: handle) {
        if before.is_none() && after.is_none() {
            let at = Argument { function: "rmq_config_add_send_hook", name: "before" };
            return Err(at.refuse("is NULL, and after too"));
        }
        let mut values = config.lock()?;
        let hook = SendHook { before, after, opaque: Opaque::new(opaque, finalizer) };
        values.core.add_send_message_hook(Arc::new(hook));
        Ok(())
    })
}

/// Adds a hook that is asked before each attempt of the sends of producers made from this configuration, and before the
/// hooks of `rmq_config_add_send_hook`, whether it may be made. Several are asked in the order they were added,
/// until one refuses.
///
/// `opaque` and `finalizer` are as with `rmq_config_add_send_hook`.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_add_check_forbidden_hook(
    config: *mut rmq_config_t,
    function: rmq_check_forbidden_fn,
    opaque: *mut c_void,
    finalizer: rmq_finalizer_fn,
) -> *mut rmq_error_t {
    armour!(rmq_config_add_check_forbidden_hook(config: handle, function: callback) {
        let mut values = config.lock()?;
        let hook = ForbiddenHook { function, opaque: Opaque::new(opaque, finalizer) };
        values.core.add_check_forbidden_hook(Arc::new(hook));
        Ok(())
    })
}

/// Adds a property to the attempt whose `rmq_before_send_fn` got `added`; both texts are copied. Consumers see it.
/// A text that is blank or has U+0001 or U+0002 in it is left out, which the log tells.
///
/// Errors: `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_add_property(
    added: *mut rmq_added_properties_t,
    name: *const c_char,
    value: *const c_char,
) -> *mut rmq_error_t {
    armour!(rmq_add_property(added: handle, name: text, value: text) {
        added.lock().push((name.to_owned(), value.to_owned()));
        Ok(())
    })
}
