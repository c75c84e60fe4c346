//! A batch becomes one record per member (protocol 5.8, 14.4).

use rocketmq_protocol::batch;
use rocketmq_protocol::codes::response;
use rocketmq_protocol::properties::{MAX_LEN, PROPERTY_SEPARATOR, name, push};
use rocketmq_protocol::requests::SendRequest;
use rocketmq_protocol::sys_flag;

use super::Broker;
use super::properties::{self, Known};
use super::send::Refusal;
use super::send_checks::{MAX_BODY, MESSAGE_TOO_LONG, Target};
use crate::answer::{Answer, AnswerFields, SendFields};
use crate::dispatch::Request;
use crate::ids::offset_message_id;
use crate::options::Profile;
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
        self.check_batch(request.body, sent, &header)?;
        let items = batch::iter(request.body)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Refusal::exception(format!("java.lang.RuntimeException: {error}")))?;
        if items.is_empty() {
            return Err(Refusal::exception("java.lang.NullPointerException"));
        }
        let shared = self.shared_properties(&sent.properties);
        let texts: Vec<String> =
            items.iter().map(|item| stored_properties(&item.properties, &shared)).collect();
        if let Some(text) = texts.iter().find(|text| text.len() > MAX_LEN) {
            let remark = format!("java.lang.RuntimeException: message properties of {} bytes", text.len());
            return Err(Refusal::exception(remark));
        }
        let mut message_ids = String::new();
        let mut first = None;
        for (item, text) in items.iter().zip(&texts) {
            let appended = self.store.append(&NewRecord {
                topic: &sent.topic,
                queue_id: target.queue_id,
                body: item.body,
                properties: text,
                flag: item.flag,
                sys_flag: target.stored_sys_flag(sent.sys_flag),
                born_timestamp: sent.born_timestamp,
                born_host: request.arrival.origin.peer,
                reconsume_times: sent.reconsume_times,
                store_timestamp: request.arrival.now,
                prepared_transaction_offset: 0,
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
            recall_handle: None,
        })))
    }

    fn check_batch(&self, body: &[u8], sent: &SendRequest<'_>, header: &Known<'_>) -> Result<(), Refusal> {
        let illegal = || Refusal::new(response::MESSAGE_ILLEGAL, MESSAGE_TOO_LONG);
        let level = header.level().map_err(|text| {
            Refusal::exception(format!("java.lang.NumberFormatException: For input string: {:?}", text.0))
        })?;
        if sent.sys_flag & sys_flag::TRANSACTION_MASK != 0 || level > 0 {
            return Err(illegal());
        }
        if body.len() > MAX_BODY {
            return Err(match self.profile {
                Profile::V4_9 => illegal(),
                Profile::V5 => Refusal::exception(format!(
                    "java.lang.RuntimeException: message body size exceeded, msg body size: {}, maxMessageSize: {MAX_BODY}",
                    body.len()
                )),
            });
        }
        Ok(())
    }

    /// What 4.9 appends to every member's properties: those of the batch, and the cluster. 5.5.0 appends nothing.
    fn shared_properties(&self, header: &str) -> String {
        let mut text = String::new();
        if self.profile == Profile::V4_9 {
            properties::copy(&mut text, header, &[name::CLUSTER]);
            push(&mut text, name::CLUSTER, CLUSTER);
            text.pop();
        }
        text
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
