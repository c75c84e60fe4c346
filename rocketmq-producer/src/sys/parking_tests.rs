//! What both ways to wake threads promise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::{Moment, Parker, Unparks, keep_watch};

const PATIENCE: Duration = Duration::from_secs(30);

/// More threads than slots, each unparked again and again, many by one call.
#[test]
fn every_thread_wakes_for_each_of_its_unparks() {
    const THREADS: usize = 300;
    const ROUNDS: usize = 20;
    let flags: Arc<Vec<AtomicBool>> = Arc::new((0..THREADS).map(|_| AtomicBool::new(false)).collect());
    let (sender, parkers) = std::sync::mpsc::channel();
    let woken = Arc::new(AtomicUsize::new(0));
    let threads = (0..THREADS).map(|number| {
        let (flags, woken, sender) = (Arc::clone(&flags), Arc::clone(&woken), sender.clone());
        thread::spawn(move || {
            let parker = Parker::of_this_thread();
            for _ in 0..ROUNDS {
                sender.send((number, parker.clone())).expect("the test listens");
                assert!(parker.sleep_until(|| flags[number].load(SeqCst), Moment::now() + PATIENCE));
                flags[number].store(false, SeqCst);
                woken.fetch_add(1, SeqCst);
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    drop(sender);
    let mut unparks = Unparks::default();
    while let Ok((number, parker)) = parkers.recv() {
        flags[number].store(true, SeqCst);
        unparks.add(&parker);
        for (number, parker) in parkers.try_iter() {
            flags[number].store(true, SeqCst);
            unparks.add(&parker);
        }
        unparks.unpark_all();
    }
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(woken.load(SeqCst), THREADS * ROUNDS);
}

#[test]
fn nobody_sleeps_on_when_the_watch_has_passed_the_deadline() {
    thread::spawn(|| keep_watch(Duration::from_millis(5)));
    let (began, nap) = (Moment::now(), Duration::from_millis(20));
    let late: Vec<_> = (0..4)
        .map(|_| thread::spawn(move || Parker::of_this_thread().sleep_watched(|| false, began + nap)))
        .collect();
    assert!(late.into_iter().all(|sleeper| !sleeper.join().expect("no panic")));
    assert!(began.elapsed() >= nap);
    assert!(Parker::of_this_thread().sleep_watched(|| true, began), "it is so already");
}

#[test]
fn nobody_sleeps_beyond_the_deadline() {
    let (began, nap) = (Moment::now(), Duration::from_millis(20));
    assert!(!Parker::of_this_thread().sleep_until(|| false, began + nap));
    assert!(began.elapsed() >= nap);
    assert!(Parker::of_this_thread().sleep_until(|| true, began), "it is so already");
}
