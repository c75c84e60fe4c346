//! What a producer answers when a broker asks (protocol 1.8).

use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::header::Header;

use crate::remoting::Reply;
use crate::text;

/// The reply, or `None` where none is expected. The connection keeps it back from one-way requests.
pub(super) fn reply(header: &Header<'_>) -> Option<Reply> {
    let (code, remark, body) = match header.code {
        // Checks of transactions are never answered in kind; the others tell consumers something.
        request::CHECK_TRANSACTION_STATE
        | request::NOTIFY_CONSUMER_IDS_CHANGED
        | request::RESET_CONSUMER_CLIENT_OFFSET => return None,
        request::GET_CONSUMER_STATUS_FROM_CLIENT => {
            (response::SUCCESS, None, br#"{"consumerTable":{},"messageQueueTable":{}}"#.to_vec())
        }
        request::GET_CONSUMER_RUNNING_INFO | request::CONSUME_MESSAGE_DIRECTLY => {
            let group = text::shown(header.fields.get("consumerGroup").unwrap_or_default(), text::MESSAGE);
            let remark = format!("The Consumer Group <{group}> not exist in this consumer");
            (response::SYSTEM_ERROR, Some(remark), Vec::new())
        }
        code => {
            let remark = format!(" request type {code} not supported");
            (response::REQUEST_CODE_NOT_SUPPORTED, Some(remark), Vec::new())
        }
    };
    Some(Reply { code, remark, body })
}
