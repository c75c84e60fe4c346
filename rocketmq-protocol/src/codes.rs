//! Request and response codes (protocol 1.6, 1.8, 2.1).

macro_rules! codes {
    ($(#[$module_doc:meta])* $module:ident, $(#[$function_doc:meta])* $function:ident:
     $($(#[$doc:meta])* $name:ident = $code:literal,)+) => {
        $(#[$module_doc])*
        pub mod $module {
            $($(#[$doc])* pub const $name: i32 = $code;)+
        }

        $(#[$function_doc])*
        pub fn $function(code: i32) -> Option<&'static str> {
            match code {
                $($code => Some(stringify!($name)),)+
                _ => None,
            }
        }
    };
}

codes! {
    /// Request codes a producer sends or receives.
    request,
    /// RocketMQ's name of a request code.
    request_name:
    /// Send one message, header with long names.
    SEND_MESSAGE = 10,
    /// Records by key or unique key.
    QUERY_MESSAGE = 12,
    /// Create or change a topic on one broker.
    UPDATE_AND_CREATE_TOPIC = 17,
    /// Queue offset at a time.
    SEARCH_OFFSET_BY_TIMESTAMP = 29,
    /// Greatest offset of a queue.
    GET_MAX_OFFSET = 30,
    /// Least offset of a queue.
    GET_MIN_OFFSET = 31,
    /// Store time of a queue's first message.
    GET_EARLIEST_MSG_STORETIME = 32,
    /// Record at a commit-log offset.
    VIEW_MESSAGE_BY_ID = 33,
    /// Register producer groups and keep them registered.
    HEART_BEAT = 34,
    /// Take a group of a client out.
    UNREGISTER_CLIENT = 35,
    /// Commit or roll back a half message; oneway.
    END_TRANSACTION = 37,
    /// From a broker: ask for the state of a half message; never answered.
    CHECK_TRANSACTION_STATE = 39,
    /// From a broker: for consumers, ignored.
    NOTIFY_CONSUMER_IDS_CHANGED = 40,
    /// Route of a topic, from a name server.
    GET_ROUTEINFO_BY_TOPIC = 105,
    /// Brokers and clusters, from a name server.
    GET_BROKER_CLUSTER_INFO = 106,
    /// From a broker: for consumers, ignored.
    RESET_CONSUMER_CLIENT_OFFSET = 220,
    /// From a broker: for consumers, answered with empty tables.
    GET_CONSUMER_STATUS_FROM_CLIENT = 221,
    /// From a broker: for consumers, answered with an error.
    GET_CONSUMER_RUNNING_INFO = 307,
    /// From a broker: for consumers, answered with an error.
    CONSUME_MESSAGE_DIRECTLY = 309,
    /// Send one message, header with one-letter names.
    SEND_MESSAGE_V2 = 310,
    /// Send a batch, header with one-letter names.
    SEND_BATCH_MESSAGE = 320,
    /// Send a reply, header with long names.
    SEND_REPLY_MESSAGE = 324,
    /// Send a reply, header with one-letter names.
    SEND_REPLY_MESSAGE_V2 = 325,
    /// From a broker: the reply to a request of this client.
    PUSH_REPLY_MESSAGE_TO_CLIENT = 326,
    /// Stop a timer message.
    RECALL_MESSAGE = 370,
}

codes! {
    /// Response codes a producer can meet.
    response,
    /// RocketMQ's name of a response code.
    response_name:
    /// Done.
    SUCCESS = 0,
    /// Any fault of the server.
    SYSTEM_ERROR = 1,
    /// Overload; the request was not executed.
    SYSTEM_BUSY = 2,
    /// The server does not know the request code.
    REQUEST_CODE_NOT_SUPPORTED = 3,
    /// Transaction failed.
    TRANSACTION_FAILED = 4,
    /// Stored; the synchronous flush was late.
    FLUSH_DISK_TIMEOUT = 10,
    /// Stored; no replica could take it.
    SLAVE_NOT_AVAILABLE = 11,
    /// Stored; a replica was late.
    FLUSH_SLAVE_TIMEOUT = 12,
    /// The message breaks a rule.
    MESSAGE_ILLEGAL = 13,
    /// The store does not take messages now.
    SERVICE_NOT_AVAILABLE = 14,
    /// Version not supported, or a field the proxy needs is missing.
    VERSION_NOT_SUPPORTED = 15,
    /// Forbidden.
    NO_PERMISSION = 16,
    /// Topic unknown.
    TOPIC_NOT_EXIST = 17,
    /// Topic exists.
    TOPIC_EXIST_ALREADY = 18,
    /// No record found.
    QUERY_NOT_FOUND = 22,
    /// Subscription group unknown.
    SUBSCRIPTION_GROUP_NOT_EXIST = 26,
    /// A field of the request is illegal; 5.x.
    INVALID_PARAMETER = 29,
    /// Transaction should commit; not used by servers today.
    TRANSACTION_SHOULD_COMMIT = 200,
    /// Transaction should roll back; not used by servers today.
    TRANSACTION_SHOULD_ROLLBACK = 201,
    /// Transaction state unknown; not used by servers today.
    TRANSACTION_STATE_UNKNOW = 202,
    /// Transaction state group wrong; not used by servers today.
    TRANSACTION_STATE_GROUP_WRONG = 203,
    /// Buyer id missing.
    NO_BUYER_ID = 204,
    /// Not in the current unit.
    NOT_IN_CURRENT_UNIT = 205,
    /// No message.
    NO_MESSAGE = 208,
    /// Broker unknown.
    BROKER_NOT_EXIST = 211,
    /// Flow control.
    FLOW_CONTROL = 215,
    /// The broker does not lead this queue of a static topic.
    NOT_LEADER_FOR_QUEUE = 501,
    /// Illegal operation; 5.x.
    ILLEGAL_OPERATION = 604,
    /// The server shuts down; the request was not executed; 5.2.0 and later.
    GO_AWAY = 1500,
}
