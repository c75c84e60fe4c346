//! The send processor: requests 10, 310 and 320, stage by stage in the order of protocol 14.2.

use rocketmq_protocol::DecodeError;
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::properties::{MAX_LEN, name, push};
use rocketmq_protocol::requests::SendRequest;
use rocketmq_protocol::sys_flag;

use super::Broker;
use super::placing::Placing;
use super::properties::{self, Known};
use super::refusal::Refusal;
use super::send_checks::{MAX_BODY, MESSAGE_TOO_LONG, TOPIC_IS_BLANK, Target};
use crate::answer::{Answer, AnswerFields, REGION, SendFields};
use crate::ids::offset_message_id;
use crate::options::Profile;
use crate::request::Request;
use crate::store::NewRecord;
use crate::topic::CLUSTER;

/// Properties a 5.x broker writes itself, and the one it does not take from producers.
const REPLACED_V5: &[&str] =
    &[name::MSG_REGION, name::TRACE_ON, name::CLUSTER, name::POP_CK, name::INNER_NUM];
/// The same of 4.9.
const REPLACED_V4_9: &[&str] = &[name::CLUSTER];
const WAIT: &[&str] = &[name::WAIT];
const TIMERS: &[&str] = &[name::TIMER_DELAY_SEC, name::TIMER_DELAY_MS, name::TIMER_DELIVER_MS];

impl Broker {
    /// Serves a send.
    pub(super) fn send(&mut self, request: &Request<'_, '_>) -> Answer {
        let fields = &request.header.fields;
        let decoded = match request.header.code {
            request::SEND_MESSAGE => SendRequest::decode_v1(fields),
            _ => SendRequest::decode_v2(fields),
        };
        let sent = match decoded {
            Ok(sent) => sent,
            Err(error) => return self.undecodable(&error).answer(),
        };
        self.accept(request, &sent).unwrap_or_else(Refusal::answer)
    }

    /// Brokers notice a missing field only when they use it (protocol 1.6); 4.9 takes a missing topic for a blank one.
    fn undecodable(&self, error: &DecodeError) -> Refusal {
        match error {
            DecodeError::MissingField { name }
                if !self.profile.is_v5() && matches!(&**name, "topic" | "b") =>
            {
                Refusal::new(self.profile.invalid_parameter(), TOPIC_IS_BLANK)
            }
            _ => Refusal::exception(format!("java.lang.NullPointerException: {error}")),
        }
    }

    fn accept(&mut self, request: &Request<'_, '_>, sent: &SendRequest<'_>) -> Result<Answer, Refusal> {
        self.check_body_is_there(request.body)?;
        self.check_topic_name(&sent.topic)?;
        self.check_topic_is_open(&sent.topic)?;
        self.find_or_create_topic(sent)?;
        let target = self.check_and_choose_queue(sent, request.arrival.origin.peer)?;
        if sent.batch {
            self.check_batch_topic(&sent.topic)?;
            self.store_batch(request, sent, &target)
        } else {
            self.store_single(request, sent, &target)
        }
    }

