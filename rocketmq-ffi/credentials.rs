//! Credentials: set at run time, or given by a function of the program.

use std::error::Error as StdError;
use std::ffi::{c_char, c_void};
use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{Credentials, CredentialsProvider};

use crate::armour::armour;
use crate::config::rmq_config_t;
use crate::error::rmq_error_t;
use crate::handle::{Handle, Shell};
use crate::opaque::{Opaque, rmq_finalizer_fn};
use crate::producer::rmq_producer_t;
use crate::reason::Reason;

/// Where `rmq_credentials_fn` puts its answer. Lives until the function returns.
pub struct rmq_credentials_t {
    _opaque: [u8; 0],
}

impl Handle for rmq_credentials_t {
    type Inner = Mutex<Option<Credentials>>;
    const MARK: u64 = u64::from_le_bytes(*b"\x01rmqcrd!");
    const NAME: &'static str = "rmq_credentials_t";
    const SURVIVES_FORK: bool = true;

    fn may_end(_: &Self::Inner) -> bool {
        false
    }
}

/// Gives credentials: calls `rmq_credentials_set` with `out`, and returns 0. Anything else means that there are none, for what
/// it wrote to `reason`: room for `reason_len` bytes, at first empty, for a UTF-8 text that ends with NUL. Sends that need
/// them fail as `ACCESS_DENIED` with this text, and it is asked again a second later at the earliest.
///
/// It is asked before the first request, again when a fifth of their time is left, and when a broker has refused them; by one
/// thread at a time, which is made for it and may wait. It must return; no C++ exception may leave it.
pub type rmq_credentials_fn = Option<
    unsafe extern "C" fn(
        out: *mut rmq_credentials_t,
        reason: *mut c_char,
        reason_len: usize,
        opaque: *mut c_void,
    ) -> i32,
>;

type ProviderFn = unsafe extern "C" fn(*mut rmq_credentials_t, *mut c_char, usize, *mut c_void) -> i32;

struct Provider {
    function: ProviderFn,
    opaque: Opaque,
}

impl CredentialsProvider for Provider {
    fn credentials(&self) -> Result<Credentials, Box<dyn StdError + Send + Sync>> {
        let shell = Shell::<rmq_credentials_t>::new(Mutex::new(None), 0);
        let place = shell.as_handle().cast_mut();
        let mut reason = Reason::new();
        let (room, room_len) = reason.room();
        // SAFETY: the caller's function with its opaque pointer; what it is shown lives until it returns.
        let verdict = unsafe { (self.function)(place, room, room_len, self.opaque.get()) };
        shell.mark_destroyed();
        let given = shell.inner().lock().take();
        match (verdict, given) {
            (0, Some(credentials)) => Ok(credentials),
            (0, None) => Err(io::Error::other("it gave none, and returned 0").into()),
            (_, _) => Err(io::Error::other(reason.text(verdict)).into()),
        }
    }
}

/// Lets `function` give the credentials of producers made from this configuration, in place of the keys `access.key`,
/// `secret.key` and `security.token`. NULL takes an earlier one away, and the `opaque` and `finalizer` given with it are
/// ignored.
///
/// `opaque` is handed to every call. When neither the configuration nor a producer made from it needs it any more,
/// `finalizer` (may be NULL) is called with it, once. After an error the library has not taken `opaque`.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_config_set_credentials_provider(
    config: *mut rmq_config_t,
    function: rmq_credentials_fn,
    opaque: *mut c_void,
    finalizer: rmq_finalizer_fn,
) -> *mut rmq_error_t {
    armour!(rmq_config_set_credentials_provider(config: handle) {
        let mut values = config.lock()?;
        let provider = function
            .map(|function| Arc::new(Provider { function, opaque: Opaque::new(opaque, finalizer) }) as Arc<_>);
        // An earlier function's finalizer runs at the end, when the lock is free again.
        let earlier = values.core.clone();
        values.core.set_credentials_provider(provider);
        drop(values);
        drop(earlier);
        Ok(())
    })
}

/// Gives the credentials that a `rmq_credentials_fn` is asked for; the texts are copied. `security_token` may be NULL.
/// `expires_at_ms` is the end of their time in milliseconds since 1970, 0 if there is none.
///
/// Errors: `INVALID_ARGUMENT`, also for an empty key.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_credentials_set(
    out: *mut rmq_credentials_t,
    access_key: *const c_char,
    secret_key: *const c_char,
    security_token: *const c_char,
    expires_at_ms: u64,
) -> *mut rmq_error_t {
    armour!(rmq_credentials_set(out: handle, access_key: text, secret_key: text, security_token: optional_text) {
        let credentials = Credentials::new(access_key, secret_key)?;
        let mut credentials = credentials.with_security_token(security_token.unwrap_or_default());
        if let (true, Some(end)) = (expires_at_ms > 0, UNIX_EPOCH.checked_add(Duration::from_millis(expires_at_ms))) {
            credentials = credentials.expiring_at(end);
        }
        *out.lock() = Some(credentials);
        Ok(())
    })
}

/// Signs requests with these credentials from now on, which are copied; requests on their way stay as they are.
/// `security_token` may be NULL. Producers with the same client id speak for the same user, and take them too.
///
/// Errors: `CLOSED`, `FORKED`; `INVALID_ARGUMENT`, also for an empty key, and if a provider gives the credentials.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_set_credentials(
    producer: *mut rmq_producer_t,
    access_key: *const c_char,
    secret_key: *const c_char,
    security_token: *const c_char,
) -> *mut rmq_error_t {
    armour!(rmq_producer_set_credentials(producer: handle, access_key: text, secret_key: text, security_token: optional_text) {
        let credentials = Credentials::new(access_key, secret_key)?;
        producer.core.set_credentials(credentials.with_security_token(security_token.unwrap_or_default()))
    })
}
