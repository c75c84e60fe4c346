//! A broker's question about a half message: code 39 (protocol 7.3).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of CHECK_TRANSACTION_STATE; the body is one record. Never answered with a response.
    pub struct CheckTransactionStateRequest<'a> {
        /// From a 5.3 broker the half topic, from a proxy the real topic, from older brokers absent.
        pub topic: Option<Cow<'a, str>> = "topic",
        /// Offset to answer with; not that of the send.
        pub tran_state_table_offset: i64 = "tranStateTableOffset",
        /// Offset to answer with; not that of the send.
        pub commit_log_offset: i64 = "commitLogOffset",
        /// Unique id of the message.
        pub message_id: Option<Cow<'a, str>> = "msgId",
        /// Transaction id to answer with.
        pub transaction_id: Option<Cow<'a, str>> = "transactionId",
        /// Id of the half record as it is stored now; absent from a proxy.
        pub offset_message_id: Option<Cow<'a, str>> = "offsetMsgId",
        /// Broker name; 5.x brokers.
        pub broker_name: Option<Cow<'a, str>> = "bname",
    }
}
