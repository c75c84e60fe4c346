//! The mock cluster.

use std::borrow::Cow;
use std::ffi::{c_char, c_void};
use std::io;
use std::mem::offset_of;
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rocketmq_mock::{Account, Fault, FaultRule, Keep, MockCluster, StoredMessage};
use rocketmq_producer::{Error, ErrorCode};
use rocketmq_protocol::compression;
use rocketmq_protocol::sys_flag::CompressionType;

use crate::arguments::{self, Argument, SizedStruct};
use crate::armour::armour;
use crate::error::rmq_error_t;
use crate::handle::Handle;
use crate::producer::start_mock;

/// The request is answered with `code` and `remark`; nothing is stored.
pub const RMQ_MOCK_CODE: i32 = 1;
/// The message is stored, and answered with `code` where the answer would be 0 (10, 11 and 12 of a real broker).
pub const RMQ_MOCK_STORED_BUT_CODE: i32 = 2;
/// The request is executed and answered after `number` milliseconds.
pub const RMQ_MOCK_DELAY: i32 = 3;
/// The request is executed and never answered.
pub const RMQ_MOCK_STORE_THEN_NO_ANSWER: i32 = 4;
/// The request is neither executed nor answered.
pub const RMQ_MOCK_NO_ANSWER: i32 = 5;
/// The request is not executed and the connection is reset.
pub const RMQ_MOCK_RESET: i32 = 6;
/// The request is executed and the connection is reset instead of an answer.
pub const RMQ_MOCK_STORE_THEN_RESET: i32 = 7;
/// The request is executed, `number` bytes of its answer are written, and the connection is reset.
pub const RMQ_MOCK_PARTIAL_FRAME: i32 = 8;
/// The request is executed and answered in the header encoding the server would not have used.
pub const RMQ_MOCK_OTHER_ENCODING: i32 = 9;
/// The request is executed; the header of its answer cannot be decoded.
pub const RMQ_MOCK_GARBAGE: i32 = 10;
/// The request is executed; its answer carries an opaque nobody waits for.
pub const RMQ_MOCK_WRONG_OPAQUE: i32 = 11;
/// The request is executed, and answered once `rmq_mock_clear_faults` takes the fault back.
pub const RMQ_MOCK_HOLD: i32 = 12;

/// A name server and brokers on loopback ports in this process. May be used from any number of threads.
pub struct rmq_mock_cluster_t {
    _opaque: [u8; 0],
}

impl Handle for rmq_mock_cluster_t {
    // Calls that wait keep a share, so that another thread may destroy the cluster meanwhile.
    type Inner = Arc<MockObject>;
    const MARK: u64 = u64::from_le_bytes(*b"\x01rmqmck!");
    const NAME: &'static str = "rmq_mock_cluster_t";
    const SURVIVES_FORK: bool = false;
}

/// What is behind a mock cluster.
pub(crate) struct MockObject {
    cluster: MockCluster,
    ended: AtomicBool,
}

impl Deref for MockObject {
    type Target = MockCluster;

    fn deref(&self) -> &MockCluster {
        &self.cluster
    }
}

/// A fault, and which requests meet it. Of several that fit a request the oldest acts.
///
/// Start with `rmq_mock_fault_t fault = RMQ_MOCK_FAULT_INIT;`: no fault, every request to any broker, for ever.
#[repr(C)]
pub struct rmq_mock_fault_t {
    /// Set by `RMQ_MOCK_FAULT_INIT`: the size of the struct in your header.
    pub struct_size: u32,
    /// What happens: one of `RMQ_MOCK_*`.
    pub kind: i32,
    /// The broker, `"broker-0"` and so on; `"namesrv"` is the name server; NULL is any broker.
    pub broker: *const c_char,
    /// The topic of the request; NULL is any.
    pub topic: *const c_char,
    /// The request code, 310 for sends; -1 is any.
    pub request_code: i32,
    /// How many requests meet it; -1 is all.
    pub times: i32,
    /// The response code of `RMQ_MOCK_CODE` and `RMQ_MOCK_STORED_BUT_CODE`.
    pub code: i32,
    /// Zero.
    pub reserved: i32,
    /// The remark of `RMQ_MOCK_CODE`; NULL for none.
    pub remark: *const c_char,
    /// The milliseconds of `RMQ_MOCK_DELAY`, the bytes of `RMQ_MOCK_PARTIAL_FRAME`.
    pub number: u64,
}

