//! Questions about the bounds of a queue: 29, 30, 31, 32 (protocol 2.7).

use rocketmq_protocol::answers::{OffsetAnswer, StoreTimeAnswer};
use rocketmq_protocol::requests::{BOUNDARY_UPPER, QueueRequest, SearchOffsetRequest};

use super::Broker;
use crate::answer::{Answer, AnswerFields};
use crate::request::Request;

impl Broker {
    pub(super) fn max_offset(&self, request: &Request<'_, '_>) -> Answer {
        self.about_queue(request, |question| {
            let offset = self.store.queue_count(&question.topic, question.queue_id);
            AnswerFields::Offset(OffsetAnswer { offset })
        })
    }

    /// Nothing is ever deleted from the front of a queue.
    pub(super) fn min_offset(&self, request: &Request<'_, '_>) -> Answer {
        self.about_queue(request, |_| AnswerFields::Offset(OffsetAnswer { offset: 0 }))
    }

    pub(super) fn earliest_store_time(&self, request: &Request<'_, '_>) -> Answer {
        self.about_queue(request, |question| {
            let timestamp = self.store.earliest_store_time(&question.topic, question.queue_id).unwrap_or(-1);
            AnswerFields::StoreTime(StoreTimeAnswer { timestamp })
        })
    }

    fn about_queue(
        &self,
        request: &Request<'_, '_>,
        answer: impl Fn(&QueueRequest<'_>) -> AnswerFields,
    ) -> Answer {
        match QueueRequest::decode(&request.header.fields) {
            Ok(question) => Answer::with_fields(answer(&question)),
            Err(error) => Answer::exception(error.to_string()),
        }
    }

    /// Finds a queue offset by store time, among the records that are kept.
    pub(super) fn search_offset(&self, request: &Request<'_, '_>) -> Answer {
        let question = match SearchOffsetRequest::decode(&request.header.fields) {
            Ok(question) => question,
            Err(error) => return Answer::exception(error.to_string()),
        };
        let end = self.store.queue_count(&question.topic, question.queue_id);
        let last = (end - 1).max(0);
        let boundary = question.boundary_type.as_deref().unwrap_or_default();
        let upper = self.profile.is_v5() && boundary.eq_ignore_ascii_case(BOUNDARY_UPPER);
        let mut records = self
            .store
            .records()
            .filter(|record| record.is_queued() && *record.topic == *question.topic)
            .filter(|record| record.queue_id == question.queue_id);
        let found = if upper {
            records.rev().find(|record| record.store_timestamp <= question.timestamp)
        } else {
            records.find(|record| record.store_timestamp >= question.timestamp)
        };
        let offset = match found {
            Some(record) => record.queue_offset,
            None if upper => 0,
            None if self.profile.is_v5() => end,
            None => last,
        };
        Answer::with_fields(AnswerFields::Offset(OffsetAnswer { offset }))
    }
}
