//! The unique message id (UNIQ_KEY) that the producer gives.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::hex;

const MAX_PREFIX: usize = 22;
const SUFFIX: usize = 6;
const MAX_TEXT: usize = 2 * (MAX_PREFIX + SUFFIX);

/// A clock that ran back this far at most counts as standing at the month's start, in ms.
const TOLERATED_STEP_BACK_MS: i64 = 1_000_000;

/// A unique message id: 32 (IPv4) or 56 (IPv6) upper-case hexadecimal characters, stored in place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UniqueId {
    text: [u8; MAX_TEXT],
    len: u8,
}

impl UniqueId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Hexadecimal digits only, so the conversion cannot fail.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id's ASCII characters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
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

/// Makes the unique ids of one process; usable from any thread, without locks.
#[derive(Debug)]
pub struct UniqueIdGenerator {
    /// The part that stays: address, process id, hash; already as text.
    prefix: UniqueId,
    counter: AtomicU16,
}

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
        UniqueIdGenerator { prefix: UniqueId { text, len }, counter: AtomicU16::new(0) }
    }

    /// The next id. `now_ms` is the clock, `month_start_ms` the first moment of its month in local
    /// time, both ms since the epoch. The counter wraps after 65,536 ids.
    pub fn next(&self, now_ms: u64, month_start_ms: u64) -> UniqueId {
        let mut elapsed = now_ms.wrapping_sub(month_start_ms) as i64;
        if elapsed < 0 && elapsed > -TOLERATED_STEP_BACK_MS {
            elapsed = 0;
        }
        let counter = self.counter.fetch_add(1, Ordering::Relaxed);
        let mut suffix = [0; SUFFIX];
        suffix[..4].copy_from_slice(&(elapsed as u32).to_be_bytes());
        suffix[4..].copy_from_slice(&counter.to_be_bytes());
        let mut id = self.prefix;
        let end = usize::from(id.len);
        hex::write(&mut id.text[end - 2 * SUFFIX..end], &suffix);
        id
    }
}
