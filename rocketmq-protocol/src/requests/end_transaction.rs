//! Outcome of a local transaction: code 37 (protocol 2.4).

use std::borrow::Cow;

use crate::wire_value::wire_header;

wire_header! {
    /// Header of END_TRANSACTION.
    pub struct EndTransactionRequest<'a> {
        /// Topic of the message; 5.x only. See protocol 10.5 before echoing that of a check.
        pub topic: Option<Cow<'a, str>> = "topic",
        /// Must equal the PGROUP property of the half message.
        pub producer_group: Cow<'a, str> = "producerGroup",
        /// Queue offset from the send answer or from the check.
        pub tran_state_table_offset: i64 = "tranStateTableOffset",
        /// Commit-log offset of the offset message id, or from the check.
        pub commit_log_offset: i64 = "commitLogOffset",
        /// 0 unknown, 8 commit, 12 rollback: [`sys_flag`](crate::sys_flag).
        pub commit_or_rollback: i32 = "commitOrRollback",
        /// Whether this answers a check.
        pub from_transaction_check: Option<bool> = "fromTransactionCheck",
        /// Unique id of the message.
        pub message_id: Cow<'a, str> = "msgId",
        /// Transaction id of the send answer or of the check.
        pub transaction_id: Option<Cow<'a, str>> = "transactionId",
        /// Broker name.
        pub broker_name: Option<Cow<'a, str>> = "bname",
    }
}
