//! The counters of each broker, found by name on the send path without a lock.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use super::counters::{OutcomeCounter, Padded, Striped};
use super::histogram::{Histogram, LatencyStats};

/// The counters of one broker.
#[derive(Default)]
pub(super) struct BrokerRecorder {
    pub(super) attempts: Striped<1>,
    pub(super) outcomes: Padded<BrokerOutcomes>,
}

#[derive(Default)]
pub(super) struct BrokerOutcomes {
    pub(super) succeeded: Histogram,
    pub(super) failed: OutcomeCounter,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BrokerCounts {
    pub(super) latency: LatencyStats,
    pub(super) failed: u64,
    pub(super) attempts: u64,
}

impl BrokerRecorder {
    /// Outcomes are read before what they are outcomes of.
    pub(super) fn counts(&self) -> BrokerCounts {
        let (latency, failed) = (self.outcomes.0.succeeded.summary(), self.outcomes.0.failed.get());
        let [attempts] = self.attempts.sums();
        BrokerCounts { latency, failed, attempts }
    }
}

/// A broker as its [`Brokers`] know it, kept from an attempt to its outcome: the number of its slot among those of all
/// tables, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BrokerId(NonZeroU32);

/// How many brokers the first table has room for; each further one has room for twice as many.
const FIRST_SLOTS: usize = 256;

/// How many slots a name may be in, from its hash on. It goes into the next table if others have them all.
const PROBES: usize = 8;

/// A hash table that only grows. Slots are filled once and never emptied, so that looking needs no lock: a name
/// is in the first slot of its row that was free when it came.
pub(super) struct Brokers {
    slots: Box<[OnceLock<Slot>]>,
    more: OnceLock<Box<Self>>,
}

struct Slot {
    name: Arc<str>,
    recorder: Box<BrokerRecorder>,
}

impl Default for Brokers {
    fn default() -> Self {
        Self::with_slots(FIRST_SLOTS)
    }
}

impl Brokers {
    fn with_slots(count: usize) -> Self {
        Self { slots: (0..count).map(|_| OnceLock::new()).collect(), more: OnceLock::new() }
    }

    /// The broker of this name; a new one if there is none yet.
    pub(super) fn find(&self, name: &Arc<str>) -> (BrokerId, &BrokerRecorder) {
        let hash = hash(name);
        let mut brokers = self;
        let mut before = 0;
        loop {
            for probe in 0..PROBES {
                let position = (hash as usize + probe) % brokers.slots.len();
                let slot = brokers.slots[position]
                    .get_or_init(|| Slot { name: Arc::clone(name), recorder: Box::default() });
                if Arc::ptr_eq(&slot.name, name) || slot.name == *name {
                    let number = NonZeroU32::MIN.saturating_add((before + position) as u32);
                    return (BrokerId(number), &slot.recorder);
                }
            }
            before += brokers.slots.len();
            brokers = brokers.more.get_or_init(|| Box::new(Self::with_slots(brokers.slots.len() * 2)));
        }
    }

    /// The broker of this id.
    pub(super) fn get(&self, id: BrokerId) -> Option<&BrokerRecorder> {
        let mut position = id.0.get() as usize - 1;
        let mut brokers = self;
        while position >= brokers.slots.len() {
            position -= brokers.slots.len();
            brokers = brokers.more.get()?;
        }
        Some(&brokers.slots[position].get()?.recorder)
    }

    /// All there are, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &BrokerRecorder)> {
        let slots = self.tables().flat_map(|brokers| brokers.slots.iter());
        slots.filter_map(OnceLock::get).map(|slot| (&slot.name, &*slot.recorder))
    }

    fn tables(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |brokers| brokers.more.get().map(|more| &**more))
    }
}

/// Names are short and nobody gains by choosing them badly: a few multiplications do.
fn hash(name: &str) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        (hash.rotate_left(29) ^ u64::from_le_bytes(word)).wrapping_mul(ODD)
    };
    let hash = name.as_bytes().chunks(8).fold(name.len() as u64, mix);
    // A product's bits know only of lower ones, and names differ in their last bytes, the highest of a word.
    (hash ^ (hash >> 32)).wrapping_mul(ODD) >> 32
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::thread;

    use super::*;

    #[test]
    fn a_name_is_one_broker_whatever_text_holds_it() {
        let brokers = Brokers::default();
        let names: Vec<String> = (0..1000).map(|number| format!("broker-{number}")).collect();
        let ids: HashMap<_, _> =
            names.iter().map(|name| (name, brokers.find(&name.as_str().into()).0)).collect();
        assert_eq!(ids.values().collect::<HashSet<_>>().len(), names.len());
        for (name, id) in ids {
            let (again, recorder) = brokers.find(&name.as_str().into());
            assert_eq!(again, id);
            assert!(brokers.get(id).is_some_and(|known| std::ptr::eq(known, recorder)));
        }
        let known: HashSet<_> = brokers.iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(known, names.into_iter().collect());
    }

    #[test]
    fn names_are_spread() {
        let brokers = Brokers::default();
        for number in 0..FIRST_SLOTS / 4 {
            brokers.find(&format!("broker-{number}").as_str().into());
        }
        assert_eq!(brokers.tables().count(), 1, "no row of slots is full");
    }

    #[test]
    fn threads_that_bring_a_name_at_once_count_at_one_broker() {
        const THREADS: u64 = 4;
        const NAMES: u64 = 200;
        let brokers = Brokers::default();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for number in 0..NAMES {
                        brokers.find(&format!("{number}").as_str().into()).1.attempts.add([1]);
                    }
                });
            }
        });
        assert_eq!(brokers.iter().count() as u64, NAMES);
        assert!(brokers.iter().all(|(_, recorder)| recorder.counts().attempts == THREADS));
    }

    #[test]
    fn callers_and_the_io_thread_write_different_cache_lines() {
        const { assert!(std::mem::offset_of!(BrokerRecorder, outcomes).is_multiple_of(128)) };
    }
}
