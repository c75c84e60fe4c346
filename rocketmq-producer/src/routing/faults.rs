//! Latency fault tolerance (protocol 6.2, 6.3): brokers that are slow or fail are left out for a while.
//!
//! What an attempt makes of the health of its broker:
//!
//! | [`Verdict`] | the ban is that for | reachable, without a detector | with a detector |
//! | --- | --- | --- | --- |
//! | `Stored` | the time the attempt took | yes | yes |
//! | `Unreached` | 10 s | yes | no |
//! | `Refused` | 10 s | no | no |
//!
//! A ban ends by time alone, and is only ever made longer. A broker that is not reachable becomes so again when it stores a
//! message or answers a probe of the detector.
//!
//! When a queue of the broker may be chosen ([`PublishQueues::select`](super::PublishQueues::select)):
//!
//! | banned | reachable | its turn comes |
//! | --- | --- | --- |
//! | no | either | first |
//! | yes | yes | when no other broker is without a ban |
//! | yes | no | when no other broker is reachable either |
//!
//! In the first two rows the broker of the attempt before is passed by.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::BanTable;
use crate::sync::RwLock;
use crate::sys::Moment;

/// How long an attempt that failed counts as having taken.
const ISOLATION: Duration = Duration::from_secs(10);

/// What an attempt says about the health of its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The broker stored the message.
    Stored,
    /// The broker could not be reached, or was silent.
    Unreached,
    /// The broker answered with an error.
    Refused,
}

/// What is known of the brokers of one producer. A broker nothing is known of is fine.
pub(crate) struct FaultStrategy {
    bans: BanTable,
    /// With a detector an unreached broker stays out until a probe or a send succeeds.
    detected: bool,
    brokers: RwLock<HashMap<Arc<str>, Health>>,
}

#[derive(Clone, Copy)]
struct Health {
    banned_until: Moment,
    reachable: bool,
}

impl FaultStrategy {
    pub(crate) fn new(bans: BanTable, detected: bool) -> Self {
        Self { bans, detected, brokers: RwLock::default() }
    }

    /// After an attempt. A ban is only ever made longer; it ends by time.
    pub(crate) fn record(&self, broker: &Arc<str>, latency: Duration, verdict: Verdict, now: Moment) {
        let (latency, reachable) = match verdict {
            Verdict::Stored => (latency, true),
            Verdict::Unreached => (ISOLATION, !self.detected),
            Verdict::Refused => (ISOLATION, false),
        };
        let until = now + self.bans.ban(latency);
        if verdict == Verdict::Stored && until == now && self.is_fine(broker, now) {
            return;
        }
        let mut brokers = self.brokers.write();
        if !brokers.contains_key(broker) {
            // Names that nobody else has any more left the routes.
            brokers.retain(|name, _| Arc::strong_count(name) > 1);
        }
        let health =
            brokers.entry(Arc::clone(broker)).or_insert(Health { banned_until: now, reachable: true });
        health.banned_until = health.banned_until.max(until);
        health.reachable = reachable;
    }

    /// Whether the broker is not banned now.
    pub(crate) fn is_available(&self, broker: &str, now: Moment) -> bool {
        self.banned_for(broker, now).is_zero()
    }

    /// How long the broker's ban still lasts.
    pub(crate) fn banned_for(&self, broker: &str, now: Moment) -> Duration {
        let brokers = self.brokers.read();
        brokers.get(broker).map_or(Duration::ZERO, |health| health.banned_until.since(now))
    }

    /// Whether the broker is not known to be unreachable.
    pub(crate) fn is_reachable(&self, broker: &str) -> bool {
        self.brokers.read().get(broker).is_none_or(|health| health.reachable)
    }

    /// The brokers that a detector should probe.
    pub(crate) fn unreachable(&self) -> Vec<Arc<str>> {
        let brokers = self.brokers.read();
        brokers.iter().filter(|(_, health)| !health.reachable).map(|(name, _)| Arc::clone(name)).collect()
    }

    /// The broker has answered a probe, which lifts no ban.
    pub(crate) fn reached(&self, broker: &str) {
        if let Some(health) = self.brokers.write().get_mut(broker) {
            health.reachable = true;
        }
    }

    fn is_fine(&self, broker: &str, now: Moment) -> bool {
        self.is_available(broker, now) && self.is_reachable(broker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAVA_LATENCIES: [u32; 7] = [50, 100, 550, 1800, 3000, 5000, 15000];
    const JAVA_BANS: [u32; 7] = [0, 0, 2000, 5000, 6000, 10000, 30000];

    fn strategy(detected: bool) -> FaultStrategy {
        FaultStrategy::new(BanTable::new(&JAVA_LATENCIES, &JAVA_BANS).expect("a table"), detected)
    }

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn the_ban_grows_with_the_latency_as_in_java() {
        let table = BanTable::new(&JAVA_LATENCIES, &JAVA_BANS).expect("a table");
        let expected = [
            (0, 0),
            (49, 0),
            (549, 0),
            (550, 2000),
            (1799, 2000),
            (1800, 5000),
            (3000, 6000),
            (5000, 10000),
            (14999, 10000),
            (15000, 30000),
            (99999, 30000),
        ];
        for (latency, ban) in expected {
            assert_eq!(table.ban(ms(latency)), ms(ban), "{latency} ms");
        }
        assert!(BanTable::new(&[1, 2], &[1]).is_none() && BanTable::new(&[2, 1], &[0, 0]).is_none());
    }

    #[test]
    fn bans_end_by_time_and_are_never_made_shorter() {
        let (faults, start, broker): (_, _, Arc<str>) = (strategy(false), Moment::now(), "b".into());
        faults.record(&broker, ms(600), Verdict::Stored, start);
        assert!(!faults.is_available("b", start + ms(1999)) && faults.is_available("b", start + ms(2000)));
        faults.record(&broker, ms(1), Verdict::Unreached, start);
        assert!(!faults.is_available("b", start + ms(9999)) && faults.is_reachable("b"));
        faults.record(&broker, ms(1), Verdict::Stored, start + ms(100));
        assert!(!faults.is_available("b", start + ms(9999)), "a fast send lifts no ban");
        assert!(faults.is_available("b", start + ms(10_000)));
    }

    #[test]
    fn what_refuses_is_unreachable_until_a_send_succeeds_and_what_is_silent_only_with_a_detector() {
        for detected in [false, true] {
            let (faults, now, broker): (_, _, Arc<str>) = (strategy(detected), Moment::now(), "b".into());
            faults.record(&broker, ms(1), Verdict::Refused, now);
            assert!(!faults.is_reachable("b"));
            faults.record(&broker, ms(1), Verdict::Stored, now);
            assert!(faults.is_reachable("b"));
            faults.record(&broker, ms(1), Verdict::Unreached, now);
            assert_eq!(faults.is_reachable("b"), !detected);
            assert_eq!(faults.unreachable().len(), usize::from(detected));
            faults.reached("b");
            assert!(faults.is_reachable("b") && !faults.is_available("b", now + ms(1)));
        }
    }

    #[test]
    fn what_left_the_routes_is_forgotten() {
        let (faults, now) = (strategy(true), Moment::now());
        let stays: Arc<str> = "stays".into();
        faults.record(&stays, ms(1), Verdict::Refused, now);
        for number in 0..100 {
            faults.record(&format!("{number}").into(), ms(1), Verdict::Refused, now);
        }
        assert_eq!(faults.unreachable().len(), 2, "the last one and that which is still named");
        assert!(!faults.is_reachable("stays"));
    }
}
