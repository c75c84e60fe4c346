//! Reading records back: 33 and 12 (protocol 2.7).

use std::net::SocketAddr;

use rocketmq_protocol::answers::QueryMessageAnswer;
use rocketmq_protocol::codes::response;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::record::{Record, body_crc};
use rocketmq_protocol::requests::{QueryMessageRequest, ViewMessageRequest};

use super::Broker;
use crate::answer::{Answer, AnswerFields};
use crate::request::Request;
use crate::store::StoredRecord;

impl Broker {
    pub(super) fn view_message(&self, request: &Request<'_, '_>) -> Answer {
        let question = match ViewMessageRequest::decode(&request.header.fields) {
            Ok(question) => question,
            Err(error) => return Answer::exception(error.to_string()),
        };
        let Some(record) = self.store.record_at(question.offset) else {
            let remark = format!("can not find message by the offset, {}", question.offset);
            return Answer::refusal(response::SYSTEM_ERROR, remark);
        };
        let mut body = Vec::new();
        encode(record, self.endpoint.address, &mut body);
        Answer { off_path: true, ..Answer::with_body(body) }
    }

    /// The newest records of a topic that have the key, as a unique id or among their KEYS: one index holds both.
    pub(super) fn query_message(&self, request: &Request<'_, '_>) -> Answer {
        let question = match QueryMessageRequest::decode(&request.header.fields) {
            Ok(question) => question,
            Err(error) => return Answer::exception(error.to_string()),
        };
        let times = question.begin_timestamp..=question.end_timestamp;
        let limit = usize::try_from(question.max_num).unwrap_or_default();
        let found = self
            .store
            .records()
            .rev()
            .filter(|record| *record.topic == *question.topic && times.contains(&record.store_timestamp))
            .filter(|record| has_key(record, &question.key))
            .take(limit);
        let mut body = Vec::new();
        for record in found {
            encode(record, self.endpoint.address, &mut body);
        }
        if body.is_empty() {
            let remark = "can not find message, maybe time range not correct";
            let fields = AnswerFields::Query(QueryMessageAnswer::default());
            return Answer { fields, ..Answer::refusal(response::QUERY_NOT_FOUND, remark) };
        }
        let newest = self.store.records().next_back();
        let fields = AnswerFields::Query(QueryMessageAnswer {
            index_last_update_timestamp: newest.map_or(0, |record| record.store_timestamp),
            index_last_update_physical_offset: newest.map_or(0, |record| record.physical_offset),
        });
        Answer { fields, off_path: true, ..Answer::with_body(body) }
    }
}

fn has_key(record: &StoredRecord, key: &str) -> bool {
    let value = |wanted: &str| properties::get(&record.properties, wanted);
    value(name::UNIQ_KEY) == Some(key)
        || value(name::KEYS).is_some_and(|keys| keys.split(' ').any(|known| known == key))
}

/// Appends the record as it stands in a commit log (protocol 14.5).
fn encode(record: &StoredRecord, store_host: SocketAddr, out: &mut Vec<u8>) {
    let record = Record {
        body_crc: body_crc(&record.body),
        queue_id: record.queue_id,
        flag: record.flag,
        queue_offset: record.queue_offset,
        physical_offset: record.physical_offset,
        sys_flag: record.sys_flag,
        born_timestamp: record.born_timestamp,
        born_host: record.born_host,
        store_timestamp: record.store_timestamp,
        store_host,
        reconsume_times: record.reconsume_times,
        prepared_transaction_offset: record.prepared_transaction_offset,
        body: &record.body,
        topic: (&*record.topic).into(),
        properties: (&*record.properties).into(),
    };
    // Lengths were checked before the message was stored; one that does not fit is left out of the answer.
    let _ = record.encode(out);
}
