use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use super::*;
use crate::completion::{Completion, Tag};
use crate::error::{Error, ErrorCode};
use crate::flow::Bounds;
use crate::sys::Moment;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn outcomes_that_never_come_are_overdue_and_the_others_keep_theirs() {
    let queue = CompletionQueue::new();
    let bounds = Arc::new(Bounds::new(10, 10));
    let complete = |index, error| {
        let share = bounds.try_take(1, 0).expect("room");
        let completion = Completion::Queue(queue.clone(), Tag(index, 0));
        completion.complete(Err(error), share, &mut Deferred::default());
    };
    complete(1, Error::closed());
    queue.0.has_room(0);
    let codes =
        queue.wait_for(vec![None, None], Moment::now()).map(|outcome| outcome.expect_err("none").code());
    assert_eq!(codes.collect::<Vec<_>>(), [ErrorCode::Timeout, ErrorCode::Closed]);
    // What comes later is nobody's.
    complete(0, Error::closed());
    assert_eq!((queue.len(), bounds.messages()), (1, 1));
    queue.end();
    assert_eq!(bounds.messages(), 0);
}

#[test]
fn a_waker_that_panics_takes_nobody_elses_turn() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker of the test's");
        }
    }
    struct Counts(std::sync::atomic::AtomicUsize);
    impl std::task::Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let queue = CompletionQueue::new();
    let counts = Arc::new(Counts(std::sync::atomic::AtomicUsize::new(0)));
    for waker in [Waker::from(Arc::new(Panics)), Waker::from(Arc::clone(&counts))] {
        assert!(queue.wake_when_ready(&waker));
    }
    let gone = Waker::from(Arc::new(Panics));
    assert!(queue.wake_when_ready(&gone));
    queue.sleep_no_more(&gone);
    queue.ring();
    assert_eq!(counts.0.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn a_ring_ends_one_poll_that_comes_or_is_there() {
    let queue = CompletionQueue::new();
    queue.ring();
    queue.ring();
    assert_eq!(queue.poll(&mut Vec::new(), 1, LONG), 0);
    let waiting = std::thread::spawn({
        let queue = queue.clone();
        move || queue.poll(&mut Vec::new(), 1, LONG)
    });
    while queue.0.state.lock().pollers == 0 {
        std::thread::yield_now();
    }
    queue.ring();
    assert_eq!(waiting.join().expect("no panic"), 0);
    assert!(!queue.0.state.lock().rung);
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn who_sleeps_elsewhere_is_woken_once_by_whatever_ends_a_poll() {
    let tell: fn(&CompletionQueue) = |queue| queue.0.has_room(0);
    for end in [tell, CompletionQueue::ring, CompletionQueue::close, CompletionQueue::end] {
        let queue = CompletionQueue::new();
        let (first, second) = (Arc::<Woken>::default(), Arc::<Woken>::default());
        assert!(queue.wake_when_ready(&Arc::clone(&first).into()));
        assert!(queue.wake_when_ready(&Arc::clone(&first).into()));
        assert!(queue.wake_when_ready(&Arc::clone(&second).into()));
        end(&queue);
        assert!(!queue.wake_when_ready(&Arc::clone(&first).into()), "there is something");
        end(&queue);
        assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (1, 1));
        assert_eq!(Arc::strong_count(&first), 1, "and is known no more");
    }
}

#[test]
fn the_descriptor_is_readable_from_the_ring_to_the_poll() {
    let queue = CompletionQueue::new();
    queue.ring();
    queue.fd().expect("a descriptor");
    let is_readable =
        || queue.0.state.lock().descriptor.as_ref().is_some_and(|descriptor| descriptor.signalled);
    assert!(is_readable());
    queue.poll(&mut Vec::new(), 1, LONG);
    assert!(!is_readable());
    queue.ring();
    assert!(is_readable());
}
