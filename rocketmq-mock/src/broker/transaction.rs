//! END_TRANSACTION (protocol 7.2, 7.4).

use rocketmq_protocol::codes::response;
use rocketmq_protocol::properties::{self, name};
use rocketmq_protocol::requests::EndTransactionRequest;
use rocketmq_protocol::sys_flag;

use super::Broker;
use crate::answer::Answer;
use crate::request::Request;
use crate::store::{NewRecord, StoredRecord};

impl Broker {
    /// Ends a half message; `None` while its state is unknown, which is never answered.
    pub(super) fn end_transaction(&mut self, request: &Request<'_, '_>) -> Option<Answer> {
        let end = match EndTransactionRequest::decode(&request.header.fields) {
            Ok(end) => end,
            Err(error) => return Some(Answer::exception(error.to_string())),
        };
        let commit = match end.commit_or_rollback {
            sys_flag::TRANSACTION_COMMIT => true,
            sys_flag::TRANSACTION_ROLLBACK => false,
            _ => return None,
        };
        let refused = |remark: &'static str| Some(Answer::refusal(response::SYSTEM_ERROR, remark));
        let Some(half) = self.store.half_at(end.commit_log_offset) else {
            return refused("Find prepared transaction message failed");
        };
        if properties::get(&half.properties, name::PGROUP) != Some(&*end.producer_group) {
            return refused("The producer group wrong");
        }
        if half.queue_offset != end.tran_state_table_offset {
            return refused("The transaction state table offset wrong");
        }
        if commit {
            // A second commit stores a second message, as real brokers do.
            let half = half.clone();
            if self.commit(&half, request.arrival.now).is_none() {
                return refused("Find prepared transaction message failed");
            }
        }
        Some(Answer::success())
    }

    /// Stores a half message under its real topic; `None` if it does not name one.
    fn commit(&mut self, half: &StoredRecord, now: i64) -> Option<()> {
        let topic = properties::get(&half.properties, name::REAL_TOPIC)?;
        let queue_id = properties::get(&half.properties, name::REAL_QID)?.parse().ok()?;
        let flags = half.sys_flag & !sys_flag::TRANSACTION_MASK | sys_flag::TRANSACTION_COMMIT;
        self.store.append(&NewRecord {
            topic,
            queue_id,
            body: &half.body,
            properties: &half.properties,
            flag: half.flag,
            sys_flag: flags,
            born_timestamp: half.born_timestamp,
            born_host: half.born_host,
            reconsume_times: half.reconsume_times,
            store_timestamp: now,
            prepared_transaction_offset: half.physical_offset,
            messages: 1,
        });
        Some(())
    }
}
