//! Property names that RocketMQ gives a meaning (protocol 5.5.1).

macro_rules! names {
    (reserved { $($(#[$doc:meta])* $constant:ident = $name:literal,)+ }
     open { $($(#[$open_doc:meta])* $open_constant:ident = $open_name:literal,)+ }) => {
        $($(#[$doc])* pub const $constant: &str = $name;)+
        $($(#[$open_doc])* pub const $open_constant: &str = $open_name;)+

        /// Whether users may not set this property.
        pub fn is_reserved(name: &str) -> bool {
            matches!(name, $($name)|+)
        }
    };
}

names! {
    reserved {
    /// Business keys, separated by one space.
    KEYS = "KEYS",
    /// The tag.
    TAGS = "TAGS",
    /// `true`/`false`: wait for flush and replication.
    WAIT = "WAIT",
    /// Delay level.
    DELAY = "DELAY",
    /// Timer: delay in seconds.
    TIMER_DELAY_SEC = "TIMER_DELAY_SEC",
    /// Timer: delay in ms.
    TIMER_DELAY_MS = "TIMER_DELAY_MS",
    /// Timer: delivery time, ms since the epoch.
    TIMER_DELIVER_MS = "TIMER_DELIVER_MS",
    /// Unique message id.
    UNIQ_KEY = "UNIQ_KEY",
    /// Namespace of version 1.
    INSTANCE_ID = "INSTANCE_ID",
    /// `true`: half message.
    TRAN_MSG = "TRAN_MSG",
    /// Producer group of a half message.
    PGROUP = "PGROUP",
    /// Original half offset.
    TRAN_PREPARED_QUEUE_OFFSET = "TRAN_PREPARED_QUEUE_OFFSET",
    /// Original topic of a parked message.
    REAL_TOPIC = "REAL_TOPIC",
    /// Original queue of a parked message.
    REAL_QID = "REAL_QID",
    /// Consumption.
    RETRY_TOPIC = "RETRY_TOPIC",
    /// Consumption: deliveries so far.
    RECONSUME_TIME = "RECONSUME_TIME",
    /// Consumption: deliveries at most.
    MAX_RECONSUME_TIMES = "MAX_RECONSUME_TIMES",
    /// Consumption.
    ORIGIN_MESSAGE_ID = "ORIGIN_MESSAGE_ID",
    /// Consumption.
    DLQ_ORIGIN_TOPIC = "DLQ_ORIGIN_TOPIC",
    /// Consumption.
    DLQ_ORIGIN_MESSAGE_ID = "DLQ_ORIGIN_MESSAGE_ID",
    /// Consumption.
    CONSUME_START_TIME = "CONSUME_START_TIME",
    /// Consumption.
    MIN_OFFSET = "MIN_OFFSET",
    /// Consumption.
    MAX_OFFSET = "MAX_OFFSET",
    /// Consumption; brokers delete it from what a producer sends.
    POP_CK = "POP_CK",
    /// Consumption.
    POP_CK_OFFSET = "POP_CK_OFFSET",
    /// Consumption.
    FIRST_POP_TIME = "1ST_POP_TIME",
    /// Region of the broker.
    MSG_REGION = "MSG_REGION",
    /// Whether the broker wants traces.
    TRACE_ON = "TRACE_ON",
    /// Cluster of the broker, needed to reply.
    CLUSTER = "CLUSTER",
    /// Request-reply: correlation id.
    CORRELATION_ID = "CORRELATION_ID",
    /// Request-reply: client id of the requester.
    REPLY_TO_CLIENT = "REPLY_TO_CLIENT",
    /// Request-reply: time the requester waits, in ms.
    TTL = "TTL",
    /// `reply` marks a reply.
    MSG_TYPE = "MSG_TYPE",
    /// Request-reply: arrival at the requester.
    ARRIVE_TIME = "ARRIVE_TIME",
    /// Request-reply: push by the broker.
    PUSH_REPLY_TIME = "PUSH_REPLY_TIME",
    /// LMQ: offsets of the fan-out queues.
    INNER_MULTI_QUEUE_OFFSET = "INNER_MULTI_QUEUE_OFFSET",
    /// Timer internal.
    TIMER_ENQUEUE_MS = "TIMER_ENQUEUE_MS",
    /// Timer internal.
    TIMER_DEQUEUE_MS = "TIMER_DEQUEUE_MS",
    /// Timer internal.
    TIMER_ROLL_TIMES = "TIMER_ROLL_TIMES",
    /// Timer internal: delivery time.
    TIMER_OUT_MS = "TIMER_OUT_MS",
    /// Timer internal.
    TIMER_DEL_UNIQKEY = "TIMER_DEL_UNIQKEY",
    /// Timer internal.
    TIMER_DELAY_LEVEL = "TIMER_DELAY_LEVEL",
    /// Legacy.
    BUYER_ID = "BUYER_ID",
    /// Legacy.
    TRANSFER_FLAG = "TRANSFER_FLAG",
    /// Legacy.
    CORRECTION_FLAG = "CORRECTION_FLAG",
    /// Legacy.
    MQ2_FLAG = "MQ2_FLAG",
    /// Legacy.
    DUP_INFO = "DUP_INFO",
    /// Legacy.
    EXTEND_UNIQ_INFO = "EXTEND_UNIQ_INFO",
    /// Original sender behind a proxy.
    BORN_HOST = "__BORNHOST",
    /// Original send time behind a proxy.
    BORN_TIMESTAMP = "BORN_TIMESTAMP",
    /// Record checksum.
    CRC32 = "__CRC32#",
    }
    open {
    /// Transaction id.
    TRANSACTION_ID = "__transactionId__",
    /// Transaction checks so far.
    TRANSACTION_CHECK_TIMES = "TRANSACTION_CHECK_TIMES",
    /// Delay of the first transaction check, in seconds.
    CHECK_IMMUNITY_TIME_IN_SECONDS = "CHECK_IMMUNITY_TIME_IN_SECONDS",
    /// Sharding key; marks the message as ordered.
    SHARDING_KEY = "__SHARDINGKEY",
    /// LMQ fan-out: queue names joined by `,`.
    INNER_MULTI_DISPATCH = "INNER_MULTI_DISPATCH",
    /// Inner batch; a producer that sends it is refused.
    INNER_NUM = "INNER_NUM",
    /// Inner batch.
    INNER_BASE = "INNER_BASE",
    /// Internal.
    TRACE_CONTEXT = "TRACE_CONTEXT",
    /// Internal.
    PROPERTY_FORWARD_QUEUE_ID = "PROPERTY_FORWARD_QUEUE_ID",
    /// Internal.
    REDIRECT = "REDIRECT",
    /// Timer of a legacy service.
    START_DELIVER_TIME = "__STARTDELIVERTIME",
    }
}

/// Properties with this prefix are never stored.
pub const TRANSIENT_PREFIX: &str = "__RMQ.TRANSIENT.";

/// The [`MSG_TYPE`] of a reply.
pub const MSG_TYPE_REPLY: &str = "reply";
