//! Producers: life, readiness, flush and close.

#![expect(clippy::disallowed_types, reason = "a producer, and so its cell, belongs to one process")]

use std::ffi::c_char;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use rocketmq_mock::{Keep, MockCluster, MockOptions};
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::{Closing, DeliveryThread, Error, ErrorCode, Producer, sys};

use crate::arguments::{self, Argument};
use crate::armour::armour;
use crate::callbacks::{WritableCallback, deliver};
use crate::cancel::{self, READY_SLICE, SLICE, Slice, Wait};
use crate::config::{ConfigValues, mock_brokers, rmq_config_t};
use crate::error::rmq_error_t;
use crate::handle::Handle;
use crate::inside_hook;

/// A producer: connections, routes and all sends in flight. May be used from any number of threads.
pub struct rmq_producer_t {
    _opaque: [u8; 0],
}

impl Handle for rmq_producer_t {
    // Calls that wait keep a share, so that another thread may destroy the producer meanwhile.
    type Inner = Arc<ProducerObject>;
    const MARK: u64 = u64::from_le_bytes(*b"\x01rmqprd!");
    const NAME: &'static str = "rmq_producer_t";
    const SURVIVES_FORK: bool = false;

    fn renewed(parent: &Arc<ProducerObject>) -> Result<Arc<ProducerObject>, Error> {
        parent.renewed().map(Arc::new)
    }
}

/// What is behind a producer.
pub(crate) struct ProducerObject {
    pub(crate) core: Producer,
    /// Made at the first send with a callback, or at the start if the program is to be told of room.
    delivery: OnceCell<DeliveryThread>,
    writable: Option<Arc<WritableCallback>>,
    /// Whether forked children get a producer of their own behind the same handle.
    renews: AtomicBool,
    /// The cluster of the key `test.mock.brokers`. It ends last.
    _mock: Option<MockCluster>,
}

/// Of the time that a close may take, a quarter, but no more than this, is kept for the callbacks of what has no
/// outcome by then: usually they need few milliseconds, on a busy machine many.
const FOR_CALLBACKS: Duration = Duration::from_millis(250);

/// The last part of a close, in which what has no outcome by its end is completed. It is long enough for the callbacks of
/// that.
const CLOSE_SLICE: Duration = Duration::from_secs(1).saturating_add(SLICE);

/// So much longer than its timeout a close may wait for callbacks that are on their way.
const GRACE: Duration = Duration::from_millis(40);

/// How long the end of a producer that was not closed waits for callbacks.
const DESTROY_WAIT: Duration = Duration::from_secs(1);

impl ProducerObject {
    fn start(values: ConfigValues) -> Result<Self, Error> {
        let ConfigValues { core: mut config, writable } = values;
        let brokers = mock_brokers(&config)?;
        let mock = match brokers {
            0 => None,
            _ => Some(start_mock(brokers, Keep::CountOnly)?),
        };
        if let Some(mock) = &mock {
            config.set("name.server", &mock.name_server())?;
        }
        let object = Self::around(writable, || Producer::new(&config))?;
        Ok(Self { _mock: mock, ..object })
    }

    /// `start` makes the core's producer.
    fn around(
        writable: Option<Arc<WritableCallback>>,
        start: impl FnOnce() -> Result<Producer, Error>,
    ) -> Result<Self, Error> {
        let delivery = OnceCell::new();
        if let Some(writable) = &writable {
            let _ = delivery.set(start_delivery(Some(Arc::clone(writable)))?);
        }
        let core = start()?;
        if let Some(delivery) = delivery.get() {
            core.hear_of_room(DeliveryThread::queue(delivery))?;
        }
        let renews = AtomicBool::new(core.renews_after_fork());
        Ok(Self { core, delivery, writable, renews, _mock: None })
    }

    /// For a forked child of the process that this one belongs to.
    fn renewed(&self) -> Result<Self, Error> {
        if !self.renews.load(Ordering::Relaxed) {
            return Err(Error::forked());
        }
        let object = Self::around(self.writable.clone(), || self.core.renewed())?;
        object.renews.store(true, Ordering::Relaxed);
        Ok(object)
    }

    /// The thread that makes this producer's callbacks.
    pub(crate) fn delivery(&self) -> Result<&DeliveryThread, Error> {
        self.delivery.get_or_try_init(|| {
            if self.core.is_closed() {
                return Err(Error::closed());
            }
            start_delivery(None)
        })
    }

