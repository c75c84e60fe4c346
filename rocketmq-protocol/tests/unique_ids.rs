//! Unique ids under clocks that do what they like.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use proptest::prelude::*;
use rocketmq_protocol::ids::UniqueIdGenerator;

const DAY: u64 = 24 * 3600 * 1000;
const MONTH: u64 = 30 * DAY;

fn generator() -> UniqueIdGenerator {
    UniqueIdGenerator::new("10.0.0.5".parse().unwrap(), 1, u32::MAX)
}

/// A calendar of months of 30 days.
fn month_start(now: u64) -> u64 {
    now - now % MONTH
}

/// The time since the month's start that an id tells.
fn told_ms(id: &str) -> u64 {
    u64::from_str_radix(&id[20..28], 16).unwrap()
}

#[derive(Clone, Debug)]
enum Clock {
    Runs(u64),
    Stands,
    SetTo(u64),
    Back(u64),
    Wild(u64),
}

fn clocks() -> impl Strategy<Value = Clock> {
    prop_oneof![
        4 => (0..50_u64).prop_map(Clock::Runs),
        4 => Just(Clock::Stands),
        // A few moments only, so that times come again, in this and in other months.
        2 => (0..3_u64, 0..3_u64, 0..3_u64).prop_map(|(month, day, ms)| Clock::SetTo(month * MONTH + day * DAY + ms)),
        2 => (0..3_000_u64).prop_map(Clock::Back),
        1 => any::<u64>().prop_map(Clock::Wild),
    ]
}

proptest! {
    #[test]
    fn none_is_given_twice_and_the_time_is_that_of_the_clock(
        steps in prop::collection::vec((clocks(), 1..20_usize), 1..200),
    ) {
        let (ids, mut seen, mut now) = (generator(), HashSet::new(), 1000 * MONTH);
        for (clock, count) in steps {
            now = match clock {
                Clock::Runs(ms) => now.saturating_add(ms),
                Clock::Stands => now,
                Clock::SetTo(ms) => 1000 * MONTH + ms,
                Clock::Back(ms) => now.saturating_sub(ms),
                Clock::Wild(ms) => ms,
            };
            for _ in 0..count {
                let id = ids.next(now, month_start(now));
                prop_assert!(seen.insert(id), "{id} at {now}");
                let (told, wanted) = (told_ms(id.as_str()), now % MONTH);
                prop_assert!((wanted..=wanted + 1_000).contains(&told), "{told} at {wanted}");
            }
        }
    }
}

#[test]
fn threads_whose_clocks_disagree_get_no_id_twice() {
    const EACH: usize = 100_000;
    let (ids, clock) = (generator(), AtomicU64::new(1000 * MONTH));
    let taken: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4_u64)
            .map(|thread| {
                let (ids, clock) = (&ids, &clock);
                scope.spawn(move || {
                    let take = |step: usize| {
                        // Set back, set forward, over the turn of a month and again.
                        let now = match (step as u64 + thread) % 1000 {
                            0 => clock.fetch_sub(100, Relaxed),
                            1 => clock.fetch_sub(1500, Relaxed),
                            2 => clock.fetch_add(1600, Relaxed),
                            3 => clock.fetch_add(MONTH, Relaxed),
                            4 => clock.fetch_sub(MONTH, Relaxed),
                            _ => clock.load(Relaxed),
                        };
                        ids.next(now, month_start(now))
                    };
                    (0..EACH).map(take).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let count = taken.len();
    assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), count);
}

#[test]
fn a_frozen_clock_gives_more_ids_than_a_counter_has_and_more_than_eras() {
    let (ids, mut seen) = (generator(), HashSet::new());
    for _ in 0..200_000 {
        assert!(seen.insert(ids.next(1000 * MONTH, 1000 * MONTH)));
    }
    // A clock that flies back and forth uses up all eras: the ids go on all the same.
    for step in 0..400_000_u64 {
        let now = 1000 * MONTH + step % 2 * 2_000;
        let id = ids.next(now, 1000 * MONTH);
        assert!(seen.insert(id), "{id} in step {step}");
    }
}
