//! The latency fault strategy on a virtual clock, against Java's rules written down once more (protocol 5.3, 6.2, 6.3).
//!
//! Three brokers of two queues: one fast with rare hiccups, one of varying slowness, and one that is dead at first, then
//! refuses everything, then works. For a moment all refuse everything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::super::broker::Broker;
use super::super::faults::{FaultStrategy, Verdict};
use super::{PublishQueue, PublishQueues};
use crate::config::BanTable;
use crate::sys::Moment;

const SENDS: usize = 40_000;
const ATTEMPTS: usize = 3;
const BROKERS: [&str; 3] = ["dead", "fast", "slow"];
const QUEUES: usize = 6;

/// On the virtual clock, in ms: when the dead broker begins to answer, and when it begins to store.
const ANSWERS_FROM: u64 = 60_000;
const STORES_FROM: u64 = 120_000;

/// When all begin to refuse, and how many attempts they do.
const OUTAGE: u64 = 90_000;
const REFUSED_IN_OUTAGE: usize = 12;

/// Between the end of one send and the begin of the next.
const PAUSE: u64 = 5;
const PROBE_INTERVAL: u64 = 2_000;

/// Every so many attempts the fast broker is slow, if a test does not say otherwise.
const HICCUPS: usize = 300;

/// Java's tables since 5.1.4.
const LATENCY_MAX: [u32; 7] = [50, 100, 550, 1800, 3000, 5000, 15000];
const NOT_AVAILABLE: [u32; 7] = [0, 0, 2000, 5000, 6000, 10000, 30000];

/// What the brokers do, the same for whoever asks.
struct World {
    /// Every so many attempts the fast broker is slow.
    hiccups: usize,
    asked: [usize; 3],
    refused_in_outage: usize,
}

impl World {
    /// How long an attempt takes, and what comes of it.
    fn attempt(&mut self, broker: usize, now: u64) -> (u64, Verdict) {
        if now >= OUTAGE && self.refused_in_outage < REFUSED_IN_OUTAGE {
            self.refused_in_outage += 1;
            return (2, Verdict::Refused);
        }
        self.asked[broker] += 1;
        let count = self.asked[broker];
        match BROKERS[broker] {
            "dead" if now < ANSWERS_FROM => ([1, 3000][count % 2], Verdict::Unreached),
            "dead" if now < STORES_FROM => (2, Verdict::Refused),
            "dead" => (4, Verdict::Stored),
            "slow" => ([20, 90, 99, 700, 40, 2500, 120, 5200, 30, 1799][count % 10], Verdict::Stored),
            _ if count.is_multiple_of(self.hiccups) => (600, Verdict::Stored),
            _ => (3, Verdict::Stored),
        }
    }
}

/// Chooses queues and learns from attempts.
trait Strategy {
    /// A queue, counted over all brokers.
    fn select(&mut self, last: Option<usize>, now: u64) -> usize;
    fn record(&mut self, broker: usize, latency: u64, verdict: Verdict, now: u64);
    /// A round of the detector, with what its probes would come to.
    fn probe(&mut self, answered: impl Fn(usize) -> bool);
    /// For how long the broker is still left out, and whether it counts as reachable.
    fn health(&self, broker: usize, now: u64) -> (u64, bool);
}

/// The library's.
struct Ours {
    queues: PublishQueues,
    faults: FaultStrategy,
    names: [Arc<str>; 3],
    began: Moment,
}

impl Ours {
    fn new(detected: bool) -> Self {
        let brokers = BROKERS.map(|name| Arc::new(Broker::without_master(name)));
        let queues = brokers.iter().flat_map(|broker| {
            [0, 1].map(|queue_id| PublishQueue {
                broker: Arc::clone(broker),
                queue_id,
                following: u32::from(queue_id == 0),
            })
        });
        Self {
            queues: PublishQueues { queues: queues.collect(), next: AtomicUsize::new(0) },
            faults: FaultStrategy::new(
                BanTable::new(&LATENCY_MAX, &NOT_AVAILABLE).expect("a table"),
                detected,
            ),
            names: brokers.map(|broker| Arc::clone(&broker.name)),
            began: Moment::now(),
        }
    }

    fn at(&self, now: u64) -> Moment {
        self.began + Duration::from_millis(now)
    }
}

impl Strategy for Ours {
    fn select(&mut self, last: Option<usize>, now: u64) -> usize {
        let last = last.map(|broker| BROKERS[broker]);
        let chosen = self.queues.select(last, Some((&self.faults, self.at(now)))).expect("a queue");
        let broker = BROKERS.iter().position(|name| *name == &*chosen.broker.name).expect("one of them");
        broker * 2 + chosen.queue_id as usize
    }

