//! Parked messages reach their topics when the time has come.

use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::properties::{self, name};
use tokio::time::timeout;

use crate::broker::Broker;
use crate::parked::Waiting;
use crate::state::{Shared, now_ms};
use crate::store::NewRecord;

impl Broker {
    /// Stores every due message anew under its real topic; whether there was one.
    fn deliver_due(&mut self, now: i64) -> bool {
        let mut delivered = false;
        while let Some(waiting) = self.parked.take_due(now) {
            delivered |= self.deliver(&waiting, now).is_some();
        }
        delivered
    }

    /// `None` for a message whose target is not in its properties, which a broker drops as well.
    fn deliver(&mut self, waiting: &Waiting, now: i64) -> Option<()> {
        let mut topic = None;
        let mut queue_id = None;
        let mut text = String::with_capacity(waiting.properties.len());
        for (key, value) in properties::iter(&waiting.properties) {
            match key {
                // The last one counts: a half message that was parked has two.
                name::REAL_TOPIC => topic = Some(value),
                name::REAL_QID => queue_id = value.parse().ok(),
                // Left in, it would have the message parked again.
                name::DELAY => continue,
                _ => {}
            }
            properties::push(&mut text, key, value);
        }
        self.store.append(&NewRecord {
            topic: topic?,
            queue_id: queue_id?,
            body: &waiting.body,
            properties: &text,
            flag: waiting.flag,
            sys_flag: waiting.sys_flag,
            born_timestamp: waiting.born_timestamp,
            born_host: waiting.born_host,
            reconsume_times: waiting.reconsume_times,
            store_timestamp: now,
            prepared_transaction_offset: 0,
            messages: 1,
        });
        Some(())
    }
}

/// Delivers the parked messages of all running brokers as they fall due, without end.
pub(crate) async fn run(shared: Arc<Shared>) {
    let changed = &shared.deliveries;
    loop {
        let now = now_ms();
        let mut delivered = false;
        let mut next_due = None;
        {
            let mut state = shared.state.lock();
            for broker in state.brokers.iter_mut().filter(|broker| broker.endpoint.running) {
                delivered |= broker.deliver_due(now);
                next_due = next_due.into_iter().chain(broker.parked.next_due()).min();
            }
        }
        if delivered {
            shared.note_change();
        }
        match next_due {
            None => changed.notified().await,
            Some(due) => {
                let wait = Duration::from_millis(u64::try_from(due - now).unwrap_or_default());
                // Either way it is time to look again.
                let _ = timeout(wait, changed.notified()).await;
            }
        }
    }
}
