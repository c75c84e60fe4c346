//! Those who wait for something about a topic, in the order in which they came, each with its deadline.

use std::collections::{BTreeMap, BTreeSet};

use super::topic::RouteWaiter;
use crate::producer_id::ProducerId;
use crate::sys::Moment;

/// Whoever joins or leaves costs little, however many wait: there may be a hundred thousand.
#[derive(Default)]
pub(super) struct Waiters {
    /// By the number in the order of arrival.
    waiting: BTreeMap<u64, (Moment, Box<dyn RouteWaiter>)>,
    /// The deadlines of all of them, each with the number of its waiter.
    deadlines: BTreeSet<(Moment, u64)>,
    count: u64,
}

impl Waiters {
    /// One more waits. Whether its deadline is the earliest one, which those who keep the time do not know yet.
    pub(super) fn join(&mut self, waiter: Box<dyn RouteWaiter>) -> bool {
        self.count += 1;
        let key = (waiter.deadline(), self.count);
        self.waiting.insert(self.count, (key.0, waiter));
        self.deadlines.insert(key);
        self.deadlines.first() == Some(&key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Takes out those whose deadline has passed.
    pub(super) fn take_expired(&mut self, now: Moment) -> Vec<Box<dyn RouteWaiter>> {
        let mut expired = Vec::new();
        while let Some((_, number)) = self.deadlines.first().copied().filter(|(deadline, _)| *deadline <= now)
        {
            self.deadlines.pop_first();
            expired.extend(self.waiting.remove(&number).map(|(_, waiter)| waiter));
        }
        expired
    }

    /// Takes out those of a producer.
    pub(super) fn take_those_of(&mut self, producer: ProducerId) -> Vec<Box<dyn RouteWaiter>> {
        let gone = self.waiting.extract_if(.., |_, (_, waiter)| waiter.producer() == producer);
        let deadlines = &mut self.deadlines;
        gone.map(|(number, (deadline, waiter))| {
            deadlines.remove(&(deadline, number));
            waiter
        })
        .collect()
    }

    /// Takes out all of them.
    pub(super) fn take_all(&mut self) -> Vec<Box<dyn RouteWaiter>> {
        self.deadlines.clear();
        std::mem::take(&mut self.waiting).into_values().map(|(_, waiter)| waiter).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::deferred::Deferred;
    use crate::error::Error;
    use crate::sync::Mutex;

    /// What were let go on, in order.
    type Told = Arc<Mutex<Vec<usize>>>;

    struct Waiter {
        number: usize,
        deadline: Moment,
        told: Told,
    }

    impl RouteWaiter for Waiter {
        fn deadline(&self) -> Moment {
            self.deadline
        }

        fn producer(&self) -> ProducerId {
            ProducerId(self.number % 2)
        }

        fn routed(self: Box<Self>, _: &mut Deferred) {
            self.told.lock().push(self.number);
        }

        fn unrouted(self: Box<Self>, _: Error, _: &mut Deferred) {}
    }

    #[test]
    fn they_leave_in_the_order_in_which_they_came_or_when_their_time_is_over() {
        let (start, told) = (Moment::now(), Told::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut waiters = Waiters::default();
        let is_first = [5, 7, 5, 3, 4, 9].iter().enumerate().map(|(number, seconds)| {
            waiters.join(Box::new(Waiter { number, deadline: at(*seconds), told: Arc::clone(&told) }))
        });
        assert_eq!(is_first.collect::<Vec<_>>(), [true, false, false, true, false, false]);
        let numbers = |gone: Vec<Box<dyn RouteWaiter>>| {
            gone.into_iter().for_each(|waiter| waiter.routed(&mut Deferred::default()));
            std::mem::take(&mut *told.lock())
        };
        assert_eq!(waiters.next_deadline(), Some(at(3)));
        assert!(numbers(waiters.take_expired(at(2))).is_empty());
        assert_eq!(numbers(waiters.take_expired(at(4))), [3, 4], "the earliest first");
        assert_eq!(waiters.next_deadline(), Some(at(5)));
        assert_eq!(numbers(waiters.take_those_of(ProducerId(0))), [0, 2]);
        assert_eq!(waiters.next_deadline(), Some(at(7)));
        assert_eq!(numbers(waiters.take_all()), [1, 5]);
        assert!(waiters.is_empty() && waiters.next_deadline().is_none());
    }
}
