//! The requests of one connection that wait for their answers, found by opaque.
//!
//! A slot is used again only after its answer came: one that timed out stays taken until the late answer
//! arrives or the connection ends, so a late answer can never be taken for another request's.

use super::exchange::Exchange;
use super::limits::{self, SLOT_BITS, SLOTS};
use crate::sys::Moment;

/// The bits of an opaque that are the slot. Those above count how often the slot was used.
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const USE_MASK: u32 = (i32::MAX as u32) >> SLOT_BITS;

/// The requests that room is made for at first.
const FIRST_SLOTS: usize = 64;

#[derive(Default)]
pub(super) struct InFlight {
    slots: Vec<Slot>,
    free: Vec<u32>,
    waiting: usize,
    abandoned: usize,
}

/// Two of them in a cache line: a hundred thousand may be in flight.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Slot>() <= 32);

/// Free if nobody waits in it and it is not abandoned. (An enum would be larger.)
#[derive(Default)]
struct Slot {
    waiting: Option<Waiting>,
    mark: Mark,
}

struct Waiting {
    exchange: Box<dyn Exchange>,
    deadline: Moment,
}

/// What else a slot knows, in one word:
///
/// ```text
/// bits 63…12: where the frame of who waits ends │ 11: abandoned │ 10…0: how often the slot was used
/// ```
///
/// A position of a connection that has written more than 4 PB loses its highest bits; then its request counts as sent.
#[derive(Clone, Copy, Default)]
struct Mark(u64);

impl Mark {
    const USES: u64 = USE_MASK as u64;
    /// Timed out or aborted; its answer may still come.
    const ABANDONED: u64 = Self::USES + 1;
    const POSITION: u32 = Self::ABANDONED.trailing_zeros() + 1;

    fn uses(self) -> u32 {
        (self.0 & Self::USES) as u32
    }

    fn is_abandoned(self) -> bool {
        self.0 & Self::ABANDONED != 0
    }

    fn frame_end(self) -> u64 {
        self.0 >> Self::POSITION
    }

    /// Free again, for the next use.
    fn next(self) -> Self {
        Self((self.0 + 1) & Self::USES)
    }
}

/// One that waits, as it comes and goes.
pub(super) struct Pending {
    pub(super) exchange: Box<dyn Exchange>,
    pub(super) deadline: Moment,
    /// Position in the byte stream behind the last byte of its frame.
    pub(super) frame_end: u64,
}

impl InFlight {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// How many slots wait for late answers.
    pub(super) fn abandoned(&self) -> usize {
        self.abandoned
    }

    /// The opaque that the next [`Self::insert`] will use, or `None` when every slot is taken.
    pub(super) fn next_opaque(&mut self) -> Option<i32> {
        if self.free.is_empty() {
            if self.slots.len() == SLOTS {
                return None;
            }
            if self.slots.len() == self.slots.capacity() {
                // Twice as many would be half empty for long.
                self.slots.reserve_exact(self.slots.len() / 8 + FIRST_SLOTS);
            }
            self.free.push(self.slots.len() as u32);
            self.slots.push(Slot::default());
        }
        let index = *self.free.last()?;
        Some(opaque_of(index, self.slots[index as usize].mark.uses()))
    }

    /// Registers what waits for the opaque that [`Self::next_opaque`] told.
    pub(super) fn insert(&mut self, pending: Pending) {
        if let Some(index) = self.free.pop() {
            let Pending { exchange, deadline, frame_end } = pending;
            let slot = &mut self.slots[index as usize];
            slot.waiting = Some(Waiting { exchange, deadline });
            slot.mark.0 |= frame_end << Mark::POSITION;
            self.waiting += 1;
        }
    }

    /// What waits for this opaque. `None`: nobody (any more).
    pub(super) fn answer(&mut self, opaque: i32) -> Option<Pending> {
        let opaque = u32::try_from(opaque).ok()?;
        let index = opaque & SLOT_MASK;
        let slot = self.slots.get_mut(index as usize)?;
        if slot.mark.uses() != opaque >> SLOT_BITS {
            return None;
        }
        let taken = slot.take();
        if taken.is_some() {
            self.waiting -= 1;
        } else if slot.mark.is_abandoned() {
            self.abandoned -= 1;
        } else {
            return None;
        }
        slot.mark = slot.mark.next();
        self.free.push(index);
        taken
    }

    /// All that wait.
    pub(super) fn waiting_mut(&mut self) -> impl Iterator<Item = (&mut Box<dyn Exchange>, &mut Moment)> {
        let waiting = self.slots.iter_mut().filter_map(|slot| slot.waiting.as_mut());
        waiting.map(|waiting| (&mut waiting.exchange, &mut waiting.deadline))
    }

