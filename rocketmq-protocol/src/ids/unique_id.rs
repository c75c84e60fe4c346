//! The unique message id (UNIQ_KEY) that the producer gives.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::hex;

const MAX_PREFIX: usize = 22;
const HASH: usize = 4;
const SUFFIX: usize = 6;
const MAX_TEXT: usize = 2 * (MAX_PREFIX + SUFFIX);

/// So far the time in an id may be ahead of the clock, in ms. Who looks a message up by its id searches from a second before
/// the time in it on.
const AHEAD_MS: u32 = 1_000;

/// A unique message id: 32 (IPv4) or 56 (IPv6) upper-case hexadecimal characters, stored in place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UniqueId {
    text: Text,
    len: u8,
}

/// Aligned, so that a check of it looks at whole words: each message has an id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(8))]
struct Text([u8; MAX_TEXT]);

impl UniqueId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits only, so the conversion cannot fail.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id's ASCII characters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text.0[..usize::from(self.len)]
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UniqueId({})", self.as_str())
    }
}

/// Makes the unique ids of one process; usable from any thread, without locks. None is given twice, whatever the clock does.
///
/// What distinguishes the ids of a process is one number, which only grows:
///
/// ```text
///  63      48 47                       16 15        0
/// |   era   | ms since the month's start |  counter  |
/// ```
///
/// An id is the number before an addition of 1, so that a full counter goes on in the next millisecond. The time is raised to
/// the clock's. Where the clock is far behind it (it was set back, or a month has begun), an era begins, with the clock's
/// time; the era is added to the hash. After the last era the time stays ahead.
#[derive(Debug)]
pub struct UniqueIdGenerator {
    /// The part that stays: address, process id, and the hash of the first era; already as text.
    prefix: UniqueId,
    hash: u32,
    next: AtomicU64,
}

const ERA_SHIFT: u32 = 48;
const TIME_SHIFT: u32 = 16;
const LAST_ERA: u64 = u64::MAX >> ERA_SHIFT;

impl UniqueIdGenerator {
    /// `ip` is an address of this host, `pid` the process id (its low 16 bits count), `hash` any value
    /// that differs between processes of equal address and id.
    pub fn new(ip: IpAddr, pid: u32, hash: u32) -> Self {
        let mut bytes = [0; MAX_PREFIX];
        let address_length = match ip {
            IpAddr::V4(ip) => {
                bytes[..4].copy_from_slice(&ip.octets());
                4
            }
            IpAddr::V6(ip) => {
                bytes[..16].copy_from_slice(&ip.octets());
                16
            }
        };
        bytes[address_length..address_length + 2].copy_from_slice(&(pid as u16).to_be_bytes());
        bytes[address_length + 2..address_length + 6].copy_from_slice(&hash.to_be_bytes());
        let mut text = [b'0'; MAX_TEXT];
        hex::write(&mut text, &bytes[..address_length + 6]);
        let len = 2 * (address_length + 6 + SUFFIX) as u8;
        UniqueIdGenerator { prefix: UniqueId { text: Text(text), len }, hash, next: AtomicU64::new(0) }
    }

    /// The length of every id, in bytes.
    pub fn id_len(&self) -> usize {
        self.prefix.as_bytes().len()
    }

    /// The next id. `now_ms` is the clock, `month_start_ms` the first moment of its month in local
    /// time, both ms since the epoch; a time before it counts as the month's start.
    pub fn next(&self, now_ms: u64, month_start_ms: u64) -> UniqueId {
        let now = now_ms.saturating_sub(month_start_ms) as u32;
        if time_of(self.next.load(Relaxed)) != now {
            self.follow(now);
        }
        let number = self.next.fetch_add(1, Relaxed);
        let [time, counter] = [time_of(number), number as u32 & 0xFFFF].map(hex::digits);
        let mut id = self.prefix;
        let end = usize::from(id.len) - 2 * SUFFIX;
        let suffix = &mut id.text.0[end..end + 2 * SUFFIX];
        suffix[..8].copy_from_slice(&time);
        suffix[8..].copy_from_slice(&counter[4..]);
        let era = (number >> ERA_SHIFT) as u32;
        if era > 0 {
            id.text.0[end - 2 * HASH..end].copy_from_slice(&hex::digits(self.hash.wrapping_add(era)));
        }
        id
    }

    /// Raises the number to this time, in a new era if it is far ahead.
    fn follow(&self, now: u32) {
        // An error says that there is nothing to do.
        let _ = self.next.fetch_update(Relaxed, Relaxed, |number| {
            let (era, time) = (number >> ERA_SHIFT, time_of(number));
            let era = match time.checked_sub(now) {
                None => era,
                Some(..=AHEAD_MS) => return None,
                Some(_) if era == LAST_ERA => return None,
                Some(_) => era + 1,
            };
            Some(era << ERA_SHIFT | u64::from(now) << TIME_SHIFT)
        });
    }
}

fn time_of(number: u64) -> u32 {
    (number >> TIME_SHIFT) as u32
}
