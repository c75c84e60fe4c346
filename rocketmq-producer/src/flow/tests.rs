use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use super::*;
use crate::sys::Moment;

const LONG: Duration = Duration::from_secs(20);

/// Counts how often it hears of room.
struct Told(Arc<AtomicUsize>);

impl Told {
    fn pair() -> (Count, Arc<dyn HearsOfRoom>) {
        let count = Arc::default();
        (Count(Arc::clone(&count)), Arc::new(Self(count)))
    }
}

impl HearsOfRoom for Told {
    fn has_room(&self, producer: ProducerTag) {
        assert_eq!(producer, 7);
        self.0.fetch_add(1, SeqCst);
    }
}

struct Count(Arc<AtomicUsize>);

impl Count {
    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

fn bounds(max_messages: usize, max_bytes: usize) -> Arc<Bounds> {
    let bounds = Arc::new(Bounds::new(max_messages, max_bytes));
    bounds.set_producer(7);
    bounds
}

fn taken(bounds: &Bounds) -> (usize, u64) {
    (bounds.messages(), bounds.bytes())
}

#[test]
fn both_bounds_hold_and_come_back() {
    let bounds = bounds(2, 10);
    let first = bounds.try_take(1, 6).expect("room");
    assert!(bounds.try_take(1, 5).is_none(), "11 of 10 bytes");
    let second = bounds.try_take(1, 4).expect("room");
    assert!(bounds.try_take(1, 0).is_none(), "3 of 2 messages");
    drop(first);
    drop(second);
    assert_eq!(taken(&bounds), (0, 0));
}

#[test]
fn a_share_of_several_is_given_back_one_by_one() {
    let bounds = bounds(3, 10);
    assert!(bounds.try_take(3, 11).is_some(), "alone");
    let mut both = bounds.try_take(2, 7).expect("room");
    assert!(bounds.try_take(2, 0).is_none(), "4 of 3 messages");
    let first = both.split_off(3);
    let second = both.split_off(4);
    drop(both);
    drop(first);
    assert_eq!(taken(&bounds), (1, 4));
    drop(second);
    assert_eq!(taken(&bounds), (0, 0));
}

#[test]
fn a_message_over_the_byte_bound_goes_alone() {
    let bounds = bounds(2, 10);
    let large = bounds.try_take(1, 1000).expect("alone");
    assert!(bounds.try_take(1, 1).is_none());
    drop(large);
    assert!(bounds.try_take(1, 1).is_some());
}

#[test]
fn a_waiter_gets_the_room_that_another_gives_back() {
    let bounds = bounds(1, 10);
    let held = bounds.try_take(1, 1).expect("room");
    let waiter = std::thread::spawn({
        let bounds = Arc::clone(&bounds);
        move || bounds.take_by(1, 1, Moment::now() + LONG, || false).is_some()
    });
    while !bounds.has_sleepers() {
        std::thread::yield_now();
    }
    drop(held);
    assert!(waiter.join().expect("no panic"));
    let _held = bounds.try_take(1, 1);
    assert!(bounds.take_by(1, 1, Moment::now(), || false).is_none(), "a deadline ends the wait");
    let far = Moment::now() + LONG;
    assert!(bounds.take_by(1, 1, far, || true).is_none(), "and so does giving up");
}

#[test]
fn each_share_of_a_lot_is_told_to_who_was_refused() {
    let both = [(); 2].map(|()| bounds(2, 10));
    let (told, hears) = Told::pair();
    let [first, second, of_another] =
        [both[0].try_take(1, 1), both[0].try_take(1, 1), both[1].try_take(2, 2)].map(Option::unwrap);
    both.iter().for_each(|bounds| bounds.note_refusal(1, 0, [Arc::clone(&hears)]));
    let mut lot = GivenBack::new();
    lot.add(first);
    assert_eq!((taken(&both[0]), told.count()), ((1, 1), 1));
    lot.add(second);
    assert_eq!((taken(&both[0]), told.count()), ((0, 0), 1), "once");
    lot.add(of_another);
    assert_eq!(told.count(), 2);
    drop(lot);
    assert_eq!(told.count(), 2);
}

/// The program's code, which a lot goes on with, may wait for whoever waits for room.
#[test]
fn who_waits_for_room_needs_no_end_of_a_lot() {
    let bounds = bounds(2, 10);
    let shares = [(); 2].map(|()| bounds.try_take(1, 1).expect("room"));
    let (taken, takes) = std::sync::mpsc::channel();
    let mut lot = GivenBack::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2 {
                let share = bounds.take_by(1, 1, Moment::now() + LONG, || false);
                taken.send(share.is_some()).expect("the test listens");
                std::mem::forget(share);
            }
        });
        for share in shares {
            while !bounds.has_sleepers() {
                std::thread::yield_now();
            }
            lot.add(share);
            assert!(takes.recv().expect("no panic"), "the room of the lot");
        }
    });
}