    /// Whether the caller is a callback of this producer.
    fn in_callback(&self) -> bool {
        self.delivery.get().is_some_and(DeliveryThread::is_current)
    }

    /// `WOULD_DEADLOCK` if the caller is a callback of this producer.
    pub(crate) fn refuse_in_callback(&self) -> Result<(), Error> {
        if self.in_callback() { Err(Error::would_deadlock()) } else { Ok(()) }
    }

    fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let started = Instant::now();
        self.core.flush(timeout)?;
        let left = timeout.saturating_sub(started.elapsed());
        if self.delivery.get().is_none_or(|delivery| delivery.wait_handled(left)) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Timeout, "every send has its outcome, but callbacks still run or wait"))
    }

    /// So much of the time of a close is kept for callbacks.
    fn kept_for_callbacks(&self, timeout: Duration) -> Duration {
        self.delivery.get().map_or(Duration::ZERO, |_| FOR_CALLBACKS.min(timeout / 4))
    }

    /// Waits until all callbacks that there will be have returned.
    fn wait_for_callbacks(&self, timeout: Duration) -> Result<(), Error> {
        if self.delivery.get().is_none_or(|delivery| delivery.stop(timeout)) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Timeout, "the producer is closed, but callbacks still run or wait"))
    }

    /// The end without a close before it. What a hook waits for may be the very send it is called from: then another
    /// thread sees to the end.
    fn end(self: Arc<Self>) {
        if !inside_hook::is_current() {
            return self.end_here();
        }
        let end = move || self.end_here();
        // Without a thread the end comes with the last share of the producer.
        let _ = sys::with_signals_blocked(|| Builder::new().name("rmq-end".to_owned()).spawn(end));
    }

    fn end_here(&self) {
        // The outcome of each send says what there is to say.
        let _ = self.core.close(Duration::ZERO);
        // While another thread's close waits for outcomes, their callbacks are its concern: it has a share.
        if self.core.flush(Duration::ZERO).is_ok()
            && let Some(delivery) = self.delivery.get()
        {
            delivery.stop(DESTROY_WAIT);
        }
    }
}

fn start_delivery(writable: Option<Arc<WritableCallback>>) -> Result<DeliveryThread, Error> {
    DeliveryThread::start("rmq-delivery", deliver(writable))
}

/// Starts a mock cluster; its failures are the system's.
pub(crate) fn start_mock(brokers: usize, keep: Keep) -> Result<MockCluster, Error> {
    let options = MockOptions { brokers, keep, ..MockOptions::default() };
    sys::with_signals_blocked(|| MockCluster::start(options)).map_err(|cause| {
        let code = match cause.kind() {
            ErrorKind::InvalidInput => ErrorCode::InvalidArgument,
            _ => ErrorCode::System,
        };
        Error::new(code, format!("a mock cluster of {brokers} brokers cannot be started: {cause}"))
    })
}

/// Makes a producer and starts it. The configuration is copied.
///
/// Needs `producer.group`, and `name.server` (or `name.server.url`, or the environment variable `NAMESRV_ADDR`).
/// Never waits for the network: an unreachable name server does not matter yet; `rmq_producer_wait_ready` tells.
///
/// End it with `rmq_producer_destroy`. Errors: `INVALID_VALUE`, `NO_NAME_SERVER`, `GROUP_CONFLICT`, `SYSTEM`,
/// `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_new(
    config: *const rmq_config_t,
    out: *mut *mut rmq_producer_t,
) -> *mut rmq_error_t {
    armour!(rmq_producer_new(config: handle, out: out) {
        let values = config.lock()?.clone();
        let producer = Arc::new(ProducerObject::start(values)?);
        let handle = rmq_producer_t::give(Arc::clone(&producer));
        // Events name it so.
        producer.core.set_tag(handle.expose_provenance());
        out.write(handle);
        Ok(())
    })
}

/// Ends a producer; the pointer must not be used again, by no thread, but for calls that wait already: they
/// return. Does nothing with NULL.
///
/// Never hangs and may be called from a callback or a hook. A producer that was not closed is closed without waiting
/// for the network: sends in flight complete as `CLOSED`. The call then waits at most one second for their callbacks
/// (from a callback or a hook: not at all); later ones still come. `rmq_producer_close` before it gives sends the
/// time to succeed. In a forked child it only forgets the parent's producer, and ends the child's own if there is one
/// (key `after.fork`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_destroy(producer: *mut rmq_producer_t) {
    armour!(rmq_producer_destroy(producer: ending) unless_null {
        if let Some(producer) = producer {
            producer.end();
        }
        Ok(())
    })
}

