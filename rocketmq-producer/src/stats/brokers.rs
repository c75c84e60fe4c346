//! The counters of each broker, found on the send path without a lock.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use once_cell::race::OnceBox;

use super::counters::{OutcomeCounter, Padded, Striped};
use super::histogram::{Histogram, LatencyStats};
use crate::sync::Mutex;
use crate::sys::Moment;

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

    /// All counters begin anew. Gives how many requests there were.
    fn reset(&self) -> u64 {
        self.outcomes.0.succeeded.reset();
        self.outcomes.0.failed.reset();
        let [attempts] = self.attempts.take();
        attempts
    }
}

/// A broker as statistics tell it from others: a number of ours, which nobody else can choose. One that left the routes
/// and came again has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BrokerId(NonZeroU32);

impl BrokerId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NonZeroU32::MIN.saturating_add(NEXT.fetch_add(1, Ordering::Relaxed) % (u32::MAX - 1)))
    }
}

/// How many brokers the first table has room for; each further one has room for twice as many.
const FIRST_SLOTS: usize = 256;

/// The room of the last one. So 3,840 brokers have counters of their own at a time, of some 5 KB each; the requests to
/// more are counted in all only.
const LAST_SLOTS: usize = 2048;

/// How many slots a broker may be in, from its number on. It goes into the next table if others have them all.
const PROBES: usize = 8;

/// Brokers to take out are looked for no more often than this.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A hash table that needs no lock to look. A broker whose name nobody has any more is taken out when another comes, or
/// when somebody looks at all; what still counts for it just then counts for who comes into its slot.
#[derive(Default)]
pub(super) struct Brokers {
    tables: Table,
    /// Requests to brokers without a slot.
    others: Striped<1>,
    /// Held by who changes slots. When it was last looked for brokers to take out.
    changing: Mutex<Option<Moment>>,
}

struct Table {
    slots: Box<[Slot]>,
    more: OnceBox<Self>,
}

#[derive(Default)]
struct Slot {
    /// 0: nobody's.
    id: AtomicU32,
    name: Mutex<Option<Weak<str>>>,
    recorder: OnceBox<BrokerRecorder>,
}

impl Default for Table {
    fn default() -> Self {
        Self::with_slots(FIRST_SLOTS)
    }
}

impl Table {
    fn with_slots(count: usize) -> Self {
        Self { slots: (0..count).map(|_| Slot::default()).collect(), more: OnceBox::new() }
    }

    /// The slots that this broker may be in.
    fn row(&self, id: u32) -> impl Iterator<Item = &Slot> {
        // The count of slots is a power of two.
        let mask = self.slots.len() - 1;
        (0..PROBES).map(move |probe| &self.slots[(id as usize + probe) & mask])
    }

    fn tables(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |table| table.more.get())
    }

    fn slot(&self, id: u32) -> Option<&Slot> {
        self.tables().find_map(|table| table.row(id).find(|slot| slot.id.load(Ordering::Acquire) == id))
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.tables().flat_map(|table| table.slots.iter())
    }

    /// A slot of nobody's for this broker, in a new table if need be.
    fn free_slot(&self, id: u32) -> Option<&Slot> {
        let mut table = self;
        loop {
            if let Some(slot) = table.row(id).find(|slot| slot.id.load(Ordering::Relaxed) == 0) {
                return Some(slot);
            }
            let more = table.slots.len() * 2;
            if more > LAST_SLOTS {
                return None;
            }
            table = table.more.get_or_init(|| Box::new(Self::with_slots(more)));
        }
    }
}

impl Brokers {
    /// A request goes to this broker.
    pub(super) fn attempted(&self, id: BrokerId, name: &Arc<str>) {
        match self.get(id).or_else(|| self.enter(id, name)) {
            Some(recorder) => recorder.attempts.add([1]),
            None => self.others.add([1]),
        }
    }

    /// The broker of this number, if it has a slot.
    pub(super) fn get(&self, id: BrokerId) -> Option<&BrokerRecorder> {
        self.tables.slot(id.0.get())?.recorder.get()
    }

    /// A slot for a broker that has none yet.
    fn enter(&self, id: BrokerId, name: &Arc<str>) -> Option<&BrokerRecorder> {
        let mut looked = self.changing.lock();
        if let Some(recorder) = self.get(id) {
            return Some(recorder);
        }
        if looked.is_none_or(|looked| looked.elapsed() >= LOOK_INTERVAL) {
            *looked = Some(Moment::now());
            self.forget_unnamed();
        }
        let slot = self.tables.free_slot(id.0.get())?;
        let recorder = slot.recorder.get_or_init(Box::default);
        *slot.name.lock() = Some(Arc::downgrade(name));
        slot.id.store(id.0.get(), Ordering::Release);
        Some(recorder)
    }

