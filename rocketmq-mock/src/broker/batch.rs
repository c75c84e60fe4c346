//! A batch becomes one record per member (protocol 5.8, 14.4).

use rocketmq_protocol::codes::response;
use rocketmq_protocol::properties::{MAX_LEN, PROPERTY_SEPARATOR, name, push};
use rocketmq_protocol::requests::SendRequest;
use rocketmq_protocol::sys_flag;

use super::placing::Placing;
use super::properties::{self, Known};
use super::refusal::Refusal;
use super::send_checks::{MAX_BODY, MESSAGE_TOO_LONG, Target};
use super::{Broker, batch_members};
use crate::answer::{Answer, AnswerFields, SendFields};
use crate::ids::offset_message_id;
use crate::options::Profile;
use crate::request::Request;
use crate::store::NewRecord;
use crate::topic::CLUSTER;

impl Broker {
    /// Stores the members of a batch that passed the checks, or none of them.
    pub(super) fn store_batch(
        &mut self,
        request: &Request<'_, '_>,
        sent: &SendRequest<'_>,
        target: &Target,
    ) -> Result<Answer, Refusal> {
        let header = Known::read(&sent.properties);
        if let Some(unique_id) = header.unique_id
            && target.batch_queues
        {
            return self.store_inner_batch(request, sent, target, &header, unique_id);
        }
        self.check_inner_batch(&header)?;
        // A timer in the header moves the members where no timer finds them: theirs are not looked at.
        let mut placing = Placing::plain(&sent.topic, target.queue_id);
        placing.park(&mut String::new(), &header, 0, request.arrival.now, self.profile)?;
        self.check_batch(request.body, sent, &header)?;
        let members = batch_members::read(request.body)?;
        let shared = self.shared_properties(&sent.properties)?;
        let mut message_ids = String::new();
        let mut first = None;
        for member in &members {
            let appended = self.store.append(&NewRecord {
                topic: &placing.topic,
                queue_id: placing.queue_id,
                body: member.body,
                properties: &stored_properties(&member.properties, &shared),
                flag: member.flag,
                sys_flag: target.stored_sys_flag(sent.sys_flag),
                ..request.record(sent)
            });
            first.get_or_insert(appended.queue_offset);
            if !message_ids.is_empty() {
                message_ids.push(',');
            }
            message_ids.push_str(&offset_message_id(self.endpoint.address, appended.physical_offset));
        }
        Ok(Answer::with_fields(AnswerFields::Send(SendFields {
            message_id: Some(message_ids),
            queue_id: Some(target.queue_id),
            queue_offset: first,
            transaction_id: self.transaction_id(header.unique_id),
            ..SendFields::default()
        })))
    }

    fn check_batch(&self, body: &[u8], sent: &SendRequest<'_>, header: &Known<'_>) -> Result<(), Refusal> {
        let illegal = || Refusal::new(response::MESSAGE_ILLEGAL, MESSAGE_TOO_LONG);
        if sent.sys_flag & sys_flag::TRANSACTION_MASK != 0 || header.checked_level()? > 0 {
            return Err(illegal());
        }
        if body.len() > MAX_BODY {
            return Err(match self.profile {
                Profile::V4_9 => illegal(),
                Profile::V5 => Refusal::exception("java.lang.RuntimeException: message body size exceeded"),
            });
        }
        Ok(())
    }

    /// What 4.9 appends to every member's properties: those of the batch, and the cluster. 5.5.0 appends nothing.
    fn shared_properties(&self, header: &str) -> Result<String, Refusal> {
        let mut text = String::new();
        if self.profile == Profile::V4_9 {
            properties::copy(&mut text, header, |key| key == name::CLUSTER);
            push(&mut text, name::CLUSTER, CLUSTER);
            text.pop();
        }
        if text.len() > MAX_LEN {
            let remark = "java.lang.RuntimeException: Properties size of messageExtBatch exceeded!";
            return Err(Refusal::exception(remark));
        }
        Ok(text)
    }
}

/// A member's properties followed by those shared by all.
fn stored_properties(own: &str, shared: &str) -> String {
    let mut text = String::with_capacity(own.len() + 1 + shared.len());
    text.push_str(own);
    if !text.is_empty() && !shared.is_empty() && !text.ends_with(PROPERTY_SEPARATOR) {
        text.push(PROPERTY_SEPARATOR);
    }
    text.push_str(shared);
    text
}
