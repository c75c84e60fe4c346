//! A batch that stays one record: in a BatchCQ topic of 5.x, if the batch itself has a unique id (protocol 5.8).

use rocketmq_protocol::codes::response;
use rocketmq_protocol::properties::{MAX_LEN, name, push};
use rocketmq_protocol::requests::SendRequest;
use rocketmq_protocol::sys_flag;

use super::placing::Placing;
use super::properties::Known;
use super::refusal::Refusal;
use super::send_checks::{MAX_BODY, MESSAGE_TOO_LONG, Target};
use super::{Broker, batch_members};
use crate::answer::{Answer, AnswerFields, SendFields};
use crate::ids::offset_message_id;
use crate::request::Request;
use crate::store::NewRecord;

impl Broker {
    pub(super) fn store_inner_batch(
        &mut self,
        request: &Request<'_, '_>,
        sent: &SendRequest<'_>,
        target: &Target,
        header: &Known<'_>,
        unique_id: &str,
    ) -> Result<Answer, Refusal> {
        let messages = batch_members::count(request.body)?;
        let mut placing = Placing::plain(&sent.topic, target.queue_id);
        let level = header.checked_level()?;
        placing.park(&mut String::new(), header, level, request.arrival.now, self.profile)?;
        let mut fields = SendFields { batch_unique_id: Some(unique_id.to_owned()), ..SendFields::default() };
        let mut text = self.completed_properties(&sent.properties, header, level, None);
        push(&mut text, name::INNER_NUM, &messages.to_string());
        // The topics where messages wait are no BatchCQ topics.
        let waits = placing.due.is_some();
        if waits || request.body.len() > MAX_BODY || text.len() > MAX_LEN {
            let refusal = Answer::refusal(response::MESSAGE_ILLEGAL, MESSAGE_TOO_LONG);
            return Ok(Answer { fields: AnswerFields::Send(fields), ..refusal });
        }
        let base = self.store.queue_count(&sent.topic, target.queue_id);
        push(&mut text, name::INNER_BASE, &base.to_string());
        let flags = target.stored_sys_flag(sent.sys_flag) | sys_flag::INNER_BATCH | sys_flag::NEED_UNWRAP;
        let appended = self.store.append(&NewRecord {
            queue_id: target.queue_id,
            properties: &text,
            sys_flag: flags,
            messages,
            ..request.record(sent)
        });
        self.properties = text;
        fields.message_id = Some(offset_message_id(self.endpoint.address, appended.physical_offset));
        fields.queue_id = Some(target.queue_id);
        fields.queue_offset = Some(appended.queue_offset);
        fields.transaction_id = self.transaction_id(Some(unique_id));
        Ok(Answer::with_fields(AnswerFields::Send(fields)))
    }
}
