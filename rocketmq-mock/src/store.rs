//! What a broker has stored: one log of records, and the queues that count them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use rocketmq_protocol::{properties, sys_flag, topics};

use crate::options::Keep;

/// A message on its way into the store, everything already decided but its offsets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRecord<'a> {
    pub(crate) topic: &'a str,
    pub(crate) queue_id: i32,
    pub(crate) body: &'a [u8],
    /// Property text as stored.
    pub(crate) properties: &'a str,
    pub(crate) flag: i32,
    pub(crate) sys_flag: i32,
    pub(crate) born_timestamp: i64,
    pub(crate) born_host: SocketAddr,
    pub(crate) reconsume_times: i32,
    pub(crate) store_timestamp: i64,
    pub(crate) prepared_transaction_offset: i64,
    /// Places it takes in its queue: more than one for a batch in one record.
    pub(crate) messages: i64,
}

impl NewRecord<'_> {
    /// Whether it can be read back. Brokers that add to the properties of a batch's members do not look at the sum, and
    /// write a length that no reader takes.
    fn is_readable(&self) -> bool {
        self.properties.len() <= properties::MAX_LEN
    }

    /// Bytes of the record in a commit log (protocol 14.5): loopback hosts are IPv4, a long topic needs a second
    /// length byte.
    pub(crate) fn size(&self) -> usize {
        91 + usize::from(self.topic.len() > 127) + self.body.len() + self.topic.len() + self.properties.len()
    }
}

/// A stored message.
#[derive(Clone, Debug)]
pub(crate) struct StoredRecord {
    pub(crate) topic: Arc<str>,
    pub(crate) queue_id: i32,
    pub(crate) queue_offset: i64,
    pub(crate) physical_offset: i64,
    pub(crate) body: Bytes,
    pub(crate) properties: Box<str>,
    pub(crate) flag: i32,
    pub(crate) sys_flag: i32,
    pub(crate) born_timestamp: i64,
    pub(crate) born_host: SocketAddr,
    pub(crate) reconsume_times: i32,
    pub(crate) store_timestamp: i64,
    pub(crate) prepared_transaction_offset: i64,
}

impl StoredRecord {
    /// Whether consumers get it.
    pub(crate) fn is_queued(&self) -> bool {
        is_queued(self.sys_flag)
    }
}

/// A record that says it is a half message or a rolled back one is in the log only.
fn is_queued(flags: i32) -> bool {
    matches!(flags & sys_flag::TRANSACTION_MASK, 0 | sys_flag::TRANSACTION_COMMIT)
}

/// Where a record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) queue_offset: i64,
    pub(crate) physical_offset: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    count: i64,
    first_store_timestamp: i64,
}

impl Queue {
    /// Counts a record; the offset of its first message.
    fn take_places(&mut self, record: &NewRecord<'_>) -> i64 {
        if self.count == 0 {
            self.first_store_timestamp = record.store_timestamp;
        }
        let first = self.count;
        self.count += record.messages;
        first
    }
}

#[derive(Debug)]
struct TopicQueues {
    name: Arc<str>,
    queues: Vec<Queue>,
}

/// The store of one broker.
#[derive(Debug)]
pub(crate) struct Store {
    keep: Keep,
    log: VecDeque<StoredRecord>,
    /// Half messages stay reachable for END_TRANSACTION whatever `keep` says.
    halves: BTreeMap<i64, StoredRecord>,
    topics: Vec<TopicQueues>,
    /// Place in `topics` by name.
    topic_index: HashMap<Arc<str>, usize>,
    next_physical_offset: i64,
}

impl Store {
    pub(crate) fn new(keep: Keep) -> Store {
        Store {
            keep,
            log: VecDeque::new(),
            halves: BTreeMap::new(),
            topics: Vec::new(),
            topic_index: HashMap::new(),
            next_physical_offset: 0,
        }
    }