    fn record(&mut self, broker: usize, latency: u64, verdict: Verdict, now: u64) {
        self.faults.record(&self.names[broker], Duration::from_millis(latency), verdict, self.at(now));
    }

    fn probe(&mut self, answered: impl Fn(usize) -> bool) {
        for name in self.faults.unreachable() {
            if answered(BROKERS.iter().position(|known| *known == &*name).expect("one of them")) {
                self.faults.reached(&name);
            }
        }
    }

    fn health(&self, broker: usize, now: u64) -> (u64, bool) {
        let left = self.faults.banned_for(BROKERS[broker], self.at(now));
        assert_eq!(self.faults.is_available(BROKERS[broker], self.at(now)), left.is_zero());
        (left.as_millis() as u64, self.faults.is_reachable(BROKERS[broker]))
    }
}

/// Java's rules, from the protocol's description alone.
struct Java {
    detected: bool,
    counter: usize,
    /// The state of its generator, if a retry is to begin anywhere.
    random: Option<u64>,
    items: [Option<Item>; 3],
    /// How many choices came from which of the three steps.
    steps: [usize; 3],
    /// How often a queue was passed only because its broker was the last one. In the first step there is none: what has
    /// just failed is banned.
    spared: usize,
}

struct Item {
    banned_until: u64,
    reachable: bool,
}

impl Java {
    fn new(detected: bool, random: Option<u64>) -> Self {
        Self { detected, counter: 0, random, items: [const { None }; 3], steps: [0; 3], spared: 0 }
    }

    fn next(&mut self) -> usize {
        self.counter += 1;
        (self.counter - 1) % QUEUES
    }

    fn round(&mut self, step: usize, last: Option<usize>, wanted: impl Fn(&Item) -> bool) -> Option<usize> {
        for _ in 0..QUEUES {
            let queue = self.next();
            let broker = queue / 2;
            if self.items[broker].as_ref().is_none_or(&wanted) {
                if Some(broker) != last {
                    self.steps[step] += 1;
                    return Some(queue);
                }
                self.spared += 1;
            }
        }
        None
    }
}

impl Strategy for Java {
    fn select(&mut self, last: Option<usize>, now: u64) -> usize {
        if let (Some(_), Some(random)) = (last, &mut self.random) {
            *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.counter = (*random >> 40) as usize;
        }
        let first = self.round(0, last, |item| now >= item.banned_until);
        let second = first.or_else(|| self.round(1, last, |item| item.reachable));
        second.unwrap_or_else(|| {
            self.steps[2] += 1;
            self.next()
        })
    }

    fn record(&mut self, broker: usize, latency: u64, verdict: Verdict, now: u64) {
        let (isolation, reachable) = match verdict {
            Verdict::Stored => (false, true),
            Verdict::Unreached => (true, !self.detected),
            Verdict::Refused => (true, false),
        };
        let latency = if isolation { 10_000 } else { latency };
        let row = (0..LATENCY_MAX.len()).rev().find(|row| u64::from(LATENCY_MAX[*row]) <= latency);
        let ban = row.map_or(0, |row| u64::from(NOT_AVAILABLE[row]));
        let item = self.items[broker].get_or_insert(Item { banned_until: 0, reachable: true });
        if ban > 0 && now + ban > item.banned_until {
            item.banned_until = now + ban;
        }
        item.reachable = reachable;
    }

    fn probe(&mut self, answered: impl Fn(usize) -> bool) {
        for (broker, item) in self.items.iter_mut().enumerate() {
            if let Some(item) = item
                && !item.reachable
                && answered(broker)
            {
                item.reachable = true;
            }
        }
    }

    fn health(&self, broker: usize, now: u64) -> (u64, bool) {
        let item = self.items[broker].as_ref();
        item.map_or((0, true), |item| (item.banned_until.saturating_sub(now), item.reachable))
    }
}

/// Both at once, each asked for every choice: they must agree.
struct Both(Ours, Java);

impl Strategy for Both {
    fn select(&mut self, last: Option<usize>, now: u64) -> usize {
        let queue = self.0.select(last, now);
        assert_eq!(self.1.select(last, now), queue, "at {now} ms, after {last:?}");
        queue
    }

