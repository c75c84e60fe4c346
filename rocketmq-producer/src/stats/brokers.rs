//! The counters of each broker, found on the send path without a lock.
//!
//! `broker_recorder.rs` has those of one broker, `table.rs` where they are found; here is which brokers come in and which leave.

mod broker_recorder;
mod table;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(super) use self::broker_recorder::{BrokerCounts, BrokerOutcomes, BrokerRecorder};
use self::table::Table;
use super::counters::Striped;
use crate::sync::Mutex;
use crate::sys::Moment;

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

/// Brokers to take out are looked for no more often than this.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The brokers that have counters. One whose name nobody has any more is taken out when another comes, or
/// when somebody looks at all; what still counts for it just then counts for who comes into its slot.
#[derive(Default)]
pub(super) struct Brokers {
    tables: Table,
    /// Requests to brokers without a slot.
    others: Striped<1>,
    /// Held by who changes slots. When it was last looked for brokers to take out.
    changing: Mutex<Option<Moment>>,
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

    /// Numbers of a test's own. Those of the process go to the tests beside it too, and where a broker lies depends on them.
    struct Numbers(u32);

    impl Numbers {
        fn broker(&mut self, name: &str) -> (BrokerId, Arc<str>) {
            self.0 += 1;
            (BrokerId(self.0.try_into().expect("above 0")), name.into())
        }
    }

    #[test]
    fn each_broker_has_its_counters() {
        let (brokers, mut numbers) = (Brokers::default(), Numbers(0));
        let all: Vec<_> = (0..1000).map(|number| numbers.broker(&format!("broker-{number}"))).collect();
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
        const FIRST: usize = table::FIRST_SLOTS;
        // Alone, and while others take numbers: those that come next want the places of those just before.
        for (taken_meanwhile, most) in [(0, FIRST), (FIRST - 50, FIRST + 2 * FIRST)] {
            let (brokers, mut numbers) = (Brokers::default(), Numbers(0));
            let (stays, name) = numbers.broker("stays");
            // As if a route named others again and again.
            for round in 0..100 {
                for number in 0..100 {
                    let (id, other) = numbers.broker(&format!("other-{round}-{number}"));
                    brokers.attempted(stays, &name);
                    brokers.attempted(id, &other);
                    assert!(brokers.get(id).is_some());
                    if number == 50 {
                        numbers.0 += taken_meanwhile as u32;
                    }
                }
                assert_eq!(brokers.counts().len(), 1);
            }
            assert_eq!(brokers.counts()["stays"].attempts, 10_000);
            assert_eq!(brokers.attempts(), 20_000, "nothing is lost");
            let used = brokers.tables.slots().filter(|slot| slot.recorder.get().is_some()).count();
            assert!(used <= most, "{used} with {taken_meanwhile} of others");
        }
    }

    #[test]
    fn there_is_a_bound_whatever_names_come() {
        let (brokers, mut numbers) = (Brokers::default(), Numbers(0));
        let all: Vec<_> = (0..20_000).map(|number| numbers.broker(&format!("broker-{number}"))).collect();
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
        let (brokers, mut numbers) = (Brokers::default(), Numbers(0));
        let [first, second] = ["b"; 2].map(|name| numbers.broker(name));
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
        let (brokers, mut numbers) = (Brokers::default(), Numbers(0));
        let all: Vec<_> = (0..NAMES).map(|number| numbers.broker(&format!("{number}"))).collect();
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
}
