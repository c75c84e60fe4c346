//! The local calendar, which unique ids count from.

use std::mem::MaybeUninit;

/// The start of the current month, day 1 at 00:00:00.000 local time, in ms since the epoch (protocol 5.10).
///
/// 0 where the calendar of the system does not reach: ids are then counted from the epoch, which is as good.
pub(crate) fn month_start_ms(now_ms: u64) -> u64 {
    let start = libc::time_t::try_from(now_ms / 1000).ok().and_then(local_month_start);
    start.and_then(|seconds| u64::try_from(seconds).ok()).map_or(0, |seconds| seconds.saturating_mul(1000))
}

fn local_month_start(seconds: libc::time_t) -> Option<libc::time_t> {
    let mut calendar = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are valid for the call. The time zone is read from the environment under the C
    // library's lock; that nobody changes the environment meanwhile is the rule of every C program with threads.
    if unsafe { libc::localtime_r(&seconds, calendar.as_mut_ptr()) }.is_null() {
        return None;
    }
    // SAFETY: `localtime_r` did not fail, so it has written the whole structure.
    let mut calendar = unsafe { calendar.assume_init() };
    calendar.tm_mday = 1;
    calendar.tm_hour = 0;
    calendar.tm_min = 0;
    calendar.tm_sec = 0;
    // Whether daylight saving time held on that day is for the system to find out.
    calendar.tm_isdst = -1;
    // SAFETY: the structure is initialized, and valid for the call.
    Some(unsafe { libc::mktime(&mut calendar) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn local(ms: u64) -> libc::tm {
        let seconds = libc::time_t::try_from(ms / 1000).unwrap();
        let mut calendar = MaybeUninit::<libc::tm>::uninit();
        // SAFETY: as in `local_month_start`.
        unsafe {
            assert!(!libc::localtime_r(&seconds, calendar.as_mut_ptr()).is_null());
            calendar.assume_init()
        }
    }

    #[test]
    fn it_is_midnight_of_day_one_of_the_same_month() {
        // 2024 and the two years after, in steps that meet every hour of the day.
        for step in 0..1000 {
            let now = 1_704_067_200_123 + step * (DAY_MS + 3_600_000);
            let start = month_start_ms(now);
            assert!(start <= now && now - start < 32 * DAY_MS, "{now}: {start}");
            assert_eq!(start % 1000, 0);
            let (day_one, today) = (local(start), local(now));
            assert_eq!(
                (day_one.tm_mday, day_one.tm_hour, day_one.tm_min, day_one.tm_sec),
                (1, 0, 0, 0),
                "{now}"
            );
            assert_eq!((day_one.tm_mon, day_one.tm_year), (today.tm_mon, today.tm_year), "{now}");
            assert_eq!(month_start_ms(start), start);
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        assert_eq!(month_start_ms(0), 0, "the epoch, or in the west the month before it");
        let last = month_start_ms(u64::MAX);
        assert!(last == 0 || u64::MAX - last < 32 * DAY_MS);
    }
}