/// Waits until a name server has answered; at most `timeout_ms` (negative: without bound).
///
/// Errors: `TIMEOUT`, `NAME_SERVER`, `NO_NAME_SERVER`, with the reason of the last failure; `WOULD_DEADLOCK` from a
/// hook, a selector, or a log callback on the I/O thread; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn rmq_producer_wait_ready(
    producer: *mut rmq_producer_t,
    timeout_ms: i64,
) -> *mut rmq_error_t {
    armour!(rmq_producer_wait_ready(producer: shared_unhooked) waits [handle = producer, timeout_ms by READY_SLICE as wait] {
        let outcome = producer.core.wait_ready(wait.slice());
        let passing = [ErrorCode::Timeout, ErrorCode::NameServer, ErrorCode::NoNameServer];
        Ok(cancel::slice_of(handle, producer, wait, outcome, &passing))
    })
}

/// Waits until no send is without its outcome, every callback of them has returned, and one-way messages are written; at
/// most `timeout_ms` (negative: without bound). The producer stays open: beside threads that go on sending that moment may
/// not come.
///
/// Outcomes for a completion queue are in the queue then; whether they were polled does not matter.
///
/// Errors: `TIMEOUT`; `WOULD_DEADLOCK` from a callback of this producer, from a hook, a selector, or a log callback on
/// the I/O thread; `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn rmq_flush(
    producer: *mut rmq_producer_t,
    timeout_ms: i64,
) -> *mut rmq_error_t {
    armour!(rmq_flush(producer: shared_unhooked) waits [handle = producer, timeout_ms by SLICE as wait] {
        producer.refuse_in_callback()?;
        let outcome = producer.flush(wait.slice());
        Ok(cancel::slice_of(handle, producer, wait, outcome, &[ErrorCode::Timeout]))
    })
}

/// Closes a producer: refuses new sends, waits for the outcomes of accepted ones, at most `timeout_ms` (0: does
/// not wait; negative: without bound), completes the rest as `CLOSED`, waits for callbacks within the same time
/// (a quarter of it, at most 250 ms, is kept for them), and unregisters from the brokers. The handle stays valid
/// until `rmq_producer_destroy`.
///
/// NULL: every callback that there will be has returned. May be called again, from any thread. Of several that close at
/// the same time, the one whose time is over first completes what is left, and all go on to their end.
///
/// Errors: `TIMEOUT` when sends had to be completed as `CLOSED` meanwhile, or when a callback still runs (it and those
/// after it go on; call again to wait for them); `WOULD_DEADLOCK` from a callback of this producer, from a hook, a
/// selector, or a log callback on the I/O thread; `FORKED`, `INVALID_ARGUMENT`. After `TIMEOUT` the producer is
/// closed as well.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn rmq_producer_close(
    producer: *mut rmq_producer_t,
    timeout_ms: i64,
) -> *mut rmq_error_t {
    armour!(rmq_producer_close() waits [handle = producer, timeout_ms by CLOSE_SLICE as wait] {
        let close = match cancel::kept::<Close, _>(handle) {
            Some(begun) => begun,
            None => {
                let at = Argument { function: "rmq_producer_close", name: "producer" };
                // SAFETY: as the caller promises.
                Arc::new(Close::begin(unsafe { arguments::unhooked(handle, at)? })?)
            }
        };
        Ok(match close.go_on(wait) {
            Some(outcome) => Slice::Done(outcome),
            None => {
                cancel::keep(handle, close);
                Slice::Passed(Ok(()))
            }
        })
    })
}

/// A close that a thread waits for. One that is cancelled leaves the rest of it to the next.
struct Close {
    phase: Mutex<Phase>,
    producer: Arc<ProducerObject>,
}

enum Phase {
    /// Sends are left.
    Sends(Closing),
    /// The producer is closed, with this outcome; only callbacks are left.
    Callbacks(Result<(), Error>),
}

