//! What both ways to wake threads promise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use super::{Calls, Moment, Seat};

const PATIENCE: Duration = Duration::from_secs(30);

/// More threads than seats, each called again and again, many by one call.
#[test]
fn every_thread_wakes_for_each_of_its_calls() {
    const THREADS: usize = 300;
    const ROUNDS: usize = 20;
    let flags: Arc<Vec<AtomicBool>> = Arc::new((0..THREADS).map(|_| AtomicBool::new(false)).collect());
    let (sender, seats) = std::sync::mpsc::channel();
    let woken = Arc::new(AtomicUsize::new(0));
    let threads = (0..THREADS).map(|number| {
        let (flags, woken, sender) = (Arc::clone(&flags), Arc::clone(&woken), sender.clone());
        thread::spawn(move || {
            let seat = Seat::of_this_thread();
            for _ in 0..ROUNDS {
                sender.send((number, seat.clone())).expect("the test listens");
                assert!(seat.sleep_until(|| flags[number].load(SeqCst), Moment::now() + PATIENCE));
                flags[number].store(false, SeqCst);
                woken.fetch_add(1, SeqCst);
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    drop(sender);
    let mut calls = Calls::default();
    while let Ok((number, seat)) = seats.recv() {
        flags[number].store(true, SeqCst);
        calls.add(&seat);
        for (number, seat) in seats.try_iter() {
            flags[number].store(true, SeqCst);
            calls.add(&seat);
        }
        calls.make();
    }
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(woken.load(SeqCst), THREADS * ROUNDS);
}

#[test]
fn nobody_sleeps_beyond_the_deadline() {
    let (began, nap) = (Moment::now(), Duration::from_millis(20));
    assert!(!Seat::of_this_thread().sleep_until(|| false, began + nap));
    assert!(began.elapsed() >= nap);
    assert!(Seat::of_this_thread().sleep_until(|| true, began), "it is so already");
}