impl SizedStruct for rmq_mock_fault_t {
    const SMALLEST: usize = offset_of!(Self, number) + size_of::<u64>();

    fn initial() -> Self {
        Self {
            struct_size: 0,
            kind: 0,
            broker: ptr::null(),
            topic: ptr::null(),
            request_code: -1,
            times: -1,
            code: 0,
            reserved: 0,
            remark: ptr::null(),
            number: 0,
        }
    }
}

/// Starts a cluster of one name server and `brokers` brokers (1 to 100), called `broker-0`, `broker-1` and so on; all
/// ports are open when it returns. Topics are made when the first message comes.
///
/// End it with `rmq_mock_cluster_destroy`. Errors: `SYSTEM`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_cluster_new(
    brokers: usize,
    out: *mut *mut rmq_mock_cluster_t,
) -> *mut rmq_error_t {
    armour!(rmq_mock_cluster_new(out: out) {
        let object = MockObject { cluster: start_mock(brokers, Keep::All)?, ended: AtomicBool::new(false) };
        out.write(rmq_mock_cluster_t::give(Arc::new(object)));
        Ok(())
    })
}

/// Stops and ends a cluster; the pointer must not be used again, but for calls that wait already: they return
/// with `CLOSED`. Does nothing with NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_cluster_destroy(cluster: *mut rmq_mock_cluster_t) {
    armour!(rmq_mock_cluster_destroy(cluster: ending) unless_null {
        if let Some(cluster) = cluster {
            cluster.ended.store(true, Ordering::SeqCst);
            // Wakes those who wait.
            cluster.stop();
        }
        Ok(())
    })
}

/// Copies the address of the name server, `127.0.0.1:PORT`, into `buffer` with a NUL; 22 bytes are enough.
///
/// Errors: `INVALID_ARGUMENT`, also when `buffer_len` is too small; `FORKED`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_name_server(
    cluster: *mut rmq_mock_cluster_t,
    buffer: *mut c_char,
    buffer_len: usize,
) -> *mut rmq_error_t {
    armour!(rmq_mock_name_server(cluster: handle, buffer: array) {
        let address = cluster.name_server();
        if buffer_len <= address.len() {
            let at = Argument { function: "rmq_mock_name_server", name: "buffer_len" };
            return Err(at.refuse(format_args!("is {buffer_len}, the address needs {}", address.len() + 1)));
        }
        // SAFETY: the caller promises `buffer_len` writable bytes, which is more than the address has.
        unsafe {
            std::ptr::copy_nonoverlapping(address.as_ptr(), buffer.as_ptr().cast(), address.len());
            buffer.add(address.len()).write(0);
        }
        Ok(())
    })
}

/// Makes a topic on all brokers, or changes it. `perm`: 4 may be read, 2 may be written, 6 both.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_create_topic(
    cluster: *mut rmq_mock_cluster_t,
    topic: *const c_char,
    read_queues: i32,
    write_queues: i32,
    perm: i32,
) -> *mut rmq_error_t {
    armour!(rmq_mock_create_topic(cluster: handle, topic: text) {
        cluster.create_topic(topic, read_queues, write_queues, perm, None);
        Ok(())
    })
}

/// Says whether a send to an unknown topic makes it (`enabled` is not 0, as it is at the start).
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_set_auto_create(
    cluster: *mut rmq_mock_cluster_t,
    enabled: i32,
) -> *mut rmq_error_t {
    armour!(rmq_mock_set_auto_create(cluster: handle) {
        cluster.set_auto_create(enabled != 0);
        Ok(())
    })
}

/// Makes an account, or changes it. `topics` are the topics it may publish to, with `;` between; NULL is all. From the first
/// account on brokers serve only signed requests of accounts they know; name servers serve everybody.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_set_account(
    cluster: *mut rmq_mock_cluster_t,
    access_key: *const c_char,
    secret_key: *const c_char,
    topics: *const c_char,
) -> *mut rmq_error_t {
    armour!(rmq_mock_set_account(cluster: handle, access_key: text, secret_key: text, topics: optional_text) {
        let topics = topics.map(|topics| topics.split(';').map(str::to_owned).collect());
        cluster.set_account(&Account { topics, ..Account::new(access_key, secret_key) });
        Ok(())
    })
}