impl Close {
    fn begin(producer: &Arc<ProducerObject>) -> Result<Self, Error> {
        producer.refuse_in_callback()?;
        let phase = Mutex::new(Phase::Sends(producer.core.begin_close()?));
        Ok(Self { phase, producer: Arc::clone(producer) })
    }

    /// A slice of it; `None` if another one is to follow. While there is much time left it only waits.
    fn go_on(&self, wait: Wait) -> Option<Result<(), Error>> {
        let started = Instant::now();
        let mut phase = self.phase.lock();
        let outcome = match std::mem::replace(&mut *phase, Phase::Callbacks(Ok(()))) {
            Phase::Sends(closing) if !wait.is_last() && !closing.wait(SLICE) => {
                *phase = Phase::Sends(closing);
                return None;
            }
            // If all have their outcome, this waits for the brokers' answers at most.
            Phase::Sends(closing) => {
                let outcome = closing.finish(wait.left - self.producer.kept_for_callbacks(wait.left));
                // A hook may hold sends up: then their callbacks are still to come.
                if outcome.is_err() && self.producer.core.flush(Duration::ZERO).is_err() {
                    return Some(outcome);
                }
                outcome
            }
            Phase::Callbacks(outcome) => outcome,
        };
        let left = wait.left.saturating_sub(started.elapsed());
        let callbacks = match wait.is_last() {
            true => self.producer.wait_for_callbacks(left.max(GRACE.min(wait.left))),
            false => self.producer.wait_for_callbacks(SLICE.min(left)),
        };
        if callbacks.is_err() && !wait.is_last() {
            *phase = Phase::Callbacks(outcome);
            return None;
        }
        Some(callbacks.and(outcome))
    }
}

/// Waits until another message has room within the in-flight bounds; at most `timeout_ms` (negative: without bound).
/// Other threads may take the room before a send does.
///
/// Errors: `QUEUE_FULL` when there was none in time; `WOULD_DEADLOCK` from a callback of this producer, from a hook, a
/// selector, or a log callback on the I/O thread; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn rmq_producer_wait_writable(
    producer: *mut rmq_producer_t,
    timeout_ms: i64,
) -> *mut rmq_error_t {
    armour!(rmq_producer_wait_writable(producer: shared_unhooked) waits [handle = producer, timeout_ms by SLICE as wait] {
        producer.refuse_in_callback()?;
        let outcome = producer.core.wait_writable(wait.slice());
        Ok(cancel::slice_of(handle, producer, wait, outcome, &[ErrorCode::QueueFull]))
    })
}

/// The number of messages that count against `in.flight.max.messages`: accepted ones whose callback has not
/// returned, or whose outcome was not polled yet.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_in_flight(
    producer: *mut rmq_producer_t,
    out: *mut usize,
) -> *mut rmq_error_t {
    armour!(rmq_producer_in_flight(producer: handle, out: out) {
        out.write(producer.core.in_flight());
        Ok(())
    })
}

/// Takes other name servers: `addresses` are one or more `host:port` with `;` or `,` between, and are copied. Requests
/// under way go on. Producers with the same client id (keys `client.ip`, `instance.name`, `unit.name`) take them too;
/// others are not touched.
///
/// Errors: `INVALID_VALUE` names what is no address, and nothing is changed; `CLOSED`, `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_set_name_servers(
    producer: *mut rmq_producer_t,
    addresses: *const c_char,
) -> *mut rmq_error_t {
    armour!(rmq_producer_set_name_servers(producer: handle, addresses: text) {
        producer.core.set_name_servers(addresses)
    })
}

/// From now on the producer works in children made by `fork`, as with the key `after.fork` = `renew`: at the first use in
/// a child, a fresh producer with the same settings, hooks and callbacks stands behind this handle, with connections and
/// a delivery thread of its own. It hears nothing of what the parent has in flight, whose callbacks are the parent's;
/// completion queues are not renewed. One that was closed before the fork answers `CLOSED`.
///
/// May be called before the fork, in a child handler of `pthread_atfork`, or in the child: it only notes the wish. What
/// the first use needs (a thread, descriptors, memory) is asked for then; a failure is the error of that call, and the
/// next call tries again.
///
/// Errors: `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_producer_renew_after_fork(producer: *mut rmq_producer_t) -> *mut rmq_error_t {
    armour!(rmq_producer_renew_after_fork(producer: original) {
        producer.renews.store(true, Ordering::Relaxed);
        Ok(())
    })
}