    /// Takes out the brokers whose names nobody has any more. What was counted stays in the sum.
    fn forget_unnamed(&self) {
        for slot in self.tables.slots().filter(|slot| slot.id.load(Ordering::Relaxed) != 0) {
            if slot.name.lock().as_ref().is_none_or(|name| name.strong_count() == 0) {
                slot.id.store(0, Ordering::Relaxed);
                self.others.add([slot.recorder.get().map_or(0, |recorder| recorder.reset())]);
            }
        }
    }

    /// All that have a slot. Of two with one name the one that came later.
    pub(super) fn counts(&self) -> BTreeMap<Arc<str>, BrokerCounts> {
        let _changing = self.changing.lock();
        self.forget_unnamed();
        let mut found: Vec<_> = self.tables.slots().collect();
        found.sort_by_key(|slot| slot.id.load(Ordering::Relaxed));
        let counts = found.into_iter().filter_map(|slot| {
            let name = slot.name.lock().as_ref()?.upgrade()?;
            Some((name, slot.recorder.get()?.counts()))
        });
        counts.collect()
    }

    /// Requests to all brokers there ever were.
    pub(super) fn attempts(&self) -> u64 {
        let _changing = self.changing.lock();
        let named = self.tables.slots().filter_map(|slot| slot.recorder.get());
        let [others] = self.others.sums();
        others + named.map(|recorder| recorder.attempts.sums()[0]).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn broker(name: &str) -> (BrokerId, Arc<str>) {
        (BrokerId::new(), name.into())
    }

    #[test]
    fn each_broker_has_its_counters() {
        let brokers = Brokers::default();
        let all: Vec<_> = (0..1000).map(|number| broker(&format!("broker-{number}"))).collect();
        for (times, (id, name)) in (1..).zip(&all) {
            (0..times).for_each(|_| brokers.attempted(*id, name));
        }
        let counts = brokers.counts();
        for (times, (_, name)) in (1..).zip(&all) {
            assert_eq!(counts[name].attempts, times, "{name}");
        }
        assert_eq!(brokers.attempts(), 1000 * 1001 / 2);
    }

    #[test]
    fn a_broker_that_nobody_names_any_more_leaves_and_its_slot_is_anothers() {
        let brokers = Brokers::default();
        let (stays, name) = broker("stays");
        // As if a route named others again and again.
        for round in 0..100 {
            for number in 0..100 {
                let (id, other) = broker(&format!("other-{round}-{number}"));
                brokers.attempted(stays, &name);
                brokers.attempted(id, &other);
                assert!(brokers.get(id).is_some());
            }
            assert_eq!(brokers.counts().len(), 1);
        }
        assert_eq!(brokers.counts()["stays"].attempts, 10_000);
        assert_eq!(brokers.attempts(), 20_000, "nothing is lost");
        let used = brokers.tables.slots().filter(|slot| slot.recorder.get().is_some()).count();
        assert!(used <= FIRST_SLOTS, "{used}");
    }

    #[test]
    fn there_is_a_bound_whatever_names_come() {
        let brokers = Brokers::default();
        let all: Vec<_> = (0..20_000).map(|number| broker(&format!("broker-{number}"))).collect();
        for (id, name) in &all {
            brokers.attempted(*id, name);
        }
        let slots = brokers.tables.slots().count();
        assert_eq!(slots, 3840);
        assert!((slots / 2..=slots).contains(&brokers.counts().len()));
        assert_eq!(brokers.attempts(), 20_000);
    }

    #[test]
    fn of_two_with_one_name_the_later_is_shown() {
        let brokers = Brokers::default();
        let [first, second] = [broker("b"), broker("b")];
        for (times, (id, name)) in [(3, &second), (5, &first)] {
            (0..times).for_each(|_| brokers.attempted(*id, name));
        }
        assert_eq!(brokers.counts()["b"].attempts, 3);
        assert_eq!(brokers.attempts(), 8);
    }

    #[test]
    fn threads_that_bring_a_broker_at_once_count_at_one() {
        const THREADS: u64 = 4;
        const NAMES: usize = 200;
        let brokers = Brokers::default();
        let all: Vec<_> = (0..NAMES).map(|number| broker(&format!("{number}"))).collect();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for (id, name) in &all {
                        brokers.attempted(*id, name);
                    }
                });
            }
        });
        let counts = brokers.counts();
        assert_eq!(counts.len(), NAMES);
        assert!(counts.values().all(|counts| counts.attempts == THREADS));
    }

    #[test]
    fn callers_and_the_io_thread_write_different_cache_lines() {
        const { assert!(std::mem::offset_of!(BrokerRecorder, outcomes).is_multiple_of(128)) };
    }
}