    fn record(&mut self, broker: usize, latency: u64, verdict: Verdict, now: u64) {
        self.0.record(broker, latency, verdict, now);
        self.1.record(broker, latency, verdict, now);
        for (known, name) in BROKERS.iter().enumerate() {
            let (ours, java) = (self.0.health(known, now), self.1.health(known, now));
            assert_eq!(ours, java, "{name} at {now} ms, after {verdict:?} in {latency} ms");
        }
    }

    fn probe(&mut self, answered: impl Fn(usize) -> bool) {
        self.0.probe(&answered);
        self.1.probe(&answered);
    }

    fn health(&self, broker: usize, now: u64) -> (u64, bool) {
        self.0.health(broker, now)
    }
}

/// Attempts by the third broker's state and by broker.
type Traffic = BTreeMap<(&'static str, &'static str), u32>;

fn simulate(strategy: &mut impl Strategy, detected: bool, hiccups: usize) -> Traffic {
    let mut world = World { hiccups, asked: [0; 3], refused_in_outage: 0 };
    let mut traffic = Traffic::new();
    let (mut now, mut next_probe) = (0, PROBE_INTERVAL);
    for _ in 0..SENDS {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            while detected && next_probe <= now {
                strategy.probe(|broker| BROKERS[broker] != "dead" || next_probe >= ANSWERS_FROM);
                next_probe += PROBE_INTERVAL;
            }
            let broker = strategy.select(last, now) / 2;
            let phase = match now {
                ..ANSWERS_FROM => "silent",
                ANSWERS_FROM..STORES_FROM => "refusing",
                _ => "working",
            };
            *traffic.entry((phase, BROKERS[broker])).or_default() += 1;
            let (latency, verdict) = world.attempt(broker, now);
            now += latency;
            strategy.record(broker, latency, verdict, now);
            if verdict == Verdict::Stored {
                break;
            }
            last = Some(broker);
        }
        now += PAUSE;
    }
    traffic
}

/// Every choice and the table of bans after every attempt are Java's. The reset of the counter before a retry is left
/// out here: Java sets it to any number, and the one that it has is one of those.
#[test]
fn every_choice_and_every_ban_is_javas() {
    let (mut steps, mut spared) = ([0; 3], 0);
    for (detected, hiccups) in
        [(false, HICCUPS), (true, HICCUPS), (false, 37), (true, 37), (false, 7), (true, 7)]
    {
        let mut both = Both(Ours::new(detected), Java::new(detected, None));
        simulate(&mut both, detected, hiccups);
        steps.iter_mut().zip(both.1.steps).for_each(|(sum, count)| *sum += count);
        spared += both.1.spared;
    }
    assert!(steps.iter().all(|count| *count > 0), "each step of the choice was needed: {steps:?}");
    assert!(spared > 0, "the last broker was avoided though it was reachable");
}

#[test]
fn traffic_leaves_bad_brokers_and_comes_back_to_good_ones() {
    for detected in [false, true] {
        let traffic = simulate(&mut Ours::new(detected), detected, HICCUPS);
        let of = |phase, broker| traffic.get(&(phase, broker)).copied().unwrap_or(0);
        for phase in ["silent", "refusing"] {
            assert!(of(phase, "dead") > 0 && of(phase, "dead") * 50 < of(phase, "fast"), "{traffic:?}");
        }
        assert!(of("working", "dead") * 10 > of("working", "fast") * 9, "it is taken again: {traffic:?}");
        assert!(of("working", "slow") * 5 < of("working", "fast"), "{traffic:?}");
    }
}

/// With the reset the single choices differ and the shares do not: where a round begins says which queue of those that
/// are wanted comes first, not which are wanted, and over many sends each comes first equally often.
#[test]
fn the_shares_of_traffic_are_javas_wherever_its_retries_begin() {
    for detected in [false, true] {
        let ours = simulate(&mut Ours::new(detected), detected, HICCUPS);
        for seed in 1..=5 {
            let java = simulate(&mut Java::new(detected, Some(seed)), detected, HICCUPS);
            for phase in ["silent", "refusing", "working"] {
                let share = |traffic: &Traffic, broker| {
                    let of = |broker| f64::from(traffic.get(&(phase, broker)).copied().unwrap_or(0));
                    of(broker) / BROKERS.map(of).iter().sum::<f64>()
                };
                for broker in BROKERS {
                    let (ours, java) = (share(&ours, broker), share(&java, broker));
                    let text = format!("{phase}, {broker}: {ours:.4} and in Java {java:.4}, seed {seed}");
                    assert!((ours - java).abs() < 0.015, "{text}");
                }
            }
        }
    }
}
