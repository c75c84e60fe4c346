use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::for_tests::{route, table};
use super::*;
use crate::producer_id::ProducerId;

/// A send that waits for the route and is followed by another one as soon as it has it, so many times.
struct Sending(Arc<RouteTable>, Arc<Topic>, Arc<AtomicUsize>);

/// Asks for the route only; hears how many sends were still to come.
struct Asking(Arc<AtomicUsize>, oneshot::Sender<usize>);

const LATER: Duration = Duration::from_secs(3600);

impl RouteWaiter for Sending {
    fn deadline(&self) -> Moment {
        Moment::now() + LATER
    }

    fn producer(&self) -> ProducerId {
        ProducerId::NONE
    }

    fn routed(self: Box<Self>, _: &mut Deferred) {
        if self.2.fetch_sub(1, Ordering::SeqCst) > 1 {
            let (table, topic) = (Arc::clone(&self.0), Arc::clone(&self.1));
            table.wait(&topic, self);
        }
    }

    fn unrouted(self: Box<Self>, error: Error, _: &mut Deferred) {
        panic!("there are queues: {error}");
    }
}

impl RouteWaiter for Asking {
    fn deadline(&self) -> Moment {
        Moment::now() + LATER
    }

    fn producer(&self) -> ProducerId {
        ProducerId::NONE
    }

    fn takes_turns(&self) -> bool {
        false
    }

    fn routed(self: Box<Self>, _: &mut Deferred) {
        let left = self.0.load(Ordering::SeqCst);
        self.1.send(left).expect("the test listens");
    }

    fn unrouted(self: Box<Self>, error: Error, _: &mut Deferred) {
        panic!("there are queues: {error}");
    }
}

/// How many of the sends, each of which follows the one before, are still to come when whoever only asks has an answer.
fn left_when_told(sends: usize) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let table = table(runtime.handle());
    let topic = table.topic("T");
    table.adopt(&topic, route(4), Origin::Own).expect("little");
    table.end();
    let left = Arc::new(AtomicUsize::new(sends));
    let (sender, told) = oneshot::channel();
    table.wait(&topic, Box::new(Sending(Arc::clone(&table), Arc::clone(&topic), Arc::clone(&left))));
    table.wait(&topic, Box::new(Asking(left, sender)));
    runtime.block_on(told).expect("an answer")
}

/// Waits for the route; tells how often it is asked for its deadline.
struct Counting(Arc<AtomicUsize>);

impl RouteWaiter for Counting {
    fn deadline(&self) -> Moment {
        self.0.fetch_add(1, Ordering::SeqCst);
        Moment::now() + LATER
    }

    fn producer(&self) -> ProducerId {
        ProducerId::NONE
    }

    fn routed(self: Box<Self>, _: &mut Deferred) {}

    fn unrouted(self: Box<Self>, _: Error, _: &mut Deferred) {}
}

#[test]
fn each_that_joins_costs_the_same_however_many_wait() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let table = table(runtime.handle());
    let (topic, asked) = (table.topic("T"), Arc::<AtomicUsize>::default());
    for _ in 0..1000 {
        table.wait(&topic, Box::new(Counting(Arc::clone(&asked))));
        // Whoever keeps the deadlines has all the time that it wants.
        runtime.block_on(async {
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
        });
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1000, "each is asked for its deadline once");
}

#[test]
fn who_only_asks_is_told_when_the_topic_is_open_or_while_sends_come_without_end() {
    assert_eq!(left_when_told(1), 0, "with one send the topic is open at once");
    assert!(left_when_told(10_000) > 9_000, "long before the last send");
}