/// Takes an account away. Without any, nobody is served.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_remove_account(
    cluster: *mut rmq_mock_cluster_t,
    access_key: *const c_char,
) -> *mut rmq_error_t {
    armour!(rmq_mock_remove_account(cluster: handle, access_key: text) {
        cluster.remove_account(access_key);
        Ok(())
    })
}

/// Adds a fault; its texts are copied.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_inject(
    cluster: *mut rmq_mock_cluster_t,
    fault: *const rmq_mock_fault_t,
) -> *mut rmq_error_t {
    armour!(rmq_mock_inject(cluster: handle, fault: const_array) {
        let at = Argument { function: "rmq_mock_inject", name: "fault" };
        // SAFETY: the caller promises a whole fault with valid texts.
        let rule = unsafe {
            rule(&arguments::read_struct(fault, at)?, at)?
        };
        cluster.inject(rule);
        Ok(())
    })
}

/// Takes all faults back. Answers that `RMQ_MOCK_HOLD` holds are sent; those of `RMQ_MOCK_DELAY` come at their time.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_clear_faults(cluster: *mut rmq_mock_cluster_t) -> *mut rmq_error_t {
    armour!(rmq_mock_clear_faults(cluster: handle) {
        cluster.clear_faults();
        Ok(())
    })
}

/// Stops a broker: it leaves the routes, its port refuses, its connections are reset. It keeps what it stored.
///
/// Errors: `SYSTEM`, `FORKED`, `INVALID_ARGUMENT`, also for a broker there is not.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_stop_broker(
    cluster: *mut rmq_mock_cluster_t,
    broker: *const c_char,
) -> *mut rmq_error_t {
    armour!(rmq_mock_stop_broker(cluster: handle, broker: text) {
        cluster.stop_broker(broker).map_err(|cause| refused("rmq_mock_stop_broker", cause))
    })
}

/// Starts a stopped broker on its old port; it is in the routes when this returns.
///
/// Errors: `SYSTEM`, `FORKED`, `INVALID_ARGUMENT`, also for a broker there is not.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_start_broker(
    cluster: *mut rmq_mock_cluster_t,
    broker: *const c_char,
) -> *mut rmq_error_t {
    armour!(rmq_mock_start_broker(cluster: handle, broker: text) {
        cluster.start_broker(broker).map_err(|cause| refused("rmq_mock_start_broker", cause))
    })
}

/// Stops the name server: its port refuses, its connections are reset.
///
/// Errors: `SYSTEM`, `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_stop_name_server(cluster: *mut rmq_mock_cluster_t) -> *mut rmq_error_t {
    armour!(rmq_mock_stop_name_server(cluster: handle) {
        cluster.stop_name_server().map_err(|cause| refused("rmq_mock_stop_name_server", cause))
    })
}

/// Starts the stopped name server on its old port.
///
/// Errors: `SYSTEM`, `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_start_name_server(cluster: *mut rmq_mock_cluster_t) -> *mut rmq_error_t {
    armour!(rmq_mock_start_name_server(cluster: handle) {
        cluster.start_name_server().map_err(|cause| refused("rmq_mock_start_name_server", cause))
    })
}

/// How many messages of a topic are stored, on all brokers.
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_stored_count(
    cluster: *mut rmq_mock_cluster_t,
    topic: *const c_char,
    out: *mut u64,
) -> *mut rmq_error_t {
    armour!(rmq_mock_stored_count(cluster: handle, topic: text, out: out) {
        out.write(cluster.stored_count(topic));
        Ok(())
    })
}

/// How many requests of a code came to any server of the cluster since its start (310: sends, 105: route
/// look-ups, 34: heartbeats, 35: unregistrations).
///
/// Errors: `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_request_count(
    cluster: *mut rmq_mock_cluster_t,
    request_code: i32,
    out: *mut u64,
) -> *mut rmq_error_t {
    armour!(rmq_mock_request_count(cluster: handle, out: out) {
        out.write(cluster.request_count(request_code));
        Ok(())
    })
}