    /// Appends a record. Its queue id must not be negative.
    pub(crate) fn append(&mut self, record: &NewRecord<'_>) -> Appended {
        let topic = self.topic_place(record.topic);
        let topic = &mut self.topics[topic];
        let physical_offset = self.next_physical_offset;
        self.next_physical_offset += record.size() as i64;
        let index = usize::try_from(record.queue_id).unwrap_or_default();
        if topic.queues.len() <= index {
            topic.queues.resize_with(index + 1, Queue::default);
        }
        let queue = &mut topic.queues[index];
        let queue_offset = if is_queued(record.sys_flag) { queue.take_places(record) } else { 0 };
        let is_half = record.topic == topics::TRANS_HALF;
        if record.is_readable() && (self.keep != Keep::CountOnly || is_half) {
            let stored = StoredRecord {
                topic: Arc::clone(&topic.name),
                queue_id: record.queue_id,
                queue_offset,
                physical_offset,
                body: Bytes::copy_from_slice(record.body),
                properties: Box::from(record.properties),
                flag: record.flag,
                sys_flag: record.sys_flag,
                born_timestamp: record.born_timestamp,
                born_host: record.born_host,
                reconsume_times: record.reconsume_times,
                store_timestamp: record.store_timestamp,
                prepared_transaction_offset: record.prepared_transaction_offset,
            };
            self.keep_record(stored, is_half);
        }
        Appended { queue_offset, physical_offset }
    }

    /// The topic's place in `topics`, a new one for a new topic.
    fn topic_place(&mut self, name: &str) -> usize {
        if let Some(place) = self.topic_index.get(name) {
            return *place;
        }
        let name: Arc<str> = Arc::from(name);
        let place = self.topics.len();
        self.topics.push(TopicQueues { name: Arc::clone(&name), queues: Vec::new() });
        self.topic_index.insert(name, place);
        place
    }

    fn keep_record(&mut self, record: StoredRecord, is_half: bool) {
        if is_half {
            self.halves.insert(record.physical_offset, record.clone());
        }
        match self.keep {
            Keep::All => self.log.push_back(record),
            Keep::Last(limit) => {
                self.log.push_back(record);
                while self.log.len() > limit {
                    self.log.pop_front();
                }
            }
            Keep::CountOnly => {}
        }
    }

    /// The kept records in the order they were stored, those among them that no consumer gets.
    pub(crate) fn records(&self) -> impl DoubleEndedIterator<Item = &StoredRecord> {
        self.log.iter()
    }

    /// The kept record that begins at a commit-log offset.
    pub(crate) fn record_at(&self, physical_offset: i64) -> Option<&StoredRecord> {
        let index = self.log.binary_search_by_key(&physical_offset, |record| record.physical_offset).ok()?;
        self.log.get(index)
    }

    /// The half message that begins at a commit-log offset.
    pub(crate) fn half_at(&self, physical_offset: i64) -> Option<&StoredRecord> {
        self.halves.get(&physical_offset)
    }

    /// Messages ever stored in a queue, which is also its maximum offset.
    pub(crate) fn queue_count(&self, topic: &str, queue_id: i32) -> i64 {
        self.queue(topic, queue_id).map_or(0, |queue| queue.count)
    }

    /// Store time of a queue's first message.
    pub(crate) fn earliest_store_time(&self, topic: &str, queue_id: i32) -> Option<i64> {
        let queue = self.queue(topic, queue_id)?;
        (queue.count > 0).then_some(queue.first_store_timestamp)
    }

    /// The queues of a topic that ever got a message, with how many.
    pub(crate) fn queue_counts(&self, topic: &str) -> impl Iterator<Item = (i32, u64)> {
        let place = self.topic_index.get(topic).copied();
        let queues = place.map_or(&[][..], |place| &self.topics[place].queues);
        queues
            .iter()
            .enumerate()
            .filter(|(_, queue)| queue.count > 0)
            .map(|(queue_id, queue)| (queue_id as i32, queue.count as u64))
    }

    /// Forgets a topic: its queues begin at 0 again and its records are gone.
    pub(crate) fn remove_topic(&mut self, topic: &str) {
        if let Some(place) = self.topic_index.get(topic) {
            self.topics[*place].queues.clear();
        }
        self.log.retain(|record| &*record.topic != topic);
    }

    fn queue(&self, topic: &str, queue_id: i32) -> Option<&Queue> {
        let place = *self.topic_index.get(topic)?;
        self.topics[place].queues.get(usize::try_from(queue_id).ok()?)
    }
}
