//! The monotonic clock, in points of time that take one word, where the standard library's take two: a send keeps three.

use std::num::NonZeroU64;
use std::ops::Add;
use std::time::Duration;

/// A point in time, in nanoseconds of the system's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(NonZeroU64);

impl Moment {
    /// This one.
    pub fn now() -> Self {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is valid for the call. It cannot fail: every system that has the call has this clock.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
        Self::at(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }

    fn at(nanos: u64) -> Self {
        Self(NonZeroU64::new(nanos).unwrap_or(NonZeroU64::MIN))
    }

    /// Nanoseconds of the clock, which counts from any start.
    pub(crate) fn nanos(self) -> u64 {
        self.0.get()
    }

    /// For system calls that take a time of this clock.
    pub(super) fn to_timespec(self) -> libc::timespec {
        const SECOND: u64 = 1_000_000_000;
        // Whatever the width of the seconds, centuries fit.
        let seconds = libc::time_t::try_from(self.nanos() / SECOND).unwrap_or(libc::time_t::MAX);
        libc::timespec { tv_sec: seconds, tv_nsec: (self.nanos() % SECOND) as _ }
    }

    /// The time since then.
    pub fn elapsed(self) -> Duration {
        Self::now().since(self)
    }

    /// The time since an earlier moment; none if it is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos().saturating_sub(earlier.nanos()))
    }

    /// `None` where the clock ends, in some centuries.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        Some(Self(self.0.checked_add(duration.as_nanos().try_into().ok()?)?))
    }

    /// The moment that long before this one, or the start of the clock.
    #[cfg(test)]
    pub(crate) fn before(self, duration: Duration) -> Self {
        Self::at(self.nanos().saturating_sub(duration.as_nanos() as u64))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    /// The sum reaches at most to the end of the clock.
    fn add(self, duration: Duration) -> Self {
        self.checked_add(duration).unwrap_or(Self(NonZeroU64::MAX))
    }
}

/// For a timer.
impl From<Moment> for tokio::time::Instant {
    fn from(moment: Moment) -> Self {
        // The clocks are read in this order: a timer may go off late, but not early.
        let left = moment.since(Moment::now());
        Self::now() + left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_add_up_and_stop_at_both_ends() {
        let (now, second) = (Moment::now(), Duration::from_secs(1));
        assert_eq!((now + second).since(now), second);
        assert_eq!(now.since(now + second), Duration::ZERO);
        assert_eq!((now + second).before(second), now);
        assert_eq!(now.checked_add(Duration::MAX), None);
        assert_eq!(now + Duration::MAX, Moment(NonZeroU64::MAX));
        assert_eq!(Moment::at(0).before(second), Moment::at(0));
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }

    #[test]
    fn the_clock_is_that_of_timers() {
        let before = tokio::time::Instant::now();
        let moment = Moment::now();
        let after = tokio::time::Instant::now();
        let later = Duration::from_secs(100);
        let told = tokio::time::Instant::from(moment + later);
        // Both clocks were read one after the other, so the answer may be late by what lay between.
        assert!((before + later..=after + later + before.elapsed()).contains(&told));
        assert!(Moment::now() >= moment && moment.elapsed() < later);
    }
}