/// Waits until at least `count` messages of a topic are stored; at most `timeout_ms` (negative: without bound).
///
/// Errors: `TIMEOUT`, `CLOSED` when the cluster is destroyed meanwhile, `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_wait_stored(
    cluster: *mut rmq_mock_cluster_t,
    topic: *const c_char,
    count: u64,
    timeout_ms: i64,
) -> *mut rmq_error_t {
    armour!(rmq_mock_wait_stored(cluster: handle, topic: text) {
        wait(&Arc::clone(cluster), timeout_ms, "messages stored", count, |cluster| cluster.stored_count(topic))
    })
}

/// Waits until at least `count` requests of a code came to any server of the cluster; at most `timeout_ms`
/// (negative: without bound).
///
/// Errors: `TIMEOUT`, `CLOSED` when the cluster is destroyed meanwhile, `FORKED`, `INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_wait_requests(
    cluster: *mut rmq_mock_cluster_t,
    request_code: i32,
    count: u64,
    timeout_ms: i64,
) -> *mut rmq_error_t {
    armour!(rmq_mock_wait_requests(cluster: handle) {
        wait(&Arc::clone(cluster), timeout_ms, "requests", count, |cluster| cluster.request_count(request_code))
    })
}

/// Copies the body of a stored message into `buffer` and its length into `out_len`: the body as consumers get
/// it, decompressed if it came and is stored compressed. Messages of a topic are numbered from 0: broker by
/// broker, each in the order it stored them. With a `buffer` of NULL and a `buffer_len` of 0 it only tells the
/// length.
///
/// Errors: `INVALID_ARGUMENT`, also when there is no such message or `buffer_len` is too small; `PROTOCOL` when
/// the body cannot be decompressed; `FORKED`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_stored_body(
    cluster: *mut rmq_mock_cluster_t,
    topic: *const c_char,
    index: usize,
    buffer: *mut c_void,
    buffer_len: usize,
    out_len: *mut usize,
) -> *mut rmq_error_t {
    armour!(rmq_mock_stored_body(cluster: handle, topic: text, buffer: optional_array, out_len: out) {
        let function = "rmq_mock_stored_body";
        let message = stored(cluster, topic, index, function)?;
        let body = plain_body(&message, function)?;
        let len = body.len();
        let at = Argument { function, name: "buffer_len" };
        match buffer {
            None if buffer_len > 0 => return Err(Argument { function, name: "buffer" }.refuse("is NULL")),
            None => {}
            Some(_) if buffer_len < len => {
                return Err(at.refuse(format_args!("is {buffer_len}, the body needs {len}")));
            }
            // SAFETY: the caller promises `buffer_len` writable bytes, which is no less than the body has.
            Some(buffer) => unsafe {
                std::ptr::copy_nonoverlapping(body.as_ptr(), buffer.as_ptr().cast(), len);
            },
        }
        out_len.write(len);
        Ok(())
    })
}

/// Copies the value of a property of a stored message into `buffer`, with a NUL at the end; empty if it has no
/// such property. Tags are the property `TAGS`, keys `KEYS`, the unique id `UNIQ_KEY`.
///
/// Errors: `INVALID_ARGUMENT`, also when there is no such message or `buffer_len` is too small; `FORKED`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmq_mock_stored_property(
    cluster: *mut rmq_mock_cluster_t,
    topic: *const c_char,
    index: usize,
    name: *const c_char,
    buffer: *mut c_char,
    buffer_len: usize,
) -> *mut rmq_error_t {
    armour!(rmq_mock_stored_property(cluster: handle, topic: text, name: text, buffer: array) {
        let function = "rmq_mock_stored_property";
        let message = stored(cluster, topic, index, function)?;
        let value = message.property(name).unwrap_or_default();
        if buffer_len <= value.len() {
            let at = Argument { function, name: "buffer_len" };
            return Err(at.refuse(format_args!("is {buffer_len}, the value needs {}", value.len() + 1)));
        }
        // SAFETY: the caller promises `buffer_len` writable bytes, which is more than the value has.
        unsafe {
            std::ptr::copy_nonoverlapping(value.as_ptr(), buffer.as_ptr().cast(), value.len());
            buffer.add(value.len()).write(0);
        }
        Ok(())
    })
}

