//! What a producer says to a broker that asks about transactions.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rocketmq_protocol::record::Record;

use super::context::SendContext;
use crate::client::GroupMember;
use crate::log::LogTarget;
use crate::remoting::Channel;
use crate::text;

impl GroupMember for SendContext {
    /// This producer sends no transactions: another one of its group does, or did. The broker asks again, and in the end
    /// discards the message, so it is said once.
    fn transaction_check(&self, channel: &Arc<Channel>, half: &Record<'_>) {
        if self.told_of_checks.swap(true, Ordering::Relaxed) {
            return;
        }
        self.client.log.warn(LogTarget::Producer, || {
            format!(
                "{} asks group {} about a transaction on topic {}: this producer knows of none, and does not answer",
                channel.address(),
                self.settings.group,
                text::shown(&half.topic, text::MESSAGE),
            )
        });
    }
}