    /// The longest that the header of an answer may be.
    pub(super) fn longest_header(&self) -> usize {
        let waiting = self.slots.iter().filter_map(|slot| slot.waiting.as_ref());
        waiting.map(|waiting| waiting.exchange.longest_header()).max().unwrap_or(limits::HEADER)
    }

    /// Takes out those that `gone` names and leaves their slots to the late answers.
    pub(super) fn abandon(&mut self, gone: impl Fn(&dyn Exchange, Moment) -> bool) -> Vec<Box<dyn Exchange>> {
        let mut taken = Vec::new();
        for slot in &mut self.slots {
            if let Some(waiting) = slot.waiting.take_if(|waiting| gone(&*waiting.exchange, waiting.deadline))
            {
                slot.mark.0 |= Mark::ABANDONED;
                taken.push(waiting.exchange);
            }
        }
        self.waiting -= taken.len();
        self.abandoned += taken.len();
        taken
    }

    /// Takes out all: the connection has ended and no answer can come.
    pub(super) fn drain(&mut self) -> Vec<Pending> {
        self.waiting = 0;
        self.abandoned = 0;
        self.free.clear();
        self.slots.drain(..).filter_map(|mut slot| slot.take()).collect()
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.slots.iter().filter_map(|slot| slot.waiting.as_ref()).map(|waiting| waiting.deadline).min()
    }
}

impl Slot {
    /// Who waits in it, out of it.
    fn take(&mut self) -> Option<Pending> {
        let Waiting { exchange, deadline } = self.waiting.take()?;
        Some(Pending { exchange, deadline, frame_end: self.mark.frame_end() })
    }
}

fn opaque_of(index: u32, uses: u32) -> i32 {
    (uses << SLOT_BITS | index) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producer_id::ProducerId;
    use crate::remoting::testing::TestRequest;

    fn add(table: &mut InFlight, producer: usize) -> i32 {
        let opaque = table.next_opaque().expect("a free slot");
        table.insert(Pending {
            exchange: Box::new(TestRequest { producer: ProducerId(producer), ..TestRequest::default() }),
            deadline: Moment::now(),
            frame_end: 0,
        });
        opaque
    }

    #[test]
    fn an_answer_finds_its_request_once() {
        let mut table = InFlight::default();
        let opaques: Vec<i32> = (0..100).map(|producer| add(&mut table, producer)).collect();
        for (producer, opaque) in opaques.iter().enumerate().rev() {
            assert_eq!(
                table.answer(*opaque).map(|pending| pending.exchange.producer()),
                Some(ProducerId(producer))
            );
            assert!(table.answer(*opaque).is_none());
        }
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_late_answer_never_meets_another_request() {
        let mut table = InFlight::default();
        let late = add(&mut table, 1);
        assert_eq!(table.abandon(|_, _| true).len(), 1);
        for _ in 0..5000 {
            let opaque = add(&mut table, 2);
            assert_ne!(opaque, late);
            assert!(table.answer(opaque).is_some());
        }
        assert!(table.answer(late).is_none(), "told to nobody");
        assert_eq!(
            add(&mut table, 3) as u32 & SLOT_MASK,
            late as u32 & SLOT_MASK,
            "and the slot is free again"
        );
    }

    #[test]
    fn foreign_opaques_are_nobodys() {
        let mut table = InFlight::default();
        add(&mut table, 1);
        for opaque in [-1, i32::MIN, i32::MAX, 1, 1 << SLOT_BITS] {
            assert!(table.answer(opaque).is_none());
        }
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn a_slot_knows_where_each_of_its_frames_ends() {
        let mut table = InFlight::default();
        for frame_end in [0, 1, u64::from(u32::MAX), (1 << 52) - 1, 7] {
            let opaque = table.next_opaque().expect("a free slot");
            assert_eq!(opaque as u32 & SLOT_MASK, 0);
            let exchange = Box::new(TestRequest::default());
            table.insert(Pending { exchange, deadline: Moment::now(), frame_end });
            assert_eq!(table.answer(opaque).map(|pending| pending.frame_end), Some(frame_end));
        }
        // Also after a time-out, and at the end of the connection.
        add(&mut table, 1);
        assert_eq!((table.abandon(|_, _| true).len(), table.abandoned()), (1, 1));
        table.next_opaque().expect("a free slot");
        table.insert(Pending {
            exchange: Box::new(TestRequest::default()),
            deadline: Moment::now(),
            frame_end: 9,
        });
        assert_eq!(table.drain().iter().map(|pending| pending.frame_end).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn opaques_stay_positive_however_often_a_slot_is_used() {
        let mut table = InFlight::default();
        for _ in 0..=USE_MASK + 1 {
            let opaque = add(&mut table, 1);
            assert!(opaque >= 0);
            assert!(table.answer(opaque).is_some());
        }
    }
}
