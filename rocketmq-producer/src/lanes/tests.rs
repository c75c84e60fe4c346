//! Lanes by themselves, with something that waits and is no send.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::lane::Lane;
use super::*;
use crate::deferred::Burst;
use crate::sync::Mutex;
use crate::sys::Moment;

const SECOND: Duration = Duration::from_secs(1);

const PRESSURE: Batching = Batching { max_bytes: 1000, max_messages: 10, linger: None };

thread_local! {
    /// How often somebody was asked for its deadline.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// What has become of those who waited, in order.
type Log = Arc<Mutex<Vec<Vec<usize>>>>;

struct Parcel {
    number: usize,
    arrived: Moment,
    deadline: Moment,
    wait_limit: Moment,
    may_share: bool,
    joins: bool,
    panics: bool,
    /// Departures, each with the numbers of its parcels; one that gives up is in none.
    log: Log,
    permits: Arc<Mutex<Vec<Permit<Parcel>>>>,
}

impl Waiting for Parcel {
    fn deadline(&self) -> Moment {
        ASKED.set(ASKED.get() + 1);
        self.deadline
    }

    fn arrived(&self) -> Moment {
        self.arrived
    }

    fn wait_limit(&self) -> Moment {
        self.wait_limit
    }

    fn keeps_order(&self) -> bool {
        false
    }

    fn bytes(&self) -> usize {
        1
    }

    fn may_share(&self) -> bool {
        self.may_share
    }

    fn may_join(&self, first: &Self) -> bool {
        self.joins && self.may_share && first.may_share
    }

    fn depart(self, others: Vec<Self>, permit: Permit<Self>, _: Option<Moment>, _: &mut Deferred) {
        assert!(!self.panics, "planted");
        let numbers = [self.number].into_iter().chain(others.iter().map(|other| other.number));
        self.log.lock().push(numbers.collect());
        self.permits.lock().push(permit);
    }

    fn give_up(self, _: &Error, _: &mut Deferred) {}
}

/// A lane to a broker, and those who left it.
struct Bench {
    lanes: Lanes<Parcel>,
    key: LaneKey,
    now: Moment,
    log: Log,
    permits: Arc<Mutex<Vec<Permit<Parcel>>>>,
}

impl Bench {
    fn new(batching: Batching) -> Self {
        let broker = Arc::new(Broker::without_master("broker-a"));
        Self {
            lanes: Lanes::new(batching),
            key: LaneKey { topic: 1, broker, queue_id: None },
            now: Moment::now(),
            log: Log::default(),
            permits: Arc::default(),
        }
    }

    fn parcel(&self, number: usize) -> Parcel {
        Parcel {
            number,
            arrived: self.now,
            deadline: self.now + 60 * SECOND,
            wait_limit: self.now + 30 * SECOND,
            may_share: true,
            joins: true,
            panics: false,
            log: Arc::clone(&self.log),
            permits: Arc::clone(&self.permits),
        }
    }

    fn arrive(&self, parcel: Parcel) {
        self.lanes.arrive(&self.key, parcel, &mut Deferred::default());
    }

    fn lane(&self) -> Arc<Lane<Parcel>> {
        self.lanes.lane(&self.key)
    }

    /// The request that left first has its answer.
    fn answer(&self) {
        let permit = self.permits.lock().remove(0);
        permit.release(&mut Deferred::default());
    }

    fn departures(&self) -> Vec<Vec<usize>> {
        std::mem::take(&mut *self.log.lock())
    }
}

#[test]
fn what_waits_leaves_together_when_a_place_is_free() {
    let bench = Bench::new(PRESSURE);
    for number in 0..25 {
        bench.arrive(bench.parcel(number));
    }
    assert_eq!(bench.departures(), [[0], [1], [2], [3]], "as many as the window has places");
    bench.answer();
    bench.answer();
    let [first, second] = [(4..14).collect::<Vec<_>>(), (14..24).collect()];
    assert_eq!(bench.departures(), [first, second], "full batches");
    bench.answer();
    assert_eq!(bench.departures(), [[24]]);
    bench.answer();
    bench.arrive(bench.parcel(25));
    assert_eq!(bench.departures(), [[25]], "a place is free again");
}

#[test]
fn those_who_may_not_share_leave_alone_and_in_order() {
    let bench = Bench::new(PRESSURE);
    for number in 0..9 {
        bench.arrive(Parcel { may_share: number != 6, ..bench.parcel(number) });
    }
    for _ in 0..3 {
        bench.answer();
    }
    assert_eq!(bench.departures()[4..], [vec![4, 5], vec![6], vec![7, 8]]);
}

#[test]
fn those_put_back_are_the_first_to_leave() {
    let bench = Bench::new(PRESSURE);
    for number in 0..6 {
        bench.arrive(bench.parcel(number));
    }
    let permit = bench.permits.lock().remove(0);
    permit.put_back(vec![bench.parcel(10), bench.parcel(11)], &mut Deferred::default());
    permit.release(&mut Deferred::default());
    assert_eq!(bench.departures()[4..], [[10, 11, 4, 5]]);
    Permit::default().put_back(vec![bench.parcel(12), bench.parcel(13)], &mut Deferred::default());
    assert_eq!(bench.departures(), [[12], [13]], "without a lane they go on, each by itself");
}

#[test]
fn a_burst_lasts_its_time_whatever_was_before_it() {
    let bench = Bench::new(PRESSURE);
    let burst = |numbers: std::ops::Range<usize>| {
        let mut deferred = Deferred::in_burst(Burst::default());
        for number in numbers {
            bench.lanes.arrive(&bench.key, bench.parcel(number), &mut deferred);
        }
        deferred
    };
    drop(burst(0..2));
    let (first, second) = (bench.now + Burst::TIME, Moment::now() + Burst::TIME + SECOND);
    let gathered = burst(2..4);
    bench.lane().end_burst_by(first, &mut Deferred::default());
    assert!(bench.lane().is_gathering(), "that was the time of the first");
    bench.lane().end_burst_by(second, &mut Deferred::default());
    assert!(!bench.lane().is_gathering());
    drop(gathered);
    assert_eq!(bench.departures().concat(), [0, 1, 2, 3]);
}

/// A library that panics must not come to a standstill besides.
#[test]
fn a_departure_that_panics_costs_no_place() {
    let bench = Bench::new(Batching { linger: Some(SECOND), ..PRESSURE });
    let send_now = || bench.lane().send_now(&mut Deferred::default());
    for number in 0..4 {
        bench.arrive(Parcel { joins: false, panics: number == 1, ..bench.parcel(number) });
    }
    assert!(catch_unwind(AssertUnwindSafe(send_now)).is_err());
    assert_eq!(bench.departures(), [[0]]);
    for number in 10..15 {
        bench.arrive(Parcel { joins: false, ..bench.parcel(number) });
    }
    send_now();
    assert_eq!(bench.departures(), [[10], [11], [12]], "the places of those who were lost are free");
}

#[test]
fn the_watch_takes_out_what_is_over_in_one_pass_and_comes_again_the_later_the_more_wait() {
    const MANY: usize = 100_000;
    let bench = Bench::new(PRESSURE);
    for number in 0..MANY {
        let deadline = bench.now + if number % 3 == 2 { SECOND } else { 60 * SECOND };
        bench.arrive(Parcel { deadline, ..bench.parcel(number) });
    }
    let now = bench.now + SECOND;
    ASKED.set(0);
    let found = bench.lane().look(now);
    assert!(ASKED.get() <= 2 * MANY, "{} questions", ASKED.get());
    let over: Vec<_> = found.over.iter().map(|parcel| parcel.number).collect();
    assert_eq!(over, (4..MANY).filter(|number| number % 3 == 2).collect::<Vec<_>>());
    assert!(found.departures.is_empty());
    let left: Vec<_> = bench.lane().take_all().map(|parcel| parcel.number).collect();
    assert_eq!(left, (4..MANY).filter(|number| number % 3 != 2).collect::<Vec<_>>(), "in order");

    // One that is over with each look: were each the next millisecond, the I/O thread would do nothing else.
    for number in 0..MANY {
        let deadline = bench.now + SECOND + 10 * Duration::from_micros(number as u64);
        bench.arrive(Parcel { deadline, ..bench.parcel(number) });
    }
    let (mut looks, mut now, end) = (0, bench.now + SECOND, bench.now + 2 * SECOND);
    while now < end {
        bench.lane().look(now);
        looks += 1;
        let Some(next) = bench.lane().next_check() else { break };
        now = next;
    }
    assert!((5..100).contains(&looks), "{looks} looks");
}

#[test]
fn those_who_wait_for_answers_no_longer_leave_beyond_the_window() {
    let bench = Bench::new(PRESSURE);
    for number in 0..10 {
        let wait_limit = bench.now + if number % 2 == 0 { SECOND } else { 30 * SECOND };
        bench.arrive(Parcel { wait_limit, ..bench.parcel(number) });
    }
    let found = bench.lane().look(bench.now + SECOND);
    found.departures.into_iter().for_each(|departure| departure.begin(bench.now, &mut Deferred::default()));
    assert_eq!(bench.departures()[4..], [[4, 6, 8]]);
    for _ in 0..2 {
        bench.answer();
    }
    assert_eq!(bench.departures(), [[5, 7, 9]], "the window is full until two have their answers");
}

#[test]
fn lanes_that_nobody_uses_are_forgotten() {
    let bench = Bench::new(PRESSURE);
    let other = LaneKey { topic: 2, ..bench.key.clone() };
    bench.arrive(bench.parcel(0));
    bench.lanes.arrive(&other, bench.parcel(1), &mut Deferred::default());
    assert!(bench.lanes.sweep());
    assert_eq!(bench.lanes.all().len(), 2, "both were used since");
    bench.answer();
    assert!(bench.lanes.sweep());
    assert_eq!(bench.lanes.all().len(), 1, "the other has a request on its way");
    bench.answer();
    assert!(!bench.lanes.sweep());
    assert_eq!(bench.lanes.all().len(), 0);
    bench.arrive(bench.parcel(2));
    assert_eq!(bench.departures(), [[0], [1], [2]]);
}