    fn store_single(
        &mut self,
        request: &Request<'_, '_>,
        sent: &SendRequest<'_>,
        target: &Target,
    ) -> Result<Answer, Refusal> {
        let known = Known::read(&sent.properties);
        let mut level = known.checked_level()?;
        let dead_letters = self.dead_letter_topic(request, sent);
        let made_id = self.missing_unique_id(&known, request.arrival.now);
        let unique_id = made_id.as_deref().or(known.unique_id);
        self.check_keys(target, &known)?;
        let mut text = self.completed_properties(&sent.properties, &known, level, made_id.as_deref());
        self.check_message(&sent.topic)?;
        self.check_inner_batch(&known)?;
        let mut flags = target.stored_sys_flag(sent.sys_flag);
        let mut placing = match &dead_letters {
            Some(topic) => Placing::plain(topic, 0),
            None => Placing::plain(&sent.topic, target.queue_id),
        };
        if dead_letters.is_some() && self.profile.is_v5() {
            // Dead letters do not wait; 4.9 lets them.
            push(&mut text, name::DELAY, "-1");
            level = 0;
        }
        if known.half && !(sent.reconsume_times > 0 && level > 0) {
            flags &= !sys_flag::TRANSACTION_MASK;
            placing.hold_half(&mut text, unique_id, self.profile);
        }
        let state = flags & sys_flag::TRANSACTION_MASK;
        if state == 0 || state == sys_flag::TRANSACTION_COMMIT {
            placing.park(&mut text, &known, level, request.arrival.now, self.profile)?;
        }
        if self.profile == Profile::V4_9 {
            text.pop();
        }
        self.check_sizes(request.body, &text)?;
        let record = NewRecord {
            topic: &placing.topic,
            queue_id: placing.queue_id,
            properties: &text,
            sys_flag: flags,
            ..request.record(sent)
        };
        let appended = self.store.append(&record);
        if let Some(due) = placing.due {
            self.parked.park(due, &record);
        }
        let recall_handle = placing.recall_handle(&self.endpoint.name, unique_id);
        self.properties = text;
        Ok(Answer::with_fields(AnswerFields::Send(SendFields {
            message_id: Some(offset_message_id(self.endpoint.address, appended.physical_offset)),
            queue_id: Some(target.queue_id),
            queue_offset: Some(appended.queue_offset),
            transaction_id: self.transaction_id(unique_id),
            recall_handle,
            batch_unique_id: None,
        })))
    }

    /// The message's unique id, which 5.x calls the transaction id of every send.
    pub(super) fn transaction_id(&self, unique_id: Option<&str>) -> Option<String> {
        unique_id.filter(|_| self.profile.is_v5()).map(str::to_owned)
    }

    /// Row 15: 5.x makes the unique id of messages that have none.
    fn missing_unique_id(&mut self, known: &Known<'_>, now: i64) -> Option<String> {
        if !self.profile.is_v5() || known.unique_id.is_some() {
            return None;
        }
        // Counted from the epoch instead of the month's first day: no reader can tell, ids stay apart.
        Some(self.unique_ids.next(now as u64, 0).as_str().to_owned())
    }

    /// Rows 3 and 17: the properties as the broker re-writes them, every one of them with its separator.
    pub(super) fn completed_properties(
        &mut self,
        sent: &str,
        known: &Known<'_>,
        level: i32,
        made_id: Option<&str>,
    ) -> String {
        let mut text = std::mem::take(&mut self.properties);
        text.clear();
        // 5.x forgets the timers of a message that has a delay level, 4.9 the WAIT of one that it does not move.
        let (also_replaced, is_there) = match self.profile {
            Profile::V5 if level > 0 => (TIMERS, known.has_timer()),
            Profile::V4_9 if level <= 0 && !known.half => (WAIT, known.waits),
            _ => (&[][..], false),
        };
        if known.plain && !is_there {
            text.push_str(sent);
        } else {
            let replaced = if self.profile.is_v5() { REPLACED_V5 } else { REPLACED_V4_9 };
            properties::copy(&mut text, sent, |key| replaced.contains(&key) || also_replaced.contains(&key));
        }
        if self.profile.is_v5() {
            push(&mut text, name::MSG_REGION, REGION);
            push(&mut text, name::TRACE_ON, "true");
            if let Some(id) = made_id {
                push(&mut text, name::UNIQ_KEY, id);
            }
        }
        push(&mut text, name::CLUSTER, CLUSTER);
        text
    }

    /// Row 25: the last check before a message is stored.
    fn check_sizes(&self, body: &[u8], properties: &str) -> Result<(), Refusal> {
        if properties.len() > MAX_LEN || body.len() > MAX_BODY {
            return Err(Refusal::new(response::MESSAGE_ILLEGAL, MESSAGE_TOO_LONG));
        }
        Ok(())
    }
}