#[test]
fn who_waits_for_room_is_not_woken_for_each_share_of_a_lot() {
    const SHARES: usize = 20_000;
    let bounds = bounds(SHARES, SHARES);
    let mut lot = GivenBack::new();
    let (mut woken, begun) = (0, Moment::now());
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..SHARES).map(|_| bounds.try_take(1, 0).expect("room")).collect();
        let mut shares = shares.into_iter();
        shares.by_ref().take(1).for_each(|share| lot.add(share));
        scope.spawn(|| {
            while bounds.messages() > 0 {
                let (before, mut looks) = (bounds.messages(), 0_u128);
                // Any share ends this wait, if it is told.
                bounds.wait_room_that(|| {
                    looks += 1;
                    bounds.messages() < before || before == 0
                });
                // The first two come before the sleep.
                woken += looks.saturating_sub(2);
            }
        });
        shares.for_each(|share| lot.add(share));
    });
    let times = begun.elapsed().as_micros() / 100;
    assert!(woken <= 10 + 2 * times, "woken {woken} times in {times} times of gathering");
}

#[test]
fn who_was_refused_hears_of_room_once_and_only_then() {
    let (told, hears) = Told::pair();
    let bounds = bounds(1, 10);
    let refuse = || bounds.note_refusal(1, 1, [Arc::clone(&hears)]);
    drop(bounds.try_take(1, 1));
    assert_eq!(told.count(), 0, "nobody was refused");
    let held = bounds.try_take(1, 1).expect("room");
    refuse();
    refuse();
    assert_eq!(told.count(), 0, "there is no room yet");
    drop(held);
    drop(bounds.try_take(1, 1));
    assert_eq!(told.count(), 1);
    refuse();
    assert_eq!(told.count(), 2, "there was room already");
}

#[test]
fn there_is_room_when_what_was_refused_fits() {
    let (told, hears) = Told::pair();
    let bounds = bounds(10, 100);
    let shares: Vec<_> = (0..9).map(|_| bounds.try_take(1, 11).expect("room")).collect();
    bounds.note_refusal(1, 30, [Arc::clone(&hears)]);
    bounds.note_refusal(4, 4, [Arc::clone(&hears)]);
    let mut shares = shares.into_iter();
    shares.next();
    shares.next();
    assert_eq!(told.count(), 0, "23 bytes and three messages");
    shares.next();
    assert_eq!(told.count(), 1, "both fit, and are one event");
    bounds.note_refusal(1, 1000, [Arc::clone(&hears)]);
    shares.by_ref().take(5).for_each(drop);
    assert_eq!(told.count(), 1, "what is over a bound goes alone");
    drop(shares);
    assert_eq!(told.count(), 2);
}

#[test]
fn each_who_was_refused_hears_of_room_and_who_listens_always_does() {
    let bounds = bounds(1, 10);
    let [(first, hears_first), (second, hears_second), (listening, listener)] =
        [(); 3].map(|()| Told::pair());
    bounds.add_listener(&listener);
    let counts = || [&first, &second, &listening].map(|told| told.count());
    let held = bounds.try_take(1, 1).expect("room");
    bounds.note_refusal(1, 1, [hears_first]);
    bounds.note_refusal(1, 1, [hears_second]);
    drop(held);
    assert_eq!(counts(), [0, 0, 1], "the two are gone, and need no room");
    let (first, hears_first) = Told::pair();
    let held = bounds.try_take(1, 1).expect("room");
    bounds.note_refusal(1, 1, [Arc::clone(&hears_first)]);
    bounds.note_refusal(1, 1, None);
    drop(held);
    assert_eq!((first.count(), listening.count()), (1, 2));
}

/// Each refusal is followed by the sound of room, or nobody would ever send again.
#[test]
fn no_sound_of_room_is_lost() {
    const ROUNDS: usize = 20_000;
    let bounds = bounds(1, 1000);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let (told, hears) = Told::pair();
                let mut heard = 0;
                for _ in 0..ROUNDS {
                    let share = loop {
                        if let Some(share) = bounds.try_take(1, 1) {
                            break share;
                        }
                        // Others make room between the refusal and its note, and after it.
                        std::thread::yield_now();
                        bounds.note_refusal(1, 1, [Arc::clone(&hears)]);
                        let begun = Moment::now();
                        while told.count() == heard {
                            assert!(begun.elapsed() < LONG, "nobody told of room");
                            std::thread::yield_now();
                        }
                        heard += 1;
                        assert_eq!(told.count(), heard, "once for each refusal");
                    };
                    std::thread::yield_now();
                    drop(share);
                }
            });
        }
    });
}

/// Of those who wait in the parent a child knows nothing, and locks of theirs may be held for ever.
#[test]
fn a_share_that_a_forked_child_drops_wakes_nobody() {
    let bounds = bounds(1, 10);
    let (told, hears) = Told::pair();
    let mut held = bounds.try_take(1, 1);
    bounds.note_refusal(1, 1, [Arc::clone(&hears)]);
    let status = bounds.with_locks_held(|| {
        crate::sys::exit_status_of(|| {
            held.take();
            i32::from(bounds.messages() != 0 || told.count() != 0)
        })
    });
    assert_eq!((status, bounds.messages()), (0, 1));
    drop(held);
    assert_eq!(told.count(), 1);
}
