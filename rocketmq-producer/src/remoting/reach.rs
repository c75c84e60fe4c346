//! How an address is reached: what the last tries came to, and the pause before the next one.
//!
//! ```text
//!          ┌──────────── an answer came, or a route names the address anew: no pause ───────────┐
//!          ▼                                                                                    │
//! connection ended ──▶ try ──▶ failed ──▶ pause of 50 ms ──▶ try ──▶ failed ──▶ 100 ms … 2 s ──▶ try
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::exchange::{Failure, FailureKind};
use crate::sys::{self, Moment};

/// The pause after the first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Shorter than a send with the default time limit waits: each of them sees a try.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Failures of one kind that follow each other are told in the log once, and again when this time is over.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

type Cause = Arc<dyn Error + Send + Sync>;

#[derive(Default)]
pub(super) struct Reach {
    /// Failed tries in a row, without an answer between them.
    failures: u32,
    /// The length of the last pause.
    length: Duration,
    pause_end: Option<Moment>,
    /// When the last try began.
    begun: Option<Moment>,
    /// The cause of the last failure.
    cause: Option<Cause>,
    /// Where the last connection went.
    dialed: Option<SocketAddr>,
    told: Told,
}

/// What the log has of the failures.
#[derive(Default)]
struct Told {
    text: String,
    at: Option<Moment>,
    /// Failures since then that it does not have.
    more: u32,
}

impl Reach {
    /// A try begins. Gives where the last connection went.
    pub(super) fn begin(&mut self, now: Moment) -> Option<SocketAddr> {
        self.begun = Some(now);
        self.dialed
    }

    /// When the next try begins, if that is still to come.
    pub(super) fn pause_end(&self, now: Moment) -> Option<Moment> {
        self.pause_end.filter(|end| *end > now)
    }

    /// Whether the last try failed, or the last connection gave no answer.
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// The next try may begin at once.
    pub(super) fn end_pause(&mut self) {
        self.failures = 0;
        self.pause_end = None;
    }

    /// Why a request that comes in the pause and cannot wait has no connection.
    pub(super) fn refusal(&self) -> Failure {
        Failure { kind: FailureKind::Connect, sent: false, cause: self.cause.clone() }
    }

    /// A try failed, or a connection ended that gave no answer. Gives the line for the log, unless it has one like it.
    pub(super) fn failed(&mut self, address: &str, failure: &Failure, now: Moment) -> Option<String> {
        self.failures = self.failures.saturating_add(1);
        // It grows while tries follow each other closely, and not when one is made now and then.
        let is_pressed =
            self.begun.zip(self.pause_end).is_some_and(|(begun, end)| begun.since(end) <= self.length);
        self.length = if is_pressed { (self.length * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
        self.pause_end = Some(now + jittered(self.length));
        self.cause.clone_from(&failure.cause);
        let text = ended(address, failure);
        let is_told = self.told.text == text;
        let is_recent = self.told.at.is_some_and(|at| now.since(at) < TOLD_AGAIN);
        if is_told && is_recent {
            self.told.more += 1;
            return None;
        }
        let line = match std::mem::take(&mut self.told.more) {
            0 => text.clone(),
            more if is_told => format!("{text} ({more} more times)"),
            more => format!("{text} (before that {more} more times: {})", self.told.text),
        };
        self.told = Told { text, at: Some(now), more: 0 };
        Some(line)
    }

    /// A connection is open. Gives the line for the log if that is news.
    pub(super) fn opened(&mut self, address: &str, dialed: Option<SocketAddr>) -> Option<String> {
        self.dialed = dialed;
        let failures = self.failures;
        (failures > 0).then(|| format!("connected to {address} after {failures} failed tries"))
    }

    /// A connection that had answers has ended: that is no reason for a pause. Gives the line for the log.
    pub(super) fn ended(&mut self, address: &str, failure: &Failure) -> String {
        self.end_pause();
        self.told = Told::default();
        ended(address, failure)
    }
}

/// How a connection or a try to make one ended, for the log.
pub(super) fn ended(address: &str, failure: &Failure) -> String {
    match &failure.cause {
        Some(cause) if failure.kind == FailureKind::Connect => format!("no connection to {address}: {cause}"),
        Some(cause) => format!("connection to {address} ended: {cause}"),
        None => format!("connection to {address} closed"),
    }
}

/// Three quarters of the pause and a part of the last quarter by chance, so that a thousand clients do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let quarter = pause / 4;
    pause - quarter + quarter.mul_f64(sys::chance_of(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A try as soon as it may be.
    fn fail(reach: &mut Reach, now: &mut Moment) {
        *now = reach.pause_end(*now).unwrap_or(*now);
        reach.begin(*now);
        reach.failed("a:1", &refused(), *now);
    }

    fn refused() -> Failure {
        Failure::because(FailureKind::Connect, std::io::Error::other("refused"))
    }

    #[test]
    fn the_pause_doubles_to_its_bound_and_ends() {
        let mut reach = Reach::default();
        let mut now = Moment::now();
        assert_eq!(reach.pause_end(now), None);
        for full in [50, 100, 200, 400, 800, 1600, 2000, 2000] {
            fail(&mut reach, &mut now);
            let pause = reach.pause_end(now).expect("a pause").since(now);
            let full = Duration::from_millis(full);
            assert!((full * 3 / 4..=full).contains(&pause), "{pause:?} of {full:?}");
        }
        let end = reach.pause_end(now).expect("a pause");
        assert_eq!(reach.pause_end(end), None);
        reach.end_pause();
        assert_eq!(reach.pause_end(now), None);
        fail(&mut reach, &mut now);
        assert!(reach.pause_end(now).expect("a pause").since(now) <= FIRST_PAUSE, "it begins anew");
    }

    #[test]
    fn tries_now_and_then_do_not_lengthen_the_pause() {
        let mut reach = Reach::default();
        let mut now = Moment::now();
        for _ in 0..5 {
            fail(&mut reach, &mut now);
            assert!(reach.pause_end(now).expect("a pause").since(now) <= FIRST_PAUSE);
            now = now + 3 * FIRST_PAUSE;
        }
    }

    #[test]
    fn failures_of_one_kind_are_told_once_and_then_counted() {
        let mut reach = Reach::default();
        let now = Moment::now();
        let line = "no connection to a:1: refused";
        assert_eq!(reach.failed("a:1", &refused(), now).as_deref(), Some(line));
        for _ in 0..9 {
            assert_eq!(reach.failed("a:1", &refused(), now), None);
        }
        let later = now + TOLD_AGAIN;
        assert_eq!(reach.failed("a:1", &refused(), later).expect("a line"), format!("{line} (9 more times)"));
        reach.failed("a:1", &refused(), later);
        let silent = Failure::because(FailureKind::Connect, std::io::Error::other("silent"));
        let told = reach.failed("a:1", &silent, later).expect("another kind");
        assert_eq!(told, format!("no connection to a:1: silent (before that 1 more times: {line})"));
        let told = reach.opened("a:1", None).expect("news");
        assert_eq!(told, "connected to a:1 after 13 failed tries");
        assert_eq!(reach.ended("a:1", &Failure::new(FailureKind::Aborted)), "connection to a:1 closed");
        assert_eq!(reach.opened("a:1", None), None);
        assert_eq!(reach.failed("a:1", &refused(), later).as_deref(), Some(line));
    }
}
