//! A hash table that needs no lock to look.
//!
//! ```text
//! number ──▶ 8 slots in a row, from its place on ── others have them all ──▶ 8 slots of the next table, twice as large …
//! ```
//!
//! Slots are emptied and filled again, and tables are never taken away: who has found a slot may write into it for ever.

use std::sync::Weak;
use std::sync::atomic::{AtomicU32, Ordering};

use once_cell::race::OnceBox;

use super::BrokerRecorder;
use crate::sync::Mutex;

/// How many brokers the first table has room for; each further one has room for twice as many.
pub(super) const FIRST_SLOTS: usize = 256;

/// The room of the last one. So 3,840 brokers have counters of their own at a time, of some 5 KB each; the requests to
/// more are counted in all only.
const LAST_SLOTS: usize = 2048;

/// How many slots a broker may be in, from its number on. It goes into the next table if others have them all.
const PROBES: usize = 8;

pub(super) struct Table {
    slots: Box<[Slot]>,
    more: OnceBox<Self>,
}

#[derive(Default)]
pub(super) struct Slot {
    /// 0: nobody's.
    pub(super) id: AtomicU32,
    pub(super) name: Mutex<Option<Weak<str>>>,
    pub(super) recorder: OnceBox<BrokerRecorder>,
}

impl Default for Table {
    fn default() -> Self {
        Self::with_slots(FIRST_SLOTS)
    }
}

impl Table {
    fn with_slots(count: usize) -> Self {
        Self { slots: (0..count).map(|_| Slot::default()).collect(), more: OnceBox::new() }
    }

    /// The slots that this broker may be in.
    fn row(&self, id: u32) -> impl Iterator<Item = &Slot> {
        // The count of slots is a power of two.
        let mask = self.slots.len() - 1;
        (0..PROBES).map(move |probe| &self.slots[(id as usize + probe) & mask])
    }

    fn tables(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |table| table.more.get())
    }

    pub(super) fn slot(&self, id: u32) -> Option<&Slot> {
        self.tables().find_map(|table| table.row(id).find(|slot| slot.id.load(Ordering::Acquire) == id))
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.tables().flat_map(|table| table.slots.iter())
    }

    /// A slot of nobody's for this broker, in a new table if need be.
    pub(super) fn free_slot(&self, id: u32) -> Option<&Slot> {
        let mut table = self;
        loop {
            if let Some(slot) = table.row(id).find(|slot| slot.id.load(Ordering::Relaxed) == 0) {
                return Some(slot);
            }
            let more = table.slots.len() * 2;
            if more > LAST_SLOTS {
                return None;
            }
            table = table.more.get_or_init(|| Box::new(Self::with_slots(more)));
        }
    }
}
