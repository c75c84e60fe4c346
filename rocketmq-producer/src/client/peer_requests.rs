//! What a client answers when a broker asks (protocol 1.8).
//!
//! | request | answer |
//! | --- | --- |
//! | check of a transaction | none: it is handed to the producer of the named group; without one it is logged |
//! | news for consumers | none |
//! | the state of a consumer | there is none |
//! | anything else that is for a consumer | an error with the name of the group |
//! | any other code | the code is not supported |
//!
//! Requests are met on the I/O thread, without a lock of the client.

use std::sync::Arc;

use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::header::Header;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::record::Record;

use super::ClientInstance;
use crate::log::LogTarget;
use crate::remoting::{Channel, Reply};
use crate::text;

/// A broker asks the producer of a group about a transaction (protocol 7.3). The group is a property of the half message. A
/// client answers nothing for a group that it does not have, as the Java client does: the broker asks another one next.
pub(super) fn transaction_check(client: &ClientInstance, channel: &Arc<Channel>, body: &[u8]) {
    let half = match Record::decode(body) {
        Ok((half, _)) => half,
        Err(cause) => {
            let text =
                || format!("a check of a transaction from {} cannot be read: {cause}", channel.address());
            return client.log.warn(LogTarget::Client, text);
        }
    };
    let mut properties = properties::iter(&half.properties);
    let group = properties.find_map(|(name, value)| (name == name::PGROUP).then_some(value));
    match group.and_then(|group| client.groups.member(group)) {
        Some(member) => member.transaction_check(channel, &half),
        None => client.log.info(LogTarget::Client, || {
            let group = text::shown(group.unwrap_or_default(), text::MESSAGE);
            format!("{} asks about a transaction of group \"{group}\", which is not here", channel.address())
        }),
    }
}

/// The reply, or `None` where none is expected. The connection keeps it back from one-way requests.
pub(super) fn reply(header: &Header<'_>) -> Option<Reply> {
    let (code, remark, body) = match header.code {
        // These tell consumers something.
        request::NOTIFY_CONSUMER_IDS_CHANGED | request::RESET_CONSUMER_CLIENT_OFFSET => return None,
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