unsafe fn rule(fault: &rmq_mock_fault_t, at: Argument) -> Result<FaultRule, Error> {
    let text = |pointer: *const c_char, member: &str| match pointer.is_null() {
        true => Ok(None),
        // SAFETY: the caller promises a text.
        false => unsafe { arguments::text_part(pointer, at, &member).map(|text| Some(text.to_owned())) },
    };
    let number = |member: &str, number: i32| match number {
        -1 => Ok(None),
        _ => u32::try_from(number).map(Some).map_err(|_| at.refuse_part(member, format_args!("is {number}"))),
    };
    let code = fault.code;
    let kind = match fault.kind {
        RMQ_MOCK_CODE => Fault::Code { code, remark: text(fault.remark, "->remark")? },
        RMQ_MOCK_STORED_BUT_CODE => Fault::StoredButCode { code },
        RMQ_MOCK_DELAY => Fault::Delay(Duration::from_millis(fault.number)),
        RMQ_MOCK_STORE_THEN_NO_ANSWER => Fault::StoreThenNoAnswer,
        RMQ_MOCK_NO_ANSWER => Fault::NoAnswer,
        RMQ_MOCK_RESET => Fault::Reset,
        RMQ_MOCK_STORE_THEN_RESET => Fault::StoreThenReset,
        RMQ_MOCK_PARTIAL_FRAME => Fault::PartialFrame { bytes: fault.number as usize },
        RMQ_MOCK_OTHER_ENCODING => Fault::OtherEncoding,
        RMQ_MOCK_GARBAGE => Fault::Garbage,
        RMQ_MOCK_WRONG_OPAQUE => Fault::WrongOpaque,
        RMQ_MOCK_HOLD => Fault::Hold,
        other => return Err(at.refuse_part("->kind", format_args!("is {other}, no fault has this number"))),
    };
    Ok(FaultRule {
        broker: text(fault.broker, "->broker")?,
        topic: text(fault.topic, "->topic")?,
        request_code: (fault.request_code >= 0).then_some(fault.request_code),
        times: number("->times", fault.times)?,
        fault: kind,
    })
}

fn wait(
    cluster: &MockObject,
    timeout_ms: i64,
    what: &str,
    wanted: u64,
    count: impl Fn(&MockCluster) -> u64,
) -> Result<(), Error> {
    let ended = || cluster.ended.load(Ordering::SeqCst);
    let done = |seen: &MockCluster| count(seen) >= wanted || ended();
    let in_time = cluster.wait_until(arguments::wait(timeout_ms), done);
    if ended() {
        return Err(Error::closed());
    }
    if in_time {
        return Ok(());
    }
    let text = format!("{} of {wanted} {what} after {timeout_ms} ms", count(cluster));
    Err(Error::new(ErrorCode::Timeout, text))
}

fn stored(
    cluster: &MockCluster,
    topic: &str,
    index: usize,
    function: &'static str,
) -> Result<StoredMessage, Error> {
    let messages = cluster.stored(topic);
    let count = messages.len();
    messages.into_iter().nth(index).ok_or_else(|| {
        let why = format_args!("is {index}, the topic {topic} has {count} messages");
        Argument { function, name: "index" }.refuse(why)
    })
}

/// The body as it was before its sender compressed it.
fn plain_body<'m>(message: &'m StoredMessage, function: &str) -> Result<Cow<'m, [u8]>, Error> {
    let Some(kind) = CompressionType::of(message.sys_flag) else {
        return Ok(Cow::Borrowed(&message.body));
    };
    let plain = compression::decompress(kind, &message.body, isize::MAX as usize);
    plain.map(Cow::Owned).map_err(|cause| {
        let id = &message.message_id;
        Error::new(ErrorCode::Protocol, format!("{function}: the body of message {id}: {cause}"))
    })
}

fn refused(function: &str, cause: io::Error) -> Error {
    let code = match cause.kind() {
        io::ErrorKind::NotFound => ErrorCode::InvalidArgument,
        _ => ErrorCode::System,
    };
    Error::new(code, format!("{function}: {cause}"))
}
